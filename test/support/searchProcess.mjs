// A search in a process of its own, to be killed: node searchProcess.mjs METHOD FOLDER LOG
import { pathToFileURL } from 'node:url';
import { asha, draw, randomSearch } from '../../dist/index.js';
import countingTrial from './countingTrial.mjs';

const [, script, method, folder, log] = process.argv;

export const options = (folder, log, wait) => ({
  space: { a: draw.uniform(0, 6) },
  base: { log, wait },
  trials: 12,
  seed: 5,
  folder,
  run: countingTrial,
});

export const searches = {
  random: (folder, log, wait) => randomSearch(options(folder, log, wait)),
  asha: (folder, log, wait) => asha({ ...options(folder, log, wait), maxResource: 9 }),
};

if (import.meta.url === pathToFileURL(script ?? '').href) {
  const result = await searches[method](folder, log, 40);
  console.log(JSON.stringify(result.trials.map(({ seconds: _seconds, ...trial }) => trial)));
}
