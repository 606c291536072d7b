import { type Summary, summarize } from './statistics.js';

/** Times `once` for so many seconds, at least five times, after three runs that are not timed. */
export async function timeFor(seconds: number, once: () => Promise<unknown>): Promise<Summary> {
  for (let k = 0; k < 3; k++) await once();
  const times: number[] = [];
  const end = performance.now() + seconds * 1e3;
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await once();
    times.push(performance.now() - start);
  }
  return summarize(times);
}
