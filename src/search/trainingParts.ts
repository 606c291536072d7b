import { kFold, selectRows, split, type Fold, type KFoldOptions, type SplitOptions } from '../data/splits.js';
import type { LabelledData, TrainingData } from '../model/modelData.js';
import { invalid } from './space.js';

/** What trials are trained on and validated with: one of a validation set, a split of the rows, and k folds. */
export type ValidationOptions =
  | {
      readonly data: TrainingData;
      /** Data that no trial is trained on. */
      readonly validationData: TrainingData;
      readonly split?: undefined;
      readonly folds?: undefined;
    }
  | {
      readonly data: LabelledData;
      /** Rows kept for validation, the same for every trial. */
      readonly split: SplitOptions;
      readonly validationData?: undefined;
      readonly folds?: undefined;
    }
  | {
      readonly data: LabelledData;
      /** Folds, or how `kFold` makes them: a model is trained for each, and the mean counts. */
      readonly folds: readonly Fold[] | KFoldOptions;
      readonly validationData?: undefined;
      readonly split?: undefined;
    };

/** Data to train one model on, and to validate it with. */
export interface TrainingPart {
  readonly train: TrainingData;
  readonly validation: TrainingData;
}

/** @throws ConfigError, ShapeError, DataError */
export function trainingParts(options: ValidationOptions): readonly TrainingPart[] {
  const { data, validationData, split: how, folds } = options;
  const given = [validationData, how, folds].filter((one) => one !== undefined).length;
  if (given !== 1) throw invalid('validationData, split, folds', 'one of them', given);
  if (validationData !== undefined) return [{ train: data, validation: validationData }];
  const rows = data as LabelledData;
  if (how !== undefined) return [partOf(rows, split(rows, how))];
  const list = 'kind' in folds! ? kFold(rows, folds) : folds!;
  if (list.length === 0) throw invalid('folds', 'at least one fold', list);
  return list.map((fold) => partOf(rows, fold));
}

function partOf(data: LabelledData, { train, validation }: Fold): TrainingPart {
  return { train: selectRows(data, train), validation: selectRows(data, validation) };
}
