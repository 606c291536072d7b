import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const headers = fileURLToPath(new URL('../../native', import.meta.url));

/** Whether g++ answers here, so that libraries for these tests can be compiled. */
export const hasCompiler = spawnSync('g++', ['--version']).status === 0;

/** A folder for libraries that are made in a test. */
export class Libraries implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'cudnn-lstm-cuda-'));

  /** A file with this text, which is no library. */
  text(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** A library of this C++ source, compiled against `native/`. */
  compile(name: string, source: string): string {
    const code = this.text(`${name}.cpp`, source);
    const path = join(this.folder, `${name}.so`);
    const args = ['-std=c++20', '-shared', '-fPIC', `-I${headers}`, code, '-o', path];
    const { status, stderr } = spawnSync('g++', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a made-up library answers: statements of C++ for three functions of the table. */
export interface Answers {
  readonly abi?: string;
  /** Of `RuntimeStatus deviceCount(int* count, RuntimeError* error)`. */
  readonly deviceCount?: string;
  /** Of `RuntimeStatus deviceInfo(int index, RuntimeDeviceInfo* info, RuntimeError* error)`. */
  readonly deviceInfo?: string;
  /** `{library, path, outcome}` of each place. */
  readonly places?: readonly (readonly [library: string, path: string, outcome: string])[];
}

/** A library that speaks the table's ABI up to the making of a device, and calls itself real. */
export function sourceOf({
  abi = 'LSTM_CUDA_ABI',
  deviceCount = '*count = 0; return kRuntimeOk;',
  deviceInfo = 'return kRuntimeInvalid;',
  places = [],
}: Answers): string {
  const rows = places.map((place) => `{${place.map((text) => JSON.stringify(text)).join(', ')}}`);
  return `
#include "cuda/runtime.h"
#include <cstdio>
#include <cstring>
static const RuntimePlace kPlaces[] = {${rows.join(', ')}${rows.length === 0 ? '{}' : ''}};
static int places(RuntimePlace* out, int capacity) {
  for (int i = 0; out && i < capacity && i < ${rows.length}; ++i) out[i] = kPlaces[i];
  return ${rows.length};
}
static RuntimeStatus say(RuntimeStatus status, RuntimeError* error, const char* text) {
  std::snprintf(error->text, sizeof error->text, "%s", text);
  return status;
}
static RuntimeStatus deviceCount(int* count, RuntimeError* error) { ${deviceCount} }
static RuntimeStatus deviceInfo(int index, RuntimeDeviceInfo* info, RuntimeError* error) { ${deviceInfo} }
static RuntimeStatus createContext(int, RuntimeContext**, RuntimeError* error) {
  return say(kRuntimeUnavailable, error, "the context was refused");
}
extern "C" const CudaRuntime* cudnn_lstm_cuda_runtime(int) {
  static CudaRuntime table;
  table.abi = ${abi};
  table.implementation = "cuda";
  table.places = places;
  table.deviceCount = deviceCount;
  table.deviceInfo = deviceInfo;
  table.createContext = createContext;
  (void)say;
  return &table;
}
`;
}

/** Statements that describe a GPU as good as any, and those after it. */
export function gpu(changes = ''): string {
  return (
    'std::strcpy(info->name, "a GPU"); info->index = index; info->computeMajor = 9; info->totalBytes = 1 << 30; ' +
    'info->driverVersion = 13000; info->runtimeVersion = 13000; info->cudnnVersion = 92400; ' +
    `info->cublasLtVersion = 130101; ${changes} return kRuntimeOk;`
  );
}
