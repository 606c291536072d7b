import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** The hexadecimal digits of a sha256. */
export const checksumLength = 64;

/** Hashed between two turns of the event loop: about 10 ms. */
const chunkBytes = 4 << 20;

/**
 * The sha256 of a file that holds its own checksum: with the digits at `position` taken as zeros.
 * Long files are hashed in turns, so that the event loop stays free.
 */
export async function checksumAround(bytes: Uint8Array, position: number): Promise<string> {
  const hash = createHash('sha256');
  hash.update(bytes.subarray(0, position)).update('0'.repeat(checksumLength));
  for (let start = position + checksumLength; start < bytes.length; start += chunkBytes) {
    hash.update(bytes.subarray(start, start + chunkBytes));
    await setImmediate();
  }
  return hash.digest('hex');
}
