import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { float32Tensor, type NamedTensors, type NumericInput } from '../data/tensor.js';
import { ConfigError, ShapeError } from '../errors.js';
import type { NativeParameter } from '../native/binding.js';
import type { Session } from '../native/session.js';

/** Weights as a user hands them in, by parameter name. */
export type WeightsInput = Readonly<Record<string, NumericInput>>;

/** Cuts an arena into named tensors, each with memory of its own. */
export function namedTensors(parameters: readonly NativeParameter[], arena: Float32Array): NamedTensors {
  return Object.fromEntries(
    parameters.map(({ name, shape, offset, size }) => [
      name,
      { data: arena.slice(offset, offset + size), shape },
    ]),
  );
}

/**
 * Checks weights against the parameters.
 *
 * @param strict Unknown names are errors; otherwise they are left out.
 * @throws ConfigError for an unknown name, ShapeError for another shape, DataError for NaN and infinities.
 */
export function checkWeights(
  parameters: readonly NativeParameter[],
  weights: unknown,
  strict: boolean,
): ReadonlyMap<NativeParameter, Float32Array> {
  if (typeof weights !== 'object' || weights === null || Array.isArray(weights)) {
    const expected = 'an object of tensors by parameter name';
    throw new ShapeError(`weights: expected ${expected}, received ${describe(weights)}`, { name: 'weights' });
  }
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const checked = new Map<NativeParameter, Float32Array>();
  for (const [name, value] of Object.entries(weights)) {
    const parameter = byName.get(name);
    if (parameter !== undefined) {
      checked.set(parameter, float32Tensor(value, `weights['${name}']`, parameter.shape).data);
    } else if (strict) {
      throw unknownParameter(name, [...byName.keys()]);
    }
  }
  return checked;
}

/** Writes checked weights over those of an arena; the others stay. */
export async function overwrite(
  session: Session,
  weights: ReadonlyMap<NativeParameter, Float32Array>,
): Promise<void> {
  if (weights.size === 0) return;
  const arena = await session.readArena('params');
  for (const [{ offset }, data] of weights) arena.set(data, offset);
  await session.writeArena('params', arena);
}

/** A parameter as users see it. */
export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
}

export function parameterInfos(parameters: readonly NativeParameter[]): readonly ParameterInfo[] {
  return Object.freeze(
    parameters.map(({ name, shape, trainable }) =>
      Object.freeze({ name, shape: Object.freeze(shape), trainable }),
    ),
  );
}

function unknownParameter(name: string, known: readonly string[]): ConfigError {
  const near = nearestName(name, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`;
  return new ConfigError(`weights: no parameter '${name}'; ${hint}`, {
    path: 'weights',
    expected: known,
    received: name,
  });
}
