import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { resolveExperiment } from '../../../src/index.js';

const folder = new URL('../../../examples/configs/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
const schema = JSON.parse(
  readFileSync(new URL('../../../schema/config.schema.json', import.meta.url), 'utf8'),
) as z.core.JSONSchema.JSONSchema;
// zod's reader of JSON schema knows nothing of the schemas that this one was made from.
const reader = z.fromJSONSchema(schema);

describe('the example config', () => {
  it('is there for each data set of the examples', () => {
    expect(names.length).toBeGreaterThanOrEqual(14);
  });

  it.each(names)(
    '%s is what the schemas take, the published one too, and writes files of its own',
    (name) => {
      const config: unknown = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
      const { output } = resolveExperiment(config);
      expect(reader.safeParse(config).error).toBe(undefined);
      const stem = name.replace('.json', '');
      expect(output).toMatchObject({
        model: `${stem}.safetensors`,
        checkpoint: `${stem}.checkpoint.safetensors`,
        history: `${stem}.csv`,
      });
    },
  );
});
