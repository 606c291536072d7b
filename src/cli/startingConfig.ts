import type { DataConfigInput, TaskName } from '../experiment/dataConfig.js';
import { configVersion, type ExperimentConfig } from '../experiment/experimentConfig.js';
import type { LayerConfig } from '../experiment/layerConfig.js';
import { formatOf } from '../experiment/source.js';

/** What `init` asks. */
export interface Answers {
  readonly task: TaskName;
  readonly train: string;
  readonly hiddenSize: number;
  readonly epochs: number;
}

/** The config that `init` writes: a small model of the task with a share kept for validation. */
export function startingConfig(
  { task, train, hiddenSize, epochs }: Answers,
  schemaAddress: string,
): ExperimentConfig {
  return {
    $schema: schemaAddress,
    version: configVersion,
    data: dataOf(task, train),
    model: { layers: layersOf(task, hiddenSize) },
    training: {
      optimizer: { kind: 'adam', learningRate: 0.005, clip: { globalNorm: 1 } },
      epochs,
      batchSize: 32,
    },
    output: { model: 'model.safetensors', checkpoint: 'checkpoint.safetensors', history: 'history.csv' },
  };
}

function dataOf(task: TaskName, train: string): DataConfigInput {
  const share = { train, validation: 0.2 };
  switch (task) {
    case 'textClassification':
      return {
        task,
        ...share,
        split: 'stratified',
        text: 'text',
        label: 'label',
        vocabulary: { kind: 'word' },
      };
    case 'sequenceClassification':
      return formatOf(train) === 'jsonLines'
        ? { task, ...share, split: 'stratified', x: 'x', label: 'label' }
        : { task, ...share, split: 'stratified', id: 'id', time: 'time', label: 'label' };
    case 'tagging':
      return { task, ...share };
    case 'languageModel':
      return { task, ...share, vocabulary: { kind: 'character' }, timeSteps: 32 };
    case 'forecasting':
      return {
        task,
        train,
        validation: 0.15,
        test: 0.15,
        time: 'time',
        targets: 'value',
        lookBack: 24,
        horizon: 6,
      };
  }
}

function layersOf(task: TaskName, hiddenSize: number): readonly LayerConfig[] {
  const embedding = { kind: 'embedding', size: 32 } as const;
  const classes = { kind: 'dense', activation: 'softmax' } as const;
  switch (task) {
    case 'textClassification':
      return [embedding, { kind: 'lstm', hiddenSize }, { kind: 'pool', mode: 'max' }, classes];
    case 'sequenceClassification':
      return [{ kind: 'lstm', hiddenSize, returnSequences: false }, classes];
    case 'tagging':
      return [embedding, { kind: 'lstm', hiddenSize, bidirectional: true }, classes];
    case 'languageModel':
      return [embedding, { kind: 'lstm', hiddenSize }, { kind: 'dense' }];
    case 'forecasting':
      return [{ kind: 'lstm', hiddenSize, returnSequences: false }, { kind: 'dense' }];
  }
}
