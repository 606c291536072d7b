import { Draws } from './draws.js';

/**
 * The cases in which a device's LSTM is held to the oracle, one list for every device.
 *
 * An id says all: `l2t64n32i128h256bi-single-ragged-states-drop` is 2 layers, 64 steps, 32 sequences, 128
 * channels, hidden size 256, both directions; one bias (`-none`: no bias), unequal lengths, initial states,
 * dropout between layers. `l1t3n3i7h10p4-clip` projects h to 4 channels and clamps the cells at CELL_CLIP. Any id may
 * be run: CUDNN_LSTM_CASE=<id>.
 */
export interface LstmCase {
  readonly id: string;
  readonly numLayers: number;
  readonly timeSteps: number;
  readonly batchSize: number;
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** P; 0: no projection. */
  readonly projectionSize: number;
  readonly bidirectional: boolean;
  readonly bias: 'double' | 'single' | 'none';
  readonly ragged: boolean;
  readonly states: boolean;
  readonly dropout: boolean;
  readonly clip: boolean;
}

export const DROPOUT_RATE = 0.3;
/** Clamps a share of the cells of every clip case, never all. */
export const CELL_CLIP = 0.15;

type Sizes = Omit<LstmCase, 'id'>;

const BASE: Sizes = {
  numLayers: 1,
  timeSteps: 3,
  batchSize: 3,
  inputSize: 7,
  hiddenSize: 10,
  projectionSize: 0,
  bidirectional: false,
  bias: 'double',
  ragged: false,
  states: false,
  dropout: false,
  clip: false,
};

/** Edges of vector widths (4, 8, 16) and of blocks (32, 64, 128), and their neighbours. */
const EDGES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130];

export function caseTable(): LstmCase[] {
  const only = process.env['CUDNN_LSTM_CASE'];
  if (only !== undefined) return [parseCase(only)];
  const cases = [...axes(), ...stacks(), ...mixtures(), ...projections()].map((sizes) => ({
    ...sizes,
    id: idOf(sizes),
  }));
  return [...new Map(cases.map((entry) => [entry.id, entry])).values()];
}

/** One size moves at a time; directions, lengths and states alternate along the way. */
function axes(): Sizes[] {
  const alternate = (i: number) => ({
    bidirectional: i % 2 === 1,
    ragged: i % 3 !== 0,
    states: i % 4 > 1,
  });
  return [
    ...[1, 2, 3, 4, 7, 16, 33, 64, 100, 101, 299, 300].map((timeSteps, i) => ({
      ...BASE,
      ...alternate(i),
      timeSteps,
    })),
    ...EDGES.map((batchSize, i) => ({ ...BASE, ...alternate(i), batchSize })),
    ...EDGES.map((inputSize, i) => ({ ...BASE, ...alternate(i + 1), inputSize })),
    ...[...EDGES, 20, 24, 48, 96, 100].map((hiddenSize, i) => ({ ...BASE, ...alternate(i + 2), hiddenSize })),
    ...EDGES.map((hiddenSize, i) => ({ ...BASE, ...alternate(i), numLayers: 2, hiddenSize, batchSize: 1 })),
  ];
}

/** Every number of layers, direction and bias mode, each with and without lengths, states and dropout. */
function stacks(): Sizes[] {
  const sizes: Sizes[] = [];
  for (const numLayers of [1, 2, 3, 4]) {
    for (const bidirectional of [false, true]) {
      for (const bias of ['double', 'single', 'none'] as const) {
        const stack = { ...BASE, numLayers, bidirectional, bias, timeSteps: 6, batchSize: 5, hiddenSize: 13 };
        sizes.push(stack, { ...stack, ragged: true, states: true, dropout: numLayers > 1 });
      }
    }
  }
  return sizes;
}

