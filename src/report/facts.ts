import type { EpochRecord } from '../training/history.js';
import type { Judgement } from './judge.js';

/** A table of texts; numbers stand to the right. */
export interface FactTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number | undefined)[])[];
}

/** All that a report shows. */
export interface ReportFacts {
  readonly title: string;
  /** A line below the title. */
  readonly subtitle: string;
  /** Loss and metrics on the data that the model is judged on. */
  readonly scores: Readonly<Record<string, number>>;
  /** The layers, and a sentence on their parameters. */
  readonly model: FactTable;
  readonly modelNote: string;
  /** A column for each set of data. */
  readonly data?: FactTable | undefined;
  readonly epochs: readonly EpochRecord[];
  readonly judgement?: Judgement | undefined;
  /** Names of the classes. */
  readonly labels: readonly string[];
  /** A text for a row that is shown as an example. */
  readonly describe: (row: number) => string | undefined;
  /** How many of the worst examples are shown. */
  readonly examples: number;
  /** Parts of the configuration by name, JSON. */
  readonly configs: Readonly<Record<string, unknown>>;
  readonly versions: FactTable;
}
