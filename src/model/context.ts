import type { LossKind } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';
import type { NativeDeviceInfo } from '../native/binding.js';
import type { Session } from '../native/session.js';
import type { Vocabulary } from '../text/vocabulary.js';
import type { Lifecycle } from './lifecycle.js';
import type { ResolvedModel } from './modelConfig.js';

/** A model's inside: what the functions that implement its methods share. */
export interface ModelContext extends ResolvedModel {
  readonly session: Session;
  readonly lifecycle: Lifecycle;
  readonly device: NativeDeviceInfo;
  readonly vocabulary: Vocabulary | undefined;
  /** Loss and metrics of the last `fit`, which `evaluate` takes over. */
  compiled: { readonly loss: LossKind; readonly metrics: readonly Metric[] } | undefined;
}
