import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { adam, dense, loadModel, lstm, type Model, sequential } from '../../src/index.js';

// A Python with torch and safetensors, such as `.venv/bin/python`; without one these tests are skipped.
const python = process.env['CUDNN_LSTM_PYTHON'];

const timeSteps = 12;
const batchSize = 3;
const channels = 5;
const hiddenSize = 7;

/** Loads a checkpoint as a PyTorch user would; prints the outputs of the LSTM alone and of the whole network. */
const script = `
import json, sys
import torch
from safetensors.torch import load_file

path, x, layers, bidirectional = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "true"
projection = int(sys.argv[5])
weights = load_file(path)
lstm = torch.nn.LSTM(${channels}, ${hiddenSize}, layers, batch_first=True, bidirectional=bidirectional, proj_size=projection)
part = {name.removeprefix("lstm."): tensor for name, tensor in weights.items() if name.startswith("lstm.")}
lstm.load_state_dict(part)
with torch.no_grad():
    y, _ = lstm(torch.tensor(x))
    out = torch.nn.functional.linear(y, weights["fc.weight"], weights["fc.bias"])
print(json.dumps({"y": y.flatten().tolist(), "out": out.flatten().tolist(), "names": sorted(weights)}))
`;

const x = Array.from({ length: batchSize }, (_, n) =>
  Array.from({ length: timeSteps }, (_, t) =>
    Array.from({ length: channels }, (_, c) => Math.sin(1 + 3 * n + 0.7 * t * (c + 1))),
  ),
);

interface Answer {
  readonly y: number[];
  readonly out: number[];
  readonly names: string[];
}

async function inPython(
  path: string,
  numLayers: number,
  bidirectional: boolean,
  projectionSize = 0,
): Promise<Answer> {
  const values = [path, JSON.stringify(x), numLayers, bidirectional, projectionSize].map(String);
  const { stdout } = await promisify(execFile)(python!, ['-c', script, ...values], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout) as Answer;
}

function network(numLayers: number, bidirectional: boolean, projectionSize = 0): Promise<Model> {
  return sequential([lstm({ hiddenSize, numLayers, bidirectional, projectionSize }), dense({ units: 4 })], {
    input: 'features',
    inputSize: channels,
    device: 'cpu',
    threads: 1,
    seed: 5,
  });
}

function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a, (value, index) => Math.abs(value - b[index]!)).reduce((p, q) => Math.max(p, q), 0);
}

describe.skipIf(python === undefined)('a checkpoint in Python (CUDNN_LSTM_PYTHON)', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interop-'));
    path = join(folder, 'model.safetensors');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    [1, false, 0],
    [2, true, 0],
    [3, false, 0],
    [2, true, 3],
  ])('is taken by nn.LSTM as it is: %d layers, bidirectional %j, proj_size %d', async (...given) => {
    await using model = await network(...given);
    // Trained, so that no two weights are alike by the way they were drawn, and moments are in the file.
    const y = {
      data: Float32Array.from({ length: batchSize * timeSteps * 4 }, (_, k) => Math.cos(k)),
      shape: [3, 12, 4],
    };
    for (let k = 0; k < 3; k++)
      await model.trainStep({ x, y }, { loss: 'mse', optimizer: adam({ learningRate: 0.05 }) });
    await model.save(path);

    const answer = await inPython(path, ...given);
    expect(worstDifference((await model.predict(x)).y.data, answer.out)).toBeLessThan(1e-5);
    expect(answer.names).toContain('optimizer.m.lstm.weight_hh_l0');
  });

  it('gives the outputs of the lstm alone', async () => {
    await using model = await network(1, false);
    await model.save(path);
    await using loaded = await loadModel(path, { device: 'cpu', threads: 1 });
    const weights = await loaded.getWeights();
    await using layer = await sequential([lstm({ hiddenSize })], {
      input: 'features',
      inputSize: channels,
      device: 'cpu',
      threads: 1,
    });
    const part = Object.entries(weights).filter(([name]) => name.startsWith('lstm.'));
    await layer.setWeights(Object.fromEntries(part));
    const answer = await inPython(path, 1, false);
    expect(worstDifference((await layer.predict(x)).y.data, answer.y)).toBeLessThan(1e-5);
  });
});
