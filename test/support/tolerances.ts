/**
 * Tolerances of normalised errors (max |a - b| / max |b|), each with its reason.
 *
 * The unit is float32's half-spacing, 2^-24 ≈ 6e-8: one rounding of one number near the largest one. A sum of
 * K rounded products in any order strays like √K units; the constants were chosen by measuring (run with
 * CUDNN_LSTM_MARGINS=FILE to see how much of each is used) and leave a factor of about 4 for other orders.
 */
const UNIT = 2 ** -24;

export const oracleTolerance = {
  /** Five points 5e-4 apart: truncation 2e-15 of a fifth derivative; rounding 2e-13 of a value, and gradients
   * may be 1e-4 of the value. */
  centralDifference: 1e-8,
  /** Two float64 programs that sum in different orders, over at most a few thousand terms. */
  golden: 1e-12,
};

/** What an LSTM of so many layers over so many steps may stray. */
export interface LstmLength {
  readonly numLayers: number;
  readonly timeSteps: number;
  readonly batchSize: number;
}

export const deviceTolerance = {
  /** y, hn, cn. Gates forget, so an error lives for a few steps however many there are; each layer adds its own. */
  lstmForward: ({ numLayers }: Pick<LstmLength, 'numLayers'>) => 20 * numLayers * UNIT,

  /** dx, dh0, dc0: the forward's errors and the same again on the way back. */
  lstmGradient: ({ numLayers }: Pick<LstmLength, 'numLayers'>) => 40 * numLayers * UNIT,

  /** Weights and biases: sums of T·N terms that partly cancel, so errors grow with √(T·N) against the sum. */
  lstmWeightGradient: ({ numLayers, timeSteps, batchSize }: LstmLength) =>
    (40 * numLayers + 4 * Math.sqrt(timeSteps * batchSize)) * UNIT,

  /** A float64 sum of terms that are each right to a few units, and mostly of one sign. */
  loss: 10 * UNIT,

  /** Predictions and gradients of networks of a few layers. Where a tensor's gradients are small against those they
   * are sums of, cancellation costs a digit. */
  network: 100 * UNIT,

  /** gradNorm and penalty: summed in float64; errors of the gradients average out. */
  norm: 20 * UNIT,

  /** Losses and weights of a few training steps from the same start. */
  update: 60 * UNIT,

  /** Losses and norms of twenty training steps. */
  training: 10 * UNIT,

  /** Weights after twenty steps of SGD, whose update is linear in the gradients. */
  trainedBySgd: 40 * UNIT,

  /** Weights after twenty steps of Adam, which divides each gradient by its own size: an element whose gradients
   * nearly cancel has a large relative error, and moves by a share of the learning rate all the same. */
  trainedByAdam: 3000 * UNIT,

  /** Losses, norms, weights and their averages over twelve batches under every optimizer, whose epsilons are large
   * enough that no element moves by a share of the rate alone. */
  composition: 150 * UNIT,

  /** Losses, norms and weights of fifty updates, those included that divide a gradient by its own size. */
  fiftyUpdates: 3000 * UNIT,
};

/** TF32 keeps 10 bits of the factors' mantissas and adds in float32: one rounding of a factor. */
const TF32_UNIT = 2 ** -11;

/** Chosen by the argument above, for want of a measurement: errors of a sum's factors are independent, so a product of
 * matrices is right to about one unit of its largest element, once for each layer and direction of the pass. */
export const tf32Tolerance = {
  forward: ({ numLayers }: Pick<LstmLength, 'numLayers'>) => 8 * numLayers * TF32_UNIT,
  backward: ({ numLayers }: Pick<LstmLength, 'numLayers'>) => 16 * numLayers * TF32_UNIT,
};

/** Half of the distance from 1 to the next number. */
const FP16_UNIT = 2 ** -11;
const BF16_UNIT = 2 ** -8;

/**
 * Half precision rounds x, the weights, h, c, the gates and every gradient where they are stored; sums are float32. An
 * output carries a unit of each of them, once for each layer; on the way back come those of the gradients. The constants
 * leave a factor of about 3 over what the stand-in needs, which rounds the same tensors.
 */
const halfToleranceOf = (unit: number) => ({
  forward: ({ numLayers }: Pick<LstmLength, 'numLayers'>) => 4 * (1 + numLayers) * unit,
  backward: ({ numLayers }: Pick<LstmLength, 'numLayers'>) => 8 * (1 + numLayers) * unit,
});

export const halfTolerance = { fp16: halfToleranceOf(FP16_UNIT), bf16: halfToleranceOf(BF16_UNIT) };
