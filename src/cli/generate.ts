import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { loadModel } from '../model/loadModel.js';
import { generate } from '../text/generate.js';
import { exitCode, Misuse } from './exitCode.js';
import { Interruption } from './interruption.js';
import {
  deviceArgs,
  deviceHelp,
  deviceOptions,
  numberFromZero,
  oneArgument,
  wholeNumber,
} from './options.js';
import { print } from './output.js';

export const help = `Usage: cudnn-lstm generate MODEL --prompt TEXT [OPTIONS]

Lets a trained language model go on from a prompt, which comes from standard input where --prompt is left out. Prints the
prompt and what follows it.

  --length N            tokens to write; default 200
  --temperature X       below 1 sharper, above 1 flatter, 0 always the likeliest; default 1
  --top-k N             draw from the likeliest N tokens alone
  --seed N              the same seed writes the same text; default 0
${deviceHelp}
  --json                { "prompt", "text" } as one line of JSON`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      prompt: { type: 'string' },
      length: { type: 'string', default: '200' },
      temperature: { type: 'string', default: '1' },
      'top-k': { type: 'string' },
      seed: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      ...deviceArgs,
    },
  });
  const path = oneArgument(positionals, 'a model file');
  const topK = values['top-k'];
  const options = {
    length: wholeNumber('--length', values.length, 0),
    temperature: numberFromZero('--temperature', values.temperature),
    seed: wholeNumber('--seed', values.seed, 0),
    ...(topK !== undefined && { topK: wholeNumber('--top-k', topK, 1) }),
  };
  const prompt = values.prompt ?? (await pipedPrompt());
  using interruption = new Interruption('stopping');
  await using model = await loadModel(path, deviceOptions(values));
  const written = await generate(model, { ...options, prompt, signal: interruption.signal });
  if (values.json) await print(JSON.stringify({ prompt, text: written }));
  else await print(model.vocabulary?.kind === 'word' ? `${prompt} ${written}` : prompt + written);
  return exitCode.ok;
}

// The line end that a shell puts after a text is not meant.
async function pipedPrompt(): Promise<string> {
  if (process.stdin.isTTY) throw new Misuse('--prompt is needed');
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}
