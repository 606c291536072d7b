import { createLstm, type DeviceOptions } from '../../src/index.js';
import { dataOf } from './arrays.js';
import { CELL_CLIP, DROPOUT_RATE, type LstmCase } from './caseTable.js';
import { Draws } from './draws.js';

/** Outputs, final states and every gradient of one training pass; all drawn from the case's id. */
export async function passOf(given: LstmCase, options: DeviceOptions) {
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
