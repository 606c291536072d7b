import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { describe, shapeText } from '../config/describe.js';
import type { Tensor } from '../data/tensor.js';
import { CheckpointError } from '../errors.js';
import { writeFileAtomically } from './atomicFile.js';
import { checksumAround, checksumLength } from './checksum.js';
import { decodeSafetensors, encodeSafetensors, headerLength, prefixBytes } from './safetensors.js';

type Tensors = Readonly<Record<string, Tensor<Float32Array>>>;

/** Everything that a model is, as a file holds it. */
export interface CheckpointContent {
  /** The model's config, JSON. */
  readonly config: unknown;
  /** A vocabulary's `toJSON()`. */
  readonly vocabulary?: unknown;
  /** A fitted series' `toJSON()`. */
  readonly series?: unknown;
  /** Names of classes. */
  readonly labels?: unknown;
  /**
   * Optimiser steps applied, training passes that drew for dropout, fp16's loss scale where there is one, updates that the
   * average of the weights holds, and batches whose gradients wait for an update.
   */
  readonly counters: {
    readonly step: number;
    readonly draws: number;
    readonly lossScale?: number | undefined;
    readonly goodSteps?: number | undefined;
    readonly averaged?: number | undefined;
    readonly passes?: number | undefined;
  };
  /** Parameters by name. */
  readonly tensors: Tensors;
  /**
   * Moments by the name of their parameter; of some optimisers a third array, the average of the weights, and gradients
   * that wait for an update.
   */
  readonly optimizer?: {
    readonly m: Tensors;
    readonly v: Tensors;
    readonly aux?: Tensors;
    readonly average?: Tensors;
    readonly grads?: Tensors;
  };
  /** More JSON by name, such as the optimiser's settings. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Version of the metadata below; a reader refuses others. */
const formatVersion = 1;

const keys = {
  version: 'cudnn-lstm.version',
  config: 'cudnn-lstm.config',
  vocabulary: 'cudnn-lstm.vocabulary',
  series: 'cudnn-lstm.series',
  labels: 'cudnn-lstm.labels',
  counters: 'cudnn-lstm.counters',
  extra: 'cudnn-lstm.extra',
  sha256: 'cudnn-lstm.sha256',
} as const;

/** What a model carries beside its parameters, where it has it. */
const besides = ['vocabulary', 'series', 'labels'] as const;

const momentKinds = ['m', 'v', 'aux', 'average', 'grads'] as const;
const prefixOf = (kind: string): string => `optimizer.${kind}.`;

const count = z.int().nonnegative();
const countersSchema = z.strictObject({
  step: count,
  draws: count,
  lossScale: z
    .number()
    .positive()
    .max(2 ** 127)
    .optional(),
  goodSteps: count.optional(),
  averaged: count.optional(),
  passes: count.optional(),
});
const extraSchema = z.record(z.string(), z.unknown());

/**
 * Writes a checkpoint: a safetensors file that other tools open, with all but the tensors in its metadata and a
 * sha256 over the whole file. The path holds the old file or the whole new one at every moment.
 *
 * @throws CheckpointError where it cannot be written.
 */
export async function writeCheckpoint(path: string, content: CheckpointContent): Promise<void> {
  const bytes = encodeSafetensors({ tensors: allTensors(content), metadata: encodeMetadata(content) });
  const position = checksumPosition(bytes);
  new TextEncoder().encodeInto(await checksumAround(bytes, position), bytes.subarray(position));
  try {
    await writeFileAtomically(path, bytes);
  } catch (cause) {
    throw new CheckpointError(`cannot write ${path}: ${messageOf(cause)}`, { path }, { cause });
  }
}

/**
 * Reads what {@link writeCheckpoint} wrote.
 *
 * @throws CheckpointError for a file that cannot be read, is truncated, altered, of a later version or of another program.
 */
export async function readCheckpoint(path: string): Promise<CheckpointContent> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new CheckpointError(`cannot read ${path}: ${messageOf(cause)}`, { path }, { cause });
  }
  try {
    return await decodeCheckpoint(bytes);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new CheckpointError(`${path}: ${cause.message}`, { ...cause.details, path }, { cause });
  }
}