/** Projections of every size class, alone, in stacks and with a cell clip; and the clip without them. */
function projections(): Sizes[] {
  const alternate = (i: number) => ({
    bidirectional: i % 2 === 1,
    ragged: i % 3 !== 0,
    states: i % 4 > 1,
    clip: i % 5 === 4,
  });
  const [largest, edges] = [Math.max(...EDGES), EDGES.filter((size) => size > 1)];
  const stack = { ...BASE, numLayers: 3, timeSteps: 6, batchSize: 5, hiddenSize: 13 };
  const everything = { ragged: true, states: true, dropout: true };
  return [
    ...EDGES.filter((size) => size < largest).map((projectionSize, i) => ({
      ...BASE,
      ...alternate(i),
      hiddenSize: largest,
      projectionSize,
    })),
    ...edges.map((hiddenSize, i) => ({
      ...BASE,
      ...alternate(i + 1),
      hiddenSize,
      projectionSize: i % 2 === 0 ? hiddenSize - 1 : Math.ceil(hiddenSize / 4),
    })),
    ...EDGES.map((batchSize, i) => ({ ...BASE, ...alternate(i + 2), batchSize, projectionSize: 4 })),
    ...[1, 2, 100, 300].map((timeSteps, i) => ({ ...BASE, ...alternate(i), timeSteps, projectionSize: 6 })),
    ...[false, true].flatMap((bidirectional) =>
      (['double', 'single', 'none'] as const).flatMap((bias) =>
        [0, 5].flatMap((projectionSize) => [
          { ...stack, bidirectional, bias, projectionSize, clip: projectionSize === 0 },
          { ...stack, ...everything, bidirectional, bias, projectionSize, clip: true },
        ]),
      ),
    ),
  ];
}

/** Everything at once: sizes drawn over their whole ranges, as long as the oracle takes them in a blink. */
function mixtures(): Sizes[] {
  const draws = new Draws('case table');
  const one = (low: number, high: number) => draws.integers(1, low, high)[0]!;
  const skewed = (high: number) => Math.ceil(high ** draws.uniform(1, 0, 1)[0]!);
  const sizes: Sizes[] = [];
  while (sizes.length < 60) {
    const numLayers = one(1, 5);
    const drawn: Sizes = {
      numLayers,
      timeSteps: skewed(300),
      batchSize: skewed(130),
      inputSize: skewed(130),
      hiddenSize: skewed(130),
      bidirectional: one(0, 2) === 1,
      bias: (['double', 'single', 'none'] as const)[one(0, 3)]!,
      ragged: one(0, 2) === 1,
      states: one(0, 2) === 1,
      dropout: numLayers > 1 && one(0, 2) === 1,
      projectionSize: 0,
      clip: false,
    };
    const work = multiplyAdds(drawn);
    if (work > 3e5 && work < 6e7) sizes.push(drawn);
  }
  return sizes;
}

/** Of one forward pass, about; backward takes twice as many. */
function multiplyAdds({
  numLayers,
  timeSteps,
  batchSize,
  inputSize,
  hiddenSize,
  bidirectional,
}: Sizes): number {
  const directions = bidirectional ? 2 : 1;
  const inputs = inputSize + (numLayers - 1) * directions * hiddenSize;
  return timeSteps * batchSize * directions * 4 * hiddenSize * (inputs + numLayers * hiddenSize);
}

function idOf(sizes: Sizes): string {
  const { numLayers, timeSteps, batchSize, inputSize, hiddenSize, projectionSize, bidirectional, bias } =
    sizes;
  const flags = [
    bias === 'double' ? undefined : bias,
    sizes.ragged ? 'ragged' : undefined,
    sizes.states ? 'states' : undefined,
    sizes.dropout ? 'drop' : undefined,
    sizes.clip ? 'clip' : undefined,
  ];
  const start = `l${numLayers}t${timeSteps}n${batchSize}i${inputSize}h${hiddenSize}`;
  const rest = `${projectionSize > 0 ? `p${projectionSize}` : ''}${bidirectional ? 'bi' : ''}`;
  return [start + rest, ...flags.filter((flag) => flag !== undefined)].join('-');
}

export function parseCase(id: string): LstmCase {
  const [start = '', ...flags] = id.split('-');
  const sizes = /^l(\d+)t(\d+)n(\d+)i(\d+)h(\d+)(?:p(\d+))?(bi)?$/.exec(start);
  const unknown = flags.filter(
    (flag) => !['single', 'none', 'ragged', 'states', 'drop', 'clip'].includes(flag),
  );
  if (sizes === null || unknown.length > 0) {
    throw new Error(`a case reads like l2t64n32i128h256bi-single-ragged-states-drop, got '${id}'`);
  }
  const [numLayers, timeSteps, batchSize, inputSize, hiddenSize] = sizes.slice(1, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    id,
    numLayers,
    timeSteps,
    batchSize,
    inputSize,
    hiddenSize,
    projectionSize: Number(sizes[6] ?? 0),
    bidirectional: sizes[7] === 'bi',
    bias: flags.includes('single') ? 'single' : flags.includes('none') ? 'none' : 'double',
    ragged: flags.includes('ragged'),
    states: flags.includes('states'),
    dropout: flags.includes('drop'),
    clip: flags.includes('clip'),
  };
}
