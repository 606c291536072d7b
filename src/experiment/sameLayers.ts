import { isDeepStrictEqual } from 'node:util';
import { describe } from '../config/describe.js';
import { ConfigError } from '../errors.js';

/**
 * Whether a config still says what a model was made of: a run that goes on would pass over a change.
 *
 * @throws ConfigError naming the first difference by its path from `$`.
 */
export function requireSameLayers(made: readonly object[], asked: readonly object[]): void {
  if (made.length !== asked.length) throw differs('$.model.layers', `${made.length} layers`, asked.length);
  for (const [index, layer] of asked.entries()) requireSame(made[index]!, layer, `$.model.layers[${index}]`);
}

function requireSame(made: object, asked: object, path: string): void {
  const [own, other] = [made, asked] as readonly Readonly<Record<string, unknown>>[];
  // A layer without a name was given one.
  const names = Object.keys({ ...own, ...other }).filter(
    (name) => name !== 'name' || other!['name'] !== undefined,
  );
  const name = names.find((one) => !isDeepStrictEqual(own![one], other![one]));
  if (name !== undefined) throw differs(`${path}.${name}`, describe(own![name]), other![name]);
}

function differs(path: string, what: string, received: unknown): ConfigError {
  const expected = `${what}, as the model has that is gone on with`;
  return new ConfigError(`${path}: expected ${expected}, received ${describe(received)}`, {
    path,
    expected,
    received,
  });
}
