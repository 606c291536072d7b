import { nonNegative } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { outputsOf, type ChainLink, type ModelOutput } from '../layers/chain.js';
import { isCustomLoss } from '../losses/customLoss.js';
import { builtInLossSchema, lossSchema, type BuiltInLoss, type Loss } from '../losses/loss.js';
import type { HeadLosses, ModelLoss } from '../losses/modelLoss.js';
import { checkMetrics } from '../metrics/checkMetrics.js';
import { metricsSchema, type MetricDescriptor } from '../metrics/metric.js';
import type { HeadMetrics, ModelMetrics } from '../metrics/modelMetrics.js';
import { valuesByHead } from './byHead.js';
import { checkLossHead } from './lossHead.js';

/** What a model is trained or measured for, as options give it. */
export interface GivenGoal {
  readonly loss?: unknown;
  readonly lossWeights?: unknown;
  readonly metrics?: unknown;
}

/** The same, resolved and held against the model. */
export interface Goal {
  readonly loss: ModelLoss;
  readonly metrics: ModelMetrics;
}

/**
 * Loss and metrics, of each head where the model has heads.
 *
 * @param path What they are options of: `fit`.
 * @param last What stands for a loss that is not given, and for metrics beside it.
 * @throws ConfigError
 */
export function resolveGoal(chain: readonly ChainLink[], given: GivenGoal, path: string, last?: Goal): Goal {
  const outputs = outputsOf(chain);
  const former = given.loss === undefined ? last : undefined;
  return outputs.length === 1
    ? plainGoal(outputs[0]!, given, path, former)
    : headsGoal(outputs, given, path, former);
}

function plainGoal(output: ModelOutput, given: GivenGoal, path: string, former: Goal | undefined): Goal {
  if (given.lossWeights !== undefined) {
    throw invalid(`${path}.lossWeights`, 'none for a model of one output', 'some');
  }
  const loss = (former?.loss ?? parseOptions(lossSchema, given.loss, `${path}.loss`)) as Loss;
  checkLossHead(loss, output);
  const metrics = plainMetrics(given.metrics ?? former?.metrics, loss, output, `${path}.metrics`);
  return { loss, metrics };
}

function headsGoal(
  outputs: readonly ModelOutput[],
  given: GivenGoal,
  path: string,
  former: Goal | undefined,
): Goal {
  const last = former as { readonly loss: HeadLosses; readonly metrics: HeadMetrics } | undefined;
  const names = outputs.map(({ head }) => head!);
  const losses =
    last === undefined
      ? valuesByHead(given.loss, names, `${path}.loss`, 'a loss', true)
      : names.map((name) => last.loss.heads[name]!.loss);
  const weights = valuesByHead(given.lossWeights ?? {}, names, `${path}.lossWeights`, 'a weight', false);
  const metrics = valuesByHead(
    given.metrics ?? last?.metrics.heads ?? {},
    names,
    `${path}.metrics`,
    'metrics',
    false,
  );
  const heads = outputs.map((output, i) => {
    const name = names[i]!;
    const loss = headLoss(losses[i], `${path}.loss.${name}`);
    checkLossHead(loss, output);
    const own = weights[i] ?? last?.loss.heads[name]!.weight ?? 1;
    const weight = parseOptions(nonNegative, own, `${path}.lossWeights.${name}`);
    return { name, loss, weight, metrics: plainMetrics(metrics[i], loss, output, `${path}.metrics.${name}`) };
  });
  const ofLoss = heads.map(({ name, loss, weight }) => [name, Object.freeze({ loss, weight })]);
  const ofMetrics = heads.map((head) => [head.name, head.metrics]);
  return {
    loss: Object.freeze({ kind: 'heads', heads: Object.freeze(Object.fromEntries(ofLoss)) }),
    metrics: Object.freeze({ kind: 'heads', heads: Object.freeze(Object.fromEntries(ofMetrics)) }),
  };
}

function headLoss(given: unknown, path: string): BuiltInLoss {
  if (isCustomLoss(given)) {
    throw invalid(
      path,
      "one of the package's losses, as a custom loss is for a model of one output",
      given.name,
    );
  }
  return parseOptions(builtInLossSchema, given, path);
}

function plainMetrics(
  given: unknown,
  loss: Loss,
  { link }: ModelOutput,
  path: string,
): readonly MetricDescriptor[] {
  const metrics = parseOptions(metricsSchema, given ?? [], path);
  checkMetrics(metrics, loss, link.output.size, path);
  return Object.freeze([...metrics]);
}

function invalid(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
