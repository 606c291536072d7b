import { nearestName } from '../config/nearestName.js';
import { ConfigError } from '../errors.js';
import type { NativeAverage, NativeClip, NativeParameter, NativeUpdate } from '../native/binding.js';
import type { WeightAverage, Clip, Optimizer, ParameterGroup } from '../optimizers/optimizer.js';
import { fixedRate } from '../schedules/schedule.js';

/**
 * The update that the addon applies for an optimiser to these parameters.
 *
 * @throws ConfigError for a group that names no parameter, and for a schedule unless the rate is given.
 */
export function lowerOptimizer(
  optimizer: Optimizer,
  parameters: readonly NativeParameter[],
  learningRate = fixedRate(optimizer.learningRate),
): NativeUpdate {
  const { clip, decay, gradientNoise, average, accumulate, groups, ...rest } = optimizer;
  return {
    ...rest,
    learningRate,
    clip: lowerClip(clip),
    coupledDecay: decay === 'coupled',
    noise: gradientNoise ?? { eta: 0, gamma: 0 },
    average: lowerAverage(average),
    accumulate: accumulate.passes,
    accumulateMean: accumulate.reduction === 'mean',
    ...(groups && { groups: lowerGroups(groups, rest.weightDecay, parameters) }),
  };
}

const defaultEpsilon = { globalNorm: 1e-6, tensorNorm: 0, adaptive: 1e-3 };

function lowerClip(clip: Clip | undefined): NativeClip {
  if (clip === undefined) return { kind: 'none' };
  if ('value' in clip) return { kind: 'value', limit: clip.value };
  const [kind, limit] =
    'globalNorm' in clip
      ? (['globalNorm', clip.globalNorm] as const)
      : 'tensorNorm' in clip
        ? (['tensorNorm', clip.tensorNorm] as const)
        : (['adaptive', clip.adaptive] as const);
  return { kind, limit, epsilon: clip.epsilon ?? defaultEpsilon[kind] };
}

// The mean of NT-ASGD begins where the training loop says.
function lowerAverage(average: WeightAverage | undefined): NativeAverage {
  return average === undefined || average.kind === 'ntAsgd' ? { kind: 'none' } : average;
}

function lowerGroups(
  groups: readonly ParameterGroup[],
  weightDecay: number,
  parameters: readonly NativeParameter[],
): Float32Array {
  for (const [index, group] of groups.entries()) {
    const unknown = group.parameters.find(
      (name) => !parameters.some((parameter) => isNamed(parameter, name)),
    );
    if (unknown !== undefined) throw unknownName(`optimizer.groups[${index}]`, unknown, parameters);
  }
  const pairs = parameters.flatMap((parameter) => {
    const own = groups.find((group) => group.parameters.some((name) => isNamed(parameter, name)));
    return [own?.learningRateScale ?? 1, own?.weightDecay ?? weightDecay];
  });
  return Float32Array.from(pairs);
}

/** Whether a name is this parameter's, its layer's, or a pattern of either. */
function isNamed(parameter: NativeParameter, name: string): boolean {
  const pattern = name
    .split('*')
    .map((part) => part.replace(/[^\w]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${pattern}(\\..*)?$`).test(parameter.name);
}

function unknownName(path: string, received: string, parameters: readonly NativeParameter[]): ConfigError {
  const names = parameters.flatMap(({ name }) => [name, name.slice(0, name.indexOf('.'))]);
  const near = nearestName(received, [...new Set(names)]);
  const expected =
    near === undefined ? 'the name of a layer or parameter' : `the name of one (did you mean '${near}'?)`;
  return new ConfigError(`${path}.parameters: expected ${expected}, received '${received}'`, {
    path,
    expected,
    received,
  });
}
