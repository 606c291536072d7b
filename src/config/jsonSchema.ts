import { z } from 'zod';
import type { JsonForm } from './fields.js';

/** What stands for a schema that JSON schema cannot say by itself. */
const forms = new WeakMap<z.core.$ZodType, () => JsonForm>();

/** Gives a schema whose values are checked by code its form in JSON schema; made when asked for. */
export function withJsonForm<S extends z.core.$ZodType>(schema: S, form: () => JsonForm): S {
  forms.set(schema, form);
  return schema;
}

/** JSON schema (draft 2020-12) of what a schema takes. */
export function jsonSchemaOf(schema: z.ZodType): JsonForm {
  const { $schema: _, ...form } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    // Written out wherever they are used: editors show what stands there.
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => {
      const own = forms.get(zodSchema);
      if (own === undefined) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, own());
    },
  });
  return form as JsonForm;
}
