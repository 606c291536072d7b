import type { Tensor } from '../../data/tensor.js';
import type { Loss, LossName } from '../../losses/loss.js';
import type { Metric } from '../../metrics/metric.js';
import type { Model } from '../../model/model.js';
import type { TrainingData } from '../../model/modelData.js';
import type { SequentialOptions } from '../../model/modelConfig.js';
import type { DataSizes } from '../completeLayers.js';
import type { FoldPlace } from '../folds.js';
import type { DataConfigOf, TaskName } from '../dataConfig.js';
import type { Reading, RecordFormat } from '../source.js';

/** What preparing an experiment's data needs beside the data's own config. */
export interface Preparation {
  readonly seed: number;
  readonly loss: Loss;
  readonly batchSize: number;
  /** A fold instead of the config's validation part. */
  readonly fold?: FoldPlace | undefined;
  /** A path of the config's, taken from its folder. */
  path(name: string): string;
  /** The model of an earlier run, whose preprocessing holds on. */
  readonly model?: Model | undefined;
}

/** Data, and what a model of it has to be. */
export interface PreparedData {
  readonly train: TrainingData;
  readonly validation: TrainingData | undefined;
  readonly sizes: DataSizes;
  /** Input, vocabulary and what else lies in the model file. */
  readonly options: SequentialOptions;
  /** For people and logs: sequences, classes, tokens. */
  readonly summary: Readonly<Record<string, number>>;
}

/** A part to test on, and what a model's errors on it are in the units of the file. */
export interface TestPart {
  readonly data: TrainingData;
  inUnits(): Promise<Readonly<Record<string, number>>>;
}

/** One prediction: fields by name, in the order in which they are to be shown. */
export type Result = Readonly<Record<string, unknown>>;

/** What predictions are made of, and how. */
export interface PredictRequest {
  readonly reading: Reading;
  /** Sequences computed together. */
  readonly batchSize: number;
  /** All classes' probabilities as well. */
  readonly probabilities: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A task: how its files become data, and how a model's outputs become results. */
export interface Task<T extends TaskName> {
  /** The loss and metrics of a config that names none. */
  readonly loss: LossName;
  readonly metrics: readonly Metric[];
  /** The formats it reads, the first being that of paths whose ending says nothing. */
  readonly formats: readonly RecordFormat[];
  /** Another first format, of a model that was trained on it. */
  usualFormat?(model: Model): RecordFormat | undefined;
  prepare(data: DataConfigOf<T>, preparation: Preparation): Promise<PreparedData>;
  /** Labelled data for a trained model. */
  labelled(model: Model, reading: Reading): Promise<TrainingData>;
  /** The test part of a task whose parts lie in one file; others name a file for it. */
  testPart?(model: Model, data: DataConfigOf<T>, path: Preparation['path']): Promise<TestPart>;
  /** A trained model's predictions, as its inputs come. Absent: the task has none. */
  predict?(model: Model, request: PredictRequest): AsyncIterable<Result>;
}

/** Outputs [K] of row n of [N, K], or of the steps of row n of [N, T, K]. */
export function outputRows({ data, shape }: Tensor<Float32Array>, row: number): Float32Array[] {
  const size = shape.at(-1)!;
  const steps = shape.length === 3 ? shape[1]! : 1;
  return Array.from({ length: steps }, (_, step) => {
    const start = (row * steps + step) * size;
    return data.subarray(start, start + size);
  });
}

/** The activation of a model's last layer. */
export function lastActivation(model: Model): string {
  const layer = model.config.layers.at(-1)!;
  return 'activation' in layer ? layer.activation : 'linear';
}
