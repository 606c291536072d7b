import type { Device } from '../native/device.js';
import type { Session } from '../native/session.js';
import type { FittedSeries } from '../series/fittedSeries.js';
import type { Vocabulary } from '../text/vocabulary.js';
import type { WatchedState } from '../training/runRate.js';
import type { ResumableRun } from '../training/trainingState.js';
import type { Goal } from './goal.js';
import type { Lifecycle } from './lifecycle.js';
import type { Metadata, ResolvedModel } from './modelConfig.js';
import type { SessionState } from './sessionState.js';
import type { PlannedStep } from './stepPlan.js';

/** A model's inside: what the functions that implement its methods share. */
export interface ModelContext extends ResolvedModel {
  readonly lifecycle: Lifecycle;
  readonly vocabulary: Vocabulary | undefined;
  readonly metadata: Metadata | undefined;
  readonly series: FittedSeries | undefined;
  readonly labels: readonly string[] | undefined;
  /** `to` replaces both while nothing else is under way. */
  session: Session;
  device: Device;
  /** In words, whose state the session holds ({@link stateWord}); undefined before the first step. */
  optimizerState: string | undefined;
  /** Loss and metrics of the last `fit`, which `evaluate` takes over. */
  compiled: Compiled | undefined;
  /** What the schedule of the last `fit` has come to, where it watches results. */
  rate?: { readonly state: WatchedState | undefined } | undefined;
  /** What backtracking goes back to. */
  best?: SessionState | undefined;
  /** The last `fit`, which `resume` goes on with. */
  training?: ResumableRun | undefined;
  /** The options of the last `trainStep`, where the next may have the same. */
  plannedStep?: PlannedStep | undefined;
  /** While it runs the session's state is nobody's, see {@link whileChanging}. */
  transition?: Promise<void> | undefined;
}

/** What a model was last trained for. */
export interface Compiled extends Goal {
  readonly weightedMetrics: boolean;
}
