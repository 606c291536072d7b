import { z } from 'zod';
import { nonNegative } from '../config/fields.js';
import { builtInLossSchema, type BuiltInLoss, type Loss } from './loss.js';

/** What a head learns by, and how much that counts. */
export interface HeadLoss {
  readonly loss: BuiltInLoss;
  /** Of its mean loss in the sum that is learnt, >= 0. */
  readonly weight: number;
}

/** The losses of a model with heads, in the heads' order. */
export interface HeadLosses {
  readonly kind: 'heads';
  readonly heads: Readonly<Record<string, HeadLoss>>;
}

/** What a model learns by. */
export type ModelLoss = Loss | HeadLosses;

/** {@link HeadLosses} as a file holds them. */
export const headLossesSchema = z.strictObject({
  kind: z.literal('heads'),
  heads: z.record(z.string(), z.strictObject({ loss: builtInLossSchema, weight: nonNegative })),
});
