/**
 * The oracle: every operation as plain float64 loops written from its equation, to hold devices to. Layout is
 * the user's: batch-major, padded to T, 0 beyond each length. `oracle.test.ts` checks it by central differences,
 * `golden.test.ts` against PyTorch.
 */
export { batchOf, longestFirst, sequenceRows, vectorRows, type Batch, type Row } from './oracle/batch.js';
export { dense, type Activation } from './oracle/dense.js';
export { dropoutFactors } from './oracle/dropout.js';
export { embedding } from './oracle/embedding.js';
export { lossOf, type LossKind, type LossSettings, type Targets } from './oracle/losses.js';
export {
  lstm,
  lstmShapes,
  outputSize,
  type LstmConfig,
  type LstmOutputs,
  type Tensors,
} from './oracle/lstm.js';
export {
  gradientsOf,
  headsGradientsOf,
  headsPredict,
  headsShapes,
  networkShapes,
  predict,
  type HeadNodes,
  type NetworkInputs,
  type Node,
} from './oracle/network.js';
export { pool, type PoolMode } from './oracle/pool.js';
export {
  TooCloseToCall,
  train,
  type RateRule,
  type Trained,
  type Training,
  type TrainingBatch,
  type WatchingRule,
} from './oracle/trainer.js';
export {
  newOptimizerState,
  penaltyOf,
  update,
  withPenalties,
  type Clip,
  type OptimizerState,
  type ParameterRules,
  type Penalty,
  type Update,
} from './oracle/update.js';
