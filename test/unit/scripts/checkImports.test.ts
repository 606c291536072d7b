import { describe, expect, it } from 'vitest';

// @ts-expect-error -- a plain script without types
import { findBreaches as untyped } from '../../../scripts/checkImports.mjs';

const findBreaches = untyped as (files: Map<string, string>) => string[];

function breachesOf(files: Record<string, string>): string[] {
  return findBreaches(new Map(Object.entries(files)));
}

describe('the import rules of src', () => {
  it.each([
    ['src/layers/dense.ts', "import { trainStep } from '../native/device.js';", 'src/native'],
    ['src/losses/mse.ts', "import type { Sequential } from '../model/sequential.js';", 'src/model'],
    ['src/native/device.ts', "import { fit } from '../training/fit.js';", 'src/training'],
    ['src/native/device.ts', "import { lstm } from '../layers/lstm.js';", 'src/layers'],
    ['src/model/model.ts', "export { main } from '../cli/main.js';", 'src/cli'],
    ['src/training/loop.ts', "const m = await import('../cli/main.js');", 'src/cli'],
    ['src/errors.ts', "import '../src/config/schema.js';", 'src/config'],
    ['src/model/model.ts', "import { loadAddon } from '../native/loadAddon.js';", 'loader'],
    ['src/model/model.ts', "import { x } from '../../test/support/x.js';", 'outside of src/'],
    ['src/errors.ts', "import { type History, first } from './training/history.js';", 'src/training'],
    ['src/unheardOf/a.ts', '', 'no room'],
  ])('finds the breach in %s: %s', (path, text, named) => {
    const breaches = breachesOf({ [path]: text });
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(path);
    expect(breaches[0]).toContain(named);
  });

  it('finds an import that spans lines', () => {
    expect(breachesOf({ 'src/data/a.ts': "import {\n  a,\n  b,\n} from '../model/a.js';" })).toHaveLength(1);
  });

  it.each([
    ['src/model/model.ts', "import { createSession } from '../native/device.js';"],
    ['src/layers/lstm.ts', "import { ConfigError } from '../errors.js';\nimport { z } from 'zod';"],
    ['src/layers/lstm.ts', "import { orthogonal } from '../initializers/orthogonal.js';"],
    ['src/errors.ts', "import type { History } from './training/history.js';"],
    ['src/layers/lstm.ts', "// import { a } from '../model/a.js';"],
    ['src/native/device.ts', "import { loadAddon } from './loadAddon.js';"],
  ])('accepts %s: %s', (path, text) => {
    expect(breachesOf({ [path]: text })).toEqual([]);
  });
});

describe('the include rules of native', () => {
  it.each([
    ['native/engine/a.cpp', '#include "cpu/cpu_device.h"', 'cpu/cpu_device.h'],
    ['native/engine/a.cpp', '#include <napi.h>', 'standard library'],
    ['native/engine/a.cpp', '#include <immintrin.h>', 'standard library'],
    ['native/cpu/a.cpp', '#include "addon/convert.h"', 'addon/convert.h'],
    ['native/cpu/a.cpp', '  #  include "../cuda/cuda_device.h"', 'cuda'],
    ['native/cuda/a.cu', '#include "cpu/gemm.h"', 'cpu/gemm.h'],
    ['native/addon/a.cpp', '#include "cpu/gemm.h"', 'cpu/gemm.h'],
    ['native/elsewhere/a.cpp', '', 'no room'],
  ])('finds the breach in %s: %s', (path, text, named) => {
    const breaches = breachesOf({ [path]: text, 'native/cuda/cuda_device.h': '' });
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(path);
    expect(breaches[0]).toContain(named);
  });

  it.each([
    ['native/engine/a.cpp', '#include <vector>\n#include "engine/device.h"'],
    ['native/cpu/a.cpp', '#include <immintrin.h>\n#include "engine/device.h"\n#include "cpu/gemm.h"'],
    ['native/addon/a.cpp', '#include <napi.h>\n#include "cpu/cpu_device.h"\n#include "convert.h"'],
  ])('accepts %s: %s', (path, text) => {
    expect(breachesOf({ [path]: text, 'native/addon/convert.h': '' })).toEqual([]);
  });
});
