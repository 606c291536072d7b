import { z } from 'zod';
import { describe } from './describe.js';
import type { JsonForm } from './fields.js';
import { jsonSchemaOf, withJsonForm } from './jsonSchema.js';
import { nearestName } from './nearestName.js';

/** Settings by the word that chooses between them. */
export type KindSchemas = Readonly<Record<string, z.ZodType>>;

/** How an object says which settings it has. */
export interface KindOptions {
  /** The field of the word. Default `kind`. */
  readonly discriminator?: string;
  /** Words that may stand alone instead of an object: kinds of which all settings have defaults. Default none. */
  readonly names?: readonly string[];
  /** Whether a number may stand instead, which is checked by this. */
  readonly number?: z.ZodType<number>;
}

/**
 * An object with a `kind` and the settings of that kind, checked by the kind's own schema: issues have the paths and words
 * of that schema. Gives the settings resolved, with their `kind`; a name or number as it is.
 */
export function kinds(schemas: KindSchemas, options: KindOptions = {}): z.ZodType {
  const schema = z.unknown().transform((value, context) => check(value, context, schemas, options));
  return withJsonForm(schema, () => jsonForm(schemas, options));
}

/**
 * The same, but what was given goes through as it is, for factories that fill in defaults of their own.
 */
export function descriptor<T>(schemas: KindSchemas, options: KindOptions = {}): z.ZodType<T> {
  const schema = z.unknown().transform((value, context): T => {
    check(value, context, schemas, options);
    return value as T;
  });
  return withJsonForm(schema, () => jsonForm(schemas, options)) as unknown as z.ZodType<T>;
}

function check(value: unknown, context: z.core.$RefinementCtx, schemas: KindSchemas, options: KindOptions) {
  const { discriminator = 'kind', names = [], number } = options;
  if (typeof value === 'number' && number !== undefined) return forward(number.safeParse(value), context);
  if (typeof value === 'string' && names.includes(value)) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const expected = expectation(schemas, options);
    context.issues.push({ code: 'custom', input: value, path: [], message: expected + near(value, names) });
    return z.NEVER;
  }
  const { [discriminator]: kind, ...rest } = value as Record<string, unknown>;
  const schema = typeof kind === 'string' && Object.hasOwn(schemas, kind) ? schemas[kind] : undefined;
  if (schema === undefined) {
    const message = wordList(Object.keys(schemas)) + near(kind, Object.keys(schemas));
    context.issues.push({ code: 'custom', input: kind, path: [discriminator], message });
    return z.NEVER;
  }
  const parsed = forward(schema.safeParse(rest), context) as object;
  return { [discriminator]: kind, ...parsed };
}

function forward(result: z.ZodSafeParseResult<unknown>, context: z.core.$RefinementCtx): unknown {
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.issues.push({ ...issue, input: issue.input } as never);
  return z.NEVER;
}

function expectation(schemas: KindSchemas, { discriminator = 'kind', names = [], number }: KindOptions) {
  const list = wordList(Object.keys(schemas));
  const object = `an object with ${discriminator} ${list}`;
  if (names.length === 0) return number === undefined ? object : `a number, or ${object}`;
  return `${wordList(names)}, or an object with a ${discriminator}`;
}

function wordList(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' | ');
}

function near(value: unknown, words: readonly string[]): string {
  const name = typeof value === 'string' ? nearestName(value, words) : undefined;
  return name === undefined ? '' : ` (did you mean ${describe(name)}?)`;
}

function jsonForm(schemas: KindSchemas, { discriminator = 'kind', names = [], number }: KindOptions) {
  const forms: JsonForm[] = Object.entries(schemas).map(([kind, schema]) => {
    const { properties, required, ...rest } = jsonSchemaOf(schema) as ObjectForm;
    return {
      ...rest,
      properties: { [discriminator]: { const: kind }, ...properties },
      required: [discriminator, ...(required ?? [])],
    };
  });
  if (names.length > 0) forms.unshift({ enum: names });
  if (number !== undefined) forms.unshift(jsonSchemaOf(number));
  return forms.length === 1 ? forms[0]! : { anyOf: forms };
}

type ObjectForm = { readonly properties?: JsonForm; readonly required?: readonly string[] };
