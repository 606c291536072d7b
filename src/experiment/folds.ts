import { ConfigError } from '../errors.js';
import type { DataConfig } from './dataConfig.js';

/** One fold of cross-validation: the one at `index`, from 0, of `folds`. */
export interface FoldPlace {
  readonly index: number;
  readonly folds: number;
}

/** All folds, or where none are asked for the one part that a config validates with. */
export function foldPlacesOf(folds: number | undefined): readonly (FoldPlace | undefined)[] {
  return folds === undefined ? [undefined] : Array.from({ length: folds }, (_, index) => ({ index, folds }));
}

/**
 * Whether data can be cut into folds: rows and series can, one text and data with a file to validate with cannot.
 *
 * @throws ConfigError naming `path`.
 */
export function requireFoldable(data: DataConfig, folds: number, path: string): void {
  const why = obstacle(data);
  if (why === undefined) return;
  const expected = `none ${why}`;
  throw new ConfigError(`${path}: expected ${expected}, received ${folds}`, {
    path,
    expected,
    received: folds,
  });
}

function obstacle({ task, validation }: DataConfig): string | undefined {
  if (task === 'languageModel') return 'for the task languageModel, whose text is one sequence';
  return typeof validation === 'string' ? 'beside a file to validate with, $.data.validation' : undefined;
}
