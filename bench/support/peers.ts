import { createRequire } from 'node:module';

import { LineProcess } from './lineProcess.js';
import { Peer } from './peer.js';
import type { CpuTrial } from './shapes.js';

/** Contenders that were found, the versions of what they run, and why the others are left out. */
export interface Peers {
  readonly peers: readonly Peer<CpuTrial>[];
  readonly versions: Readonly<Record<string, string>>;
  readonly skipped: readonly string[];
}

const requireBaseline = createRequire(new URL('../baselines/package.json', import.meta.url));

const packages = [
  { name: 'onnxruntime', script: 'onnxRuntime.ts', needs: 'onnxruntime-node' },
  { name: 'tfjs-wasm', script: 'tensorflowJs.ts', needs: '@tensorflow/tfjs-backend-wasm' },
] as const;

/** Starts PyTorch where a Python is given, and what is installed in `bench/baselines`. */
export async function startPeers(python: string | undefined, threads: number): Promise<Peers> {
  const peers: Peer<CpuTrial>[] = [];
  const skipped: string[] = [];
  const versions: Record<string, string> = {};
  const start = async (name: string, interpreter: string, script: string) => {
    const { process, greeting } = await LineProcess.start<Record<string, string>>(interpreter, script, [
      String(threads),
    ]);
    peers.push(new Peer(name, process));
    Object.assign(versions, greeting);
  };
  if (python === undefined) skipped.push('torch: name a Python that has it by --torch');
  else await start('torch', python, 'torchStep.py');
  for (const { name, script, needs } of packages) {
    if (isInstalled(needs)) await start(name, 'node', script);
    else skipped.push(`${name}: ${needs} is not installed (npm install --ignore-scripts in bench/baselines)`);
  }
  return { peers, versions, skipped };
}

function isInstalled(name: string): boolean {
  try {
    requireBaseline.resolve(name);
    return true;
  } catch {
    return false;
  }
}
