import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const script = fileURLToPath(new URL('../killResume.mjs', import.meta.url));

// `npm run build` makes dist/, which the processes load. `npm run test:kill` is the long form.
describe.skipIf(!existsSync(dist))('a training run that is killed at random moments', () => {
  it('leaves a file that loads, loses no more than since it was written, and comes to the same end', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--kills', '8']);
    expect(stdout).toMatch(/^8 kills .* no file was unreadable; [1-9]\d* runs came to the weights/);
  }, 300_000);
});
