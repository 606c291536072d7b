// Writes schema/config.schema.json, the JSON schema of the command line's config files, for editors.
// --check fails instead where the file is not what the schemas in src/experiment give.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { register } from 'tsx/esm/api';
import { root } from './support/shell.mjs';

const path = join(root, 'schema/config.schema.json');
register();
const { experimentJsonSchema } = await import('../src/experiment/experimentConfig.ts');
const text = `${JSON.stringify(experimentJsonSchema(), undefined, 1)}\n`;
if (!process.argv.includes('--check')) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
} else if (readFileSync(path, 'utf8') !== text) {
  console.error('schema/config.schema.json is not up to date: npm run schema');
  process.exitCode = 1;
}
