import { placeText } from '../native/cuda.js';
import type { CheckedDevice, Diagnosis } from './diagnosis.js';

/** A diagnosis for people. */
export function diagnosisText({
  package: version,
  node,
  platform,
  addon,
  devices,
  works,
}: Diagnosis): string {
  const lines = [
    `cudnn-lstm ${version}, Node ${node}, ${platform}`,
    'failure' in addon ? addon.failure : `addon ${addon.path} (${addon.version}, ABI ${addon.abi})`,
    ...devices.flatMap((device) => ['', ...deviceLines(device)]),
    '',
    works ? 'Ready: a training step ran on a device.' : 'Not ready: no device works.',
  ];
  return lines.join('\n');
}

function deviceLines(device: CheckedDevice): string[] {
  const state = device.works ? 'works' : device.available ? 'fails' : 'not available';
  const lines = [`${device.device}: ${state}`, ...factLines(device).map((line) => `  ${line}`)];
  if (device.failure !== undefined) lines.push(`  ${device.failure}`);
  if (device.device !== 'cpu')
    lines.push('  looked for', ...device.places.map((place) => `    ${placeText(place)}`));
  if (!device.available) lines.push('  to use it', ...device.install.map((step) => `    ${step}`));
  return lines;
}

function factLines(device: CheckedDevice): string[] {
  if (!device.available) return [device.reason];
  if (device.device === 'cpu') {
    const { name, threads, instructionSet, instructionSets } = device;
    return [`${name}, ${threads} threads, ${instructionSet} (of ${instructionSets.join(', ')})`];
  }
  const { cudnnVersion = 'none', cublasLtVersion = 'none' } = device;
  return [
    `${device.name}, compute capability ${device.computeCapability}, ${memory(device)}`,
    `driver ${device.driverVersion}, CUDA ${device.runtimeVersion}, cuDNN ${cudnnVersion}, cuBLASLt ${cublasLtVersion}`,
    ...(device.standIn ? ['a stand-in for tests, which computes in host memory: no GPU'] : []),
  ];
}

function memory({ totalBytes, freeBytes }: { totalBytes: number; freeBytes?: number }): string {
  return freeBytes === undefined
    ? `${gib(totalBytes)} GiB`
    : `${gib(freeBytes)} of ${gib(totalBytes)} GiB free`;
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
