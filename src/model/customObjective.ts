import { describe } from '../config/describe.js';
import type { GatheredBatch } from '../data/batches.js';
import { ConfigError, ShapeError } from '../errors.js';
import type { Signal } from '../layers/signal.js';
import type { CustomLoss, CustomLossBatch, CustomLossResult } from '../losses/customLoss.js';
import { targetSumsOf } from '../metrics/functions.js';
import type { NativeBatch, NativeStepResult } from '../native/binding.js';
import { copyArrays } from '../native/copyArrays.js';
import type { Measured, Objective } from './objective.js';

/** Batches that have to be whole before others' calls: the device's queue is left between a step's two passes. */
export function customObjective(
  loss: CustomLoss,
  output: Signal,
  metrics: boolean,
  weighted: boolean,
): Omit<Objective, 'totals'> {
  const measure = async (batch: NativeBatch, targets: GatheredBatch['targets'], y: Float32Array) => {
    const given = lossBatch(batch, targets, output, y);
    const result = checked(await loss.compute(given), loss, y.length);
    return { result, sums: sumsOf(given, result.loss, metrics, weighted) };
  };
  return {
    async step(session, shared, sharedTargets, update): Promise<Measured<NativeStepResult>> {
      if (update.accumulate > 1) throw accumulating(loss, update.accumulate);
      // The next batch may be gathered into the same arrays before this one is computed.
      const [batch, targets] = [copyArrays(shared), copyArrays(sharedTargets ?? {})];
      return session.together(async (calls) => {
        const { y } = await calls.forward(batch, true);
        const { result, sums } = await measure(batch, targets, y);
        if (!Number.isFinite(result.loss)) {
          const { step } = await calls.counters();
          return { ...sums, gradNorm: NaN, applied: false, step, lossScale: 1 };
        }
        await calls.backward(result.gradient, undefined);
        // The caller's gradient is not scaled, so what is not finite is no overflow of a scale.
        return { ...sums, ...(await calls.applyUpdate(update)), penalty: 0, lossScale: 1 };
      });
    },
    gradients(): never {
      const expected = "one of the package's losses";
      throw new ConfigError(`gradients: expected ${expected}, received customLoss '${loss.name}'`, {
        path: 'gradients.loss',
        expected,
      });
    },
    async evaluate(session, shared, sharedTargets): Promise<Measured> {
      const [batch, targets] = [copyArrays(shared), copyArrays(sharedTargets ?? {})];
      const { y } = await session.predict(batch, false);
      return (await measure(batch, targets, y[0]!)).sums;
    },
  };
}

function accumulating({ name }: CustomLoss, accumulate: number): ConfigError {
  const expected = 'an optimizer without accumulation beside a custom loss';
  return new ConfigError(`customLoss '${name}': expected ${expected}, received accumulate ${accumulate}`, {
    path: 'optimizer.accumulate',
    expected,
  });
}

function lossBatch(
  { batchSize, timeSteps, seqLengths }: NativeBatch,
  targets: GatheredBatch['targets'],
  output: Signal,
  y: Float32Array,
): CustomLossBatch {
  const perStep = output.kind === 'sequence';
  const leading = perStep ? [batchSize, timeSteps] : [batchSize];
  const rows = perStep ? batchSize * timeSteps : batchSize;
  const values = targets!.values!;
  const weights = targets?.sampleWeights;
  const lengths = seqLengths ?? new Int32Array(batchSize).fill(timeSteps);
  return {
    predictions: { data: y, shape: [...leading, output.size] },
    targets: { data: values, shape: [...leading, values.length / rows] },
    lengths,
    sampleWeights: weights && { data: weights, shape: weights.length === batchSize ? [batchSize] : leading },
    rows: perStep ? lengths.reduce((a, b) => a + b, 0) : batchSize,
  };
}

function checked(result: unknown, { name }: CustomLoss, size: number): CustomLossResult {
  const { loss, gradient } = (result ?? {}) as Partial<CustomLossResult>;
  if (typeof loss !== 'number' || !(gradient instanceof Float32Array)) {
    const expected = '{loss: number, gradient: Float32Array}';
    throw new ConfigError(
      `customLoss '${name}': expected compute to give ${expected}, received ${describe(result)}`,
      {
        path: 'customLoss.compute',
        expected,
      },
    );
  }
  if (gradient.length !== size) {
    const expected = `a gradient of ${size} numbers, as predictions`;
    throw new ShapeError(`customLoss '${name}': expected ${expected}, received ${gradient.length}`, {
      name: 'gradient',
      expected,
      received: gradient.length,
    });
  }
  return { loss, gradient };
}

function sumsOf(given: CustomLossBatch, loss: number, metrics: boolean, weighted: boolean): Measured {
  const { rows } = given;
  const nothing = { penalty: 0, correct: 0, absoluteError: 0, squaredError: 0, logLikelihood: 0 };
  const targetSums = metrics ? errorsOf(given, weighted) : undefined;
  return { loss, elements: rows, rows, count: rows, ...nothing, ...(targetSums && { targetSums }) };
}

function errorsOf(
  { predictions, targets, lengths, sampleWeights }: CustomLossBatch,
  weighted: boolean,
): Float64Array {
  const width = predictions.shape.at(-1)!;
  const steps = predictions.shape.length === 3 ? predictions.shape[1]! : 1;
  if (targets.shape.at(-1) !== width) {
    const expected = `targets of the outputs' width ${width} for metrics beside a custom loss`;
    throw new ConfigError(`metrics: expected ${expected}, received ${targets.shape.at(-1)}`, {
      path: 'metrics',
      expected,
    });
  }
  const rows: number[] = [];
  lengths.forEach((length, n) => {
    for (let t = 0; t < (steps === 1 ? 1 : length); t++) rows.push(n * steps + t);
  });
  const cut = (data: Float32Array) => rows.map((row) => data.subarray(row * width, (row + 1) * width));
  const perSequence = sampleWeights?.shape.length === 1;
  const weights = rows.map((row) => sampleWeights?.data[perSequence ? Math.floor(row / steps) : row] ?? 1);
  return targetSumsOf(cut(targets.data), cut(predictions.data), weighted ? { weights } : {});
}
