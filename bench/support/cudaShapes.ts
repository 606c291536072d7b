import type { Shape } from './shapes.js';

type CudaShape = Shape & { readonly bidirectional: boolean };

const rows = [
  ['tiny', 50, 32, 64, 128, 1, false],
  ['keras3x50', 100, 32, 50, 50, 3, false],
  ['ptb-small', 35, 20, 200, 200, 2, false],
  ['ptb-medium', 35, 20, 650, 650, 2, false],
  ['ptb-large', 35, 20, 1500, 1500, 2, false],
  ['bi-tagger', 64, 64, 256, 512, 2, true],
  ['wide', 128, 128, 1024, 1024, 2, false],
  ['long', 1024, 16, 768, 768, 1, false],
] as const;

export const cudaShapes: readonly CudaShape[] = rows.map(
  ([name, timeSteps, batchSize, channels, hiddenSize, numLayers, bidirectional]) => ({
    name,
    timeSteps,
    batchSize,
    channels,
    hiddenSize,
    numLayers,
    bidirectional,
  }),
);

export const precisions = ['fp32', 'tf32', 'fp16', 'bf16'] as const;
export type Precision = (typeof precisions)[number];

/** What is timed on the GPU. */
export type CudaTrial =
  | { readonly suite: 'train-step'; readonly shape: Shape; readonly precision: Precision }
  /** Clip and Adam over so many parameters, or the card's copy of 2 GiB (PyTorch's alone). */
  | { readonly suite: 'update' | 'copy'; readonly parameters: number }
  | { readonly suite: 'fit'; readonly words: WordModel; readonly precision: Precision };

/** The word language model of Zaremba, Sutskever and Vinyals (2014), "medium": 2 x 650 with dropout 0.5. */
export interface WordModel {
  /** raw int32 */
  readonly tokensPath: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly dropout: number;
  readonly batchSize: number;
  readonly timeSteps: number;
}
