// Builds the addon and dist/; --ts builds dist/ alone.
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative } from './buildNative.mjs';
import { root, runPackage } from './support/shell.mjs';

// dist/ is replaced whole, so that no module that was renamed or deleted stays, and only when there is a new one.
// The new one is made beside the old one: its source maps name src/ by a relative path.
function buildDist() {
  const next = join(root, `dist-${process.pid}`);
  try {
    const args = ['-p', 'tsconfig.build.json', '--outDir', next];
    const status = runPackage('typescript', args, { command: 'tsc' });
    if (status !== 0) return status;
    // npm links a clone's command to this file, and makes it executable only the first time.
    chmodSync(join(next, 'cli/main.js'), 0o755);
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    renameSync(next, join(root, 'dist'));
    return 0;
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

const status = process.argv.includes('--ts') ? 0 : buildNative();
process.exitCode = status === 0 ? buildDist() : status;