async function decodeCheckpoint(bytes: Uint8Array): Promise<CheckpointContent> {
  const { tensors, metadata } = decodeSafetensors(bytes);
  checkOrigin(metadata);
  const position = checksumPosition(bytes);
  if ((await checksumAround(bytes, position)) !== metadata[keys.sha256]) {
    throw failure('file', 'the content its sha256 was made of', 'an altered one');
  }
  const optimizer = optimizerOf(tensors);
  const parameters = Object.entries(tensors).filter(([name]) => !isMoment(name));
  const content = {
    config: readJson(metadata, keys.config, z.unknown()),
    ...Object.fromEntries(
      besides
        .filter((name) => keys[name] in metadata)
        .map((name) => [name, readJson(metadata, keys[name], z.unknown())]),
    ),
    counters: readJson(metadata, keys.counters, countersSchema),
    tensors: Object.fromEntries(parameters),
    ...(parameters.length < Object.keys(tensors).length && { optimizer }),
    ...(keys.extra in metadata && { extra: readJson(metadata, keys.extra, extraSchema) }),
  };
  checkMoments(content);
  return content;
}

function encodeMetadata({ config, counters, extra, ...rest }: CheckpointContent): Record<string, string> {
  return {
    // What PyTorch's tools write and expect here.
    format: 'pt',
    [keys.version]: String(formatVersion),
    [keys.config]: JSON.stringify(config),
    ...Object.fromEntries(
      besides
        .filter((name) => rest[name] !== undefined)
        .map((name) => [keys[name], JSON.stringify(rest[name])]),
    ),
    [keys.counters]: JSON.stringify(counters),
    ...(extra !== undefined && { [keys.extra]: JSON.stringify(extra) }),
    [keys.sha256]: '0'.repeat(checksumLength),
  };
}

function allTensors(content: CheckpointContent): Tensors {
  const { tensors, optimizer } = content;
  const clash = Object.keys(tensors).find(isMoment);
  if (clash !== undefined) throw failure(`tensor '${clash}'`, 'a name that is no moment', 'one that is');
  checkMoments(content);
  return Object.fromEntries([
    ...Object.entries(tensors),
    ...Object.entries(optimizer ?? {}).flatMap(([kind, moments]) =>
      Object.entries(moments).map(([name, tensor]) => [prefixOf(kind) + name, tensor] as const),
    ),
  ]);
}

function checkMoments({ tensors, optimizer }: CheckpointContent): void {
  for (const [kind, moments] of Object.entries(optimizer ?? {})) {
    for (const [name, { shape }] of Object.entries(moments)) {
      const expected = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
      if (expected === undefined)
        throw failure(`moment ${kind} '${name}'`, 'a parameter of that name', 'none');
      if (shapeText(shape) === shapeText(expected.shape)) continue;
      throw failure(`moment ${kind} '${name}'`, `shape ${shapeText(expected.shape)}`, shapeText(shape));
    }
  }
}

function isMoment(name: string): boolean {
  return momentKinds.some((kind) => name.startsWith(prefixOf(kind)));
}

function optimizerOf(tensors: Tensors): NonNullable<CheckpointContent['optimizer']> {
  const kinds = momentKinds.map((kind) => [kind, byPrefix(tensors, prefixOf(kind))] as const);
  const used = kinds.filter(([kind, own]) => kind === 'm' || kind === 'v' || Object.keys(own).length > 0);
  return Object.fromEntries(used) as unknown as NonNullable<CheckpointContent['optimizer']>;
}

function byPrefix(tensors: Tensors, prefix: string): Tensors {
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

function checkOrigin(metadata: Readonly<Record<string, string>>): void {
  const version = metadata[keys.version];
  if (version === undefined) {
    throw failure(
      'file',
      `a checkpoint of this package (metadata '${keys.version}')`,
      'one of another program',
    );
  }
  if (version !== String(formatVersion))
    throw failure('file', `checkpoint version ${formatVersion}`, version);
}

/** Where the checksum's digits stand: the last place in the header that looks like it, the key being written last. */
function checksumPosition(bytes: Uint8Array): number {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, prefixBytes + headerLength(bytes));
  const key = `"${keys.sha256}":"`;
  const start = header.lastIndexOf(key);
  if (start < 0 || start + key.length + checksumLength > header.length) {
    throw failure('file', `metadata '${keys.sha256}'`, 'none');
  }
  return start + key.length;
}

function readJson<T>(metadata: Readonly<Record<string, string>>, key: string, type: z.ZodType<T>): T {
  const text = metadata[key];
  if (text === undefined) throw failure('file', `metadata '${key}'`, 'none');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw failure(key, 'JSON', messageOf(cause), cause);
  }
  const { success, data } = type.safeParse(value);
  if (!success) throw failure(key, 'what a checkpoint holds there', describe(value));
  return data;
}

function failure(name: string, expected: string, received: string, cause?: unknown): CheckpointError {
  const details = { name, expected, received };
  const options = cause === undefined ? undefined : { cause };
  return new CheckpointError(`${name}: expected ${expected}, received ${received}`, details, options);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
