import { z } from 'zod';

import { flag } from '../config/fields.js';

/** Ids that stand for no piece of text. */
export interface SpecialTokens {
  /** An id to fill sequences up with, `<pad>`. Default false: none. */
  readonly padding?: boolean | undefined;
  /** Further tokens, such as `<bos>` and `<eos>`, that a caller puts between texts. Default none. */
  readonly special?: readonly string[] | undefined;
}

const paddingToken = '<pad>';

/** Of {@link SpecialTokens}, in options and files. */
export const specialFields = {
  padding: flag.optional(),
  special: z
    .array(z.string({ error: () => 'a token' }).min(1, { error: () => 'a token' }), {
      error: () => 'an array of tokens',
    })
    .refine((list) => new Set([...list, paddingToken, '<unk>']).size === list.length + 2, {
      error: () => 'tokens that differ, from <pad> and <unk> too',
    })
    .optional(),
};

/** Padding, where there is one, and the others. */
export function specialNames({ padding = false, special = [] }: SpecialTokens): readonly string[] {
  return [...(padding ? [paddingToken] : []), ...special];
}

/** Their ids, `first` and the following ones. */
export function specialIds(
  { padding = false, special = [] }: SpecialTokens,
  first: number,
): { readonly paddingId: number | undefined; readonly special: Readonly<Record<string, number>> } {
  const start = first + Number(padding);
  return {
    paddingId: padding ? first : undefined,
    special: Object.freeze(Object.fromEntries(special.map((token, index) => [token, start + index]))),
  };
}
