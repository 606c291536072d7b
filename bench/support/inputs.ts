import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Inputs } from './contender.js';
import { makeBatch, network } from './network.js';
import type { Shape } from './shapes.js';

/** Runs `body` with a folder that is removed after it. */
export async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'lstm-bench-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Weights of a new network, inputs of U(-1, 1) and class ids, as files. */
export async function makeInputs(shape: Shape, folder: string): Promise<Inputs> {
  const path = (ending: string) => join(folder, `${shape.name}.${ending}`);
  const inputs = { weightsPath: path('safetensors'), xPath: path('x'), yPath: path('y') };
  await using model = await network(shape);
  await model.save(inputs.weightsPath, { includeOptimizer: false });
  const { x, y } = makeBatch(shape);
  await writeFile(inputs.xPath, x.data);
  await writeFile(inputs.yPath, y);
  return inputs;
}
