/** The same start for every contender: files of weights, inputs [N, T, C] and class ids [N]. */
export interface Inputs {
  /** safetensors, PyTorch's names */
  readonly weightsPath: string;
  /** raw float32 */
  readonly xPath: string;
  /** raw int32 */
  readonly yPath: string;
}

/** Results of the first runs, before anything is timed: losses of the first steps, or outputs. */
export type Outcome = readonly number[];

/** What a contender answers when it cannot do a trial. */
export interface Unable {
  readonly unable: string;
}

/** One way to run trials of a kind. */
export interface Contender<Trial> {
  readonly name: string;
  /** How far its results may lie from ours, where that is more than the method allows. */
  readonly tolerance?: number | undefined;
  setUp(trial: Trial, inputs: Inputs): Promise<Outcome | Unable>;
  /** Milliseconds a run: of each of `repetitions` runs, or one mean where single runs cannot be timed. */
  run(repetitions: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

export function isUnable(answer: Outcome | Unable): answer is Unable {
  return 'unable' in answer;
}
