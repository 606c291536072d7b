/**
 * Times this package on the first GPU, and PyTorch's beside it in the same call, one step at a time and as one CUDA graph.
 * Fails when there is no GPU.
 *
 *   npm run bench:cuda -- [--json] [--torch PYTHON] [--suite train-step|update|fit] [--shape NAME]
 *                         [--precision fp32|tf32|fp16|bf16] [--seconds S] [--text FILE] [--stand-in]
 *
 * train-step: forward, cross-entropy on the last states' Dense(10), backward, clip by global norm 1, Adam; ours with the
 * step as a CUDA graph and call by call. Ours takes its batch from host memory and gives its loss back each time;
 * PyTorch's batch lies on the GPU and no loss is read. update: clip and Adam alone, beside the card's copy rate. fit: an
 * epoch of the word model of 2 x 650 over --text (WikiText-2's train.txt). Every line of JSON has card, driver and
 * versions. With --stand-in the stand-in for a GPU runs cut sizes: this checks the bench and measures nothing.
 */
import { parseArgs } from 'node:util';

import { devices, type GpuListing } from 'cudnn-lstm';

import { CudaBench } from './support/cudaSuites.js';
import { type Environment, processorName } from './support/output.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    torch: { type: 'string' },
    suite: { type: 'string' },
    shape: { type: 'string' },
    precision: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    text: { type: 'string' },
    'stand-in': { type: 'boolean', default: false },
  },
});

async function findGpu(): Promise<GpuListing> {
  const reasons: string[] = [];
  for (const one of await devices()) {
    if (one.device === 'cpu') continue;
    if (!one.available) reasons.push(`${one.device}: ${one.reason} ${one.install.join(' ')}`);
    else if (one.standIn !== options['stand-in']) reasons.push(`${one.device}: ${one.name}`);
    else return one;
  }
  throw new Error(`this bench needs a GPU, and there is none. ${reasons.join('; ')}`);
}

function environmentOf({ name, driverVersion, runtimeVersion, cudnnVersion }: GpuListing): Environment {
  const date = new Date().toISOString().slice(0, 10);
  const versions = {
    driver: driverVersion,
    cuda: runtimeVersion,
    cudnn: cudnnVersion ?? 'none',
    node: process.version,
  };
  return { date, machine: processorName(), gpu: name, ...versions };
}

try {
  const gpu = await findGpu();
  const { json, torch, suite, shape, precision, seconds, text } = options;
  const settings = { json, torch, suite, shape, precision, text, standIn: options['stand-in'] };
  await CudaBench.run({ ...settings, seconds: Number(seconds) }, gpu.device, environmentOf(gpu));
} catch (error) {
  console.error(`bench:cuda: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
