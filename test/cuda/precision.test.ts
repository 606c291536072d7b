import { describe, expect, it } from 'vitest';
import { createLstm, type DeviceOptions } from '../../src/index.js';
import { dataOf } from '../support/arrays.js';
import { caseTable, CELL_CLIP, DROPOUT_RATE, type LstmCase } from '../support/caseTable.js';
import { assertClose } from '../support/compare.js';
import { cuda, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { tf32Tolerance } from '../support/tolerances.js';

/** Outputs, final states and every gradient of one training pass; all drawn from the case's id. */
async function passOf(given: LstmCase, options: DeviceOptions) {
  const { inputSize, hiddenSize, projectionSize, numLayers, bidirectional, bias } = given;
  const { timeSteps: T, batchSize: N } = given;
  const draws = new Draws(given.id);
  const directions = bidirectional ? 2 : 1;
  const tensor = (shape: readonly number[]) => ({
    data: Float32Array.from(draws.uniform(shape.reduce((a, b) => a * b, 1))),
    shape,
  });
  const planes = numLayers * directions;
  const outputs = projectionSize === 0 ? hiddenSize : projectionSize;
  const sizes = { inputSize, hiddenSize, numLayers, bidirectional, bias };
  const config = {
    ...sizes,
    ...(projectionSize === 0 ? {} : { projectionSize }),
    ...(given.clip ? { cellClip: CELL_CLIP } : {}),
  };
  await using layer = await createLstm(
    { ...config, dropout: given.dropout ? DROPOUT_RATE : 0 },
    { ...options, seed: 17 },
  );
  const x = tensor([N, T, inputSize]);
  const seqLengths = given.ragged ? { seqLengths: [...draws.integers(N, 1, T + 1)] } : {};
  const initial = given.states
    ? { h0: tensor([planes, N, outputs]), c0: tensor([planes, N, hiddenSize]) }
    : {};
  const { y, hn, cn } = await layer.forward(x, { ...seqLengths, ...initial, training: true });
  const dy = tensor([N, T, directions * outputs]);
  const { dx, dh0, dc0 } = await layer.backward({ dy });
  return { forward: dataOf({ y, hn, cn }), backward: dataOf({ dx, dh0, dc0, ...(await layer.gradients()) }) };
}

// The whole table runs in float32 against the oracle (test/parity); here every fifth case, in TF32 against the CPU.
const cases = caseTable().filter((_, index) => index % 5 === 0);

describe.skipIf(cuda === undefined)(`TF32 on ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`, () => {
  it.each(cases)('LSTM $id agrees with float32 on the CPU', async (given) => {
    const wanted = await passOf(given, { device: 'cpu', threads: 1 });
    const actual = await passOf(given, { ...cuda!.options, precision: 'tf32' });
    for (const pass of ['forward', 'backward'] as const) {
      const tolerance = tf32Tolerance[pass](given);
      expect(Object.keys(actual[pass])).toEqual(Object.keys(wanted[pass]));
      for (const [name, values] of Object.entries(wanted[pass])) {
        assertClose(actual[pass][name]!, values, { name, tolerance });
      }
    }
  });
});
