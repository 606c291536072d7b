import type { z } from 'zod';
import { choice, field, settings, text, whole } from '../config/fields.js';
import { withJsonForm } from '../config/jsonSchema.js';
import type { Distribution } from '../search/draw.js';

/** Values to try at a place of the config: a list, or what they are drawn from. */
export type SearchValues = readonly unknown[] | Distribution;

/** How `tune` searches. */
export interface SearchConfig {
  /** `grid` tries all combinations of lists, `random` draws, `asha` draws and stops the worse early. Default `random`. */
  readonly method?: 'random' | 'grid' | 'asha' | undefined;
  /** Places of the config, such as `model.layers[1].hiddenSize`, each with its values. */
  readonly space: Readonly<Record<string, SearchValues>>;
  /** How many are drawn. Default 20. */
  readonly trials?: number | undefined;
  /**
   * Judge each trial by the mean over so many folds of the training data, cut as `data.split` says, instead of by
   * `data.validation`. Default none.
   */
  readonly folds?: number | undefined;
  /** The value of the last epoch's record that is compared. Default `valLoss`. */
  readonly monitor?: string | undefined;
  /** Whether it is to fall or to rise. Default `auto`: by its name. */
  readonly mode?: 'auto' | 'min' | 'max' | undefined;
  /** Trials at once. Default: as many as there are processors. */
  readonly concurrency?: number | undefined;
  /** `asha`: epochs of every trial. Default 1; the best get `training.epochs`. */
  readonly minEpochs?: number | undefined;
  /** `asha`: one in so many goes on. Default 3. */
  readonly reductionFactor?: number | undefined;
  /** Where trials are stored as they end, and a table and a picture of them. Default `search`. */
  readonly folder?: string | undefined;
  /** The config with the best values. Default `best.json`. */
  readonly best?: string | undefined;
}

const spaceSchema = withJsonForm(
  field<SearchConfig['space']>(
    'places of the config, each with a list of values or a distribution',
    (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0,
  ),
  () => {
    const number = { type: 'number' };
    const range = (kind: string) => ({
      type: 'object',
      properties: { kind: { const: kind }, low: number, high: number },
      required: ['kind', 'low', 'high'],
      additionalProperties: false,
    });
    const normal = {
      type: 'object',
      properties: { kind: { const: 'normal' }, mean: number, sd: number },
      required: ['kind', 'mean', 'sd'],
      additionalProperties: false,
    };
    const kinds = [range('uniform'), range('logUniform'), range('integer'), normal];
    return {
      type: 'object',
      minProperties: 1,
      additionalProperties: { anyOf: [{ type: 'array', minItems: 1 }, ...kinds] },
    };
  },
);

/** The settings of {@link SearchConfig}; the space is checked against the config when a search begins. */
export const searchSchema = settings({
  method: choice('random', 'grid', 'asha').default('random'),
  space: spaceSchema,
  trials: whole(1).default(20),
  folds: whole(2).optional(),
  monitor: text("the name of a value of an epoch's record, such as 'valLoss'").default('valLoss'),
  mode: choice('auto', 'min', 'max').default('auto'),
  concurrency: whole(1, 1024).optional(),
  minEpochs: whole(1).default(1),
  reductionFactor: whole(2).default(3),
  folder: text('the path of a folder').default('search'),
  best: text('the path of a file').default('best.json'),
});

export type ResolvedSearch = Readonly<z.output<typeof searchSchema>>;
