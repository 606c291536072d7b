import { ConfigError } from '../errors.js';

/** What flows between layers: token ids [N, T], a sequence [N, T, size] or one vector a sequence [N, size]. */
export interface Signal {
  readonly kind: 'tokens' | 'sequence' | 'vector';
  /** Channels of a sequence, width of a vector, vocabulary of tokens. */
  readonly size: number;
}

/** A parameter of a layer, its name without the layer's. */
export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The shape of a signal in the symbols N (batch) and T (time steps). */
export function signalShape(signal: Signal): readonly (number | string)[] {
  if (signal.kind === 'tokens') return ['N', 'T'];
  return signal.kind === 'sequence' ? ['N', 'T', signal.size] : ['N', signal.size];
}

/** @throws ConfigError unless the signal that reaches a layer is a sequence. */
export function requireSequence(input: Signal, path: string): void {
  if (input.kind !== 'sequence') throw wrongInput(path, 'a sequence [N, T, C]', input);
}

/** @throws ConfigError where token ids reach a layer of numbers. */
export function requireNumbers(input: Signal, path: string): void {
  if (input.kind === 'tokens') throw wrongInput(path, 'numbers (an embedding comes first)', input);
}

/** The error of a layer that cannot read what comes before it. */
export function wrongInput(path: string, expected: string, input: Signal): ConfigError {
  const names = {
    tokens: 'token ids [N, T]',
    sequence: `a sequence [N, T, ${input.size}]`,
    vector: `a vector [N, ${input.size}]`,
  };
  const received = names[input.kind];
  return new ConfigError(`${path}: expected ${expected} as its input, received ${received}`, {
    path,
    expected,
    received,
  });
}
