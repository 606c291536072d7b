import { splitExamples, type ExampleParts, type ExampleSplit } from '../splitExamples.js';
import type { Preparation } from './task.js';

/** What a config says of where its examples lie and how some are kept to validate with. */
interface ExampleFiles {
  readonly train: string;
  /** A file, or a share of the training file's examples. */
  readonly validation?: string | number | undefined;
  readonly split: ExampleSplit['by'];
  readonly group?: string | undefined;
}

/** What an example is divided by: its class, and its value in the column of groups. */
interface Keys<E> {
  readonly label?: (example: E) => string;
  readonly group?: (example: E) => string;
}

/**
 * The examples of the training file, and those to validate with: of a file of their own, or a share or fold of the first.
 *
 * @param read Reads one file, named as in the config.
 * @throws DataError
 */
export async function exampleParts<E>(
  { train, validation, split: by, group }: ExampleFiles,
  { path, seed, fold }: Preparation,
  read: (name: string) => Promise<readonly E[]>,
  keys: Keys<E> = {},
): Promise<ExampleParts<E>> {
  const examples = await read(train);
  if (typeof validation === 'string') return { train: examples, validation: await read(validation) };
  const each = (key: Keys<E>['label']) => key && (() => examples.map(key));
  return splitExamples(examples, {
    by,
    seed,
    share: validation,
    fold,
    source: path(train),
    labels: each(keys.label),
    group,
    groups: each(keys.group),
  });
}
