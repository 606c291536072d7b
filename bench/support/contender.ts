import type { Shape, Suite } from './shapes.js';

/** What is timed: a suite at a shape with a number of threads. */
export interface Trial {
  readonly suite: Suite;
  readonly shape: Shape;
  readonly threads: number;
}

/** The same start for every contender: files of weights, inputs [N, T, C] and class ids [N]. */
export interface Inputs {
  /** safetensors, PyTorch's names */
  readonly weightsPath: string;
  /** raw float32 */
  readonly xPath: string;
  /** raw int32 */
  readonly yPath: string;
}

/** Results of the first runs, before anything is timed: losses of three steps, or outputs [N, 10]. */
export type Outcome = readonly number[];

/** One way to run a trial. */
export interface Contender {
  readonly name: string;
  setUp(trial: Trial, inputs: Inputs): Promise<Outcome>;
  /** Milliseconds of each of `repetitions` runs. */
  run(repetitions: number): Promise<readonly number[]>;
  close(): Promise<void>;
}
