import { describe, expect, it } from 'vitest';
import type { NativePrecision } from '../../src/native/binding.js';
import { caseTable, type LstmCase } from '../support/caseTable.js';
import { assertClose } from '../support/compare.js';
import { cuda, noCuda } from '../support/devices.js';
import { passOf } from '../support/lstmPass.js';
import { halfTolerance, tf32Tolerance } from '../support/tolerances.js';

async function holdToCpu(
  given: LstmCase,
  precision: NativePrecision,
  tolerances: Record<'forward' | 'backward', (given: LstmCase) => number>,
): Promise<void> {
  const wanted = await passOf(given, { device: 'cpu', threads: 1 });
  const actual = await passOf(given, { ...cuda!.options, precision });
  for (const pass of ['forward', 'backward'] as const) {
    const tolerance = tolerances[pass](given);
    expect(Object.keys(actual[pass])).toEqual(Object.keys(wanted[pass]));
    for (const [name, values] of Object.entries(wanted[pass])) {
      assertClose(actual[pass][name]!, values, { name, tolerance });
    }
  }
}

// The whole table runs in float32 against the oracle (test/parity); here every fifth case, against the CPU.
const cases = caseTable().filter((_, index) => index % 5 === 0);

describe.skipIf(cuda === undefined)(`TF32 on ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`, () => {
  it.each(cases)('LSTM $id agrees with float32 on the CPU', (given) =>
    holdToCpu(given, 'tf32', tf32Tolerance),
  );
});

// A cell within its rounding of the clip falls on its other side, and its derivative is another: no clip here.
const smooth = cases.filter(({ clip }) => !clip);

describe.skipIf(cuda === undefined).each(['fp16', 'bf16'] as const)(
  `%s on ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`,
  (precision) => {
    it.each(smooth)('LSTM $id agrees with float32 on the CPU', (given) =>
      holdToCpu(given, precision, halfTolerance[precision]),
    );
  },
);
