import { open } from 'node:fs/promises';
import { z } from 'zod';
import { CheckpointError } from '../errors.js';

/** One tensor, as the header says. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface SafetensorsHeader {
  /** Of the file. */
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorEntry[];
}

const headerSchema = z.record(
  z.string(),
  z.union([z.object({ dtype: z.string(), shape: z.array(z.number()) }), z.record(z.string(), z.string())]),
);

/** What safetensors itself allows. */
const maxHeaderBytes = 100_000_000;

/**
 * Reads the header of any safetensors file, of whatever element type, without its tensors.
 *
 * @throws CheckpointError for a file that cannot be read or is none.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const prefix = new DataView(new ArrayBuffer(8));
    const { bytesRead } = await file.read(prefix, 0, 8, 0);
    const length = bytesRead === 8 ? Number(prefix.getBigUint64(0, true)) : Infinity;
    if (length > Math.min(size - 8, maxHeaderBytes)) throw new Error('no safetensors header');
    const text = new Uint8Array(length);
    await file.read(text, 0, length, 8);
    return { bytes: size, ...parsed(new TextDecoder('utf-8', { fatal: true }).decode(text)) };
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointError(
      `${path}: expected a safetensors file, received ${received}`,
      { path, received },
      { cause },
    );
  }
}

function parsed(text: string): Omit<SafetensorsHeader, 'bytes'> {
  const { __metadata__: metadata = {}, ...entries } = headerSchema.parse(JSON.parse(text));
  const tensors = Object.entries(entries).map(([name, entry]) => ({
    name,
    dtype: entry['dtype'] as string,
    shape: entry['shape'] as unknown as readonly number[],
  }));
  return { metadata: metadata as Record<string, string>, tensors };
}
