import { chosen } from './choice.js';
import { compare, type Method, type Result } from './compare.js';
import type { Contender, Inputs } from './contender.js';
import { OursOnCuda } from './cudaContender.js';
import { cudaShapes, type CudaTrial, type Precision, precisions } from './cudaShapes.js';
import { Sampled } from './gpuUtilisation.js';
import { makeInputs, withFolder } from './inputs.js';
import { LineProcess } from './lineProcess.js';
import { type Column, type Environment, note, Output, progress, round } from './output.js';
import { Peer } from './peer.js';
import { flop } from './shapes.js';
import { prepareWords } from './wordText.js';

export interface CudaOptions {
  readonly json: boolean;
  readonly torch: string | undefined;
  readonly suite: string | undefined;
  readonly shape: string | undefined;
  readonly precision: string | undefined;
  readonly seconds: number;
  /** A text for the epoch of `fit`. */
  readonly text: string | undefined;
  /** The stand-in runs, on cut sizes: this checks the bench and measures nothing. */
  readonly standIn: boolean;
}

interface Row {
  readonly suite: CudaTrial['suite'];
  readonly shape: string;
  readonly precision: Precision;
  readonly contender: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly spreadMs: number;
  readonly ratio?: number;
  readonly tflopPerS?: number;
  readonly parameters?: number;
  readonly gbPerS?: number;
  readonly shareOfCopy?: number;
  readonly wordsPerS?: number;
  readonly seconds?: number;
  /** NVML's, over the timed epoch. */
  readonly gpuUtilisation?: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'suite', width: 10, text: (row) => row.suite },
  { title: 'shape', width: 11, text: (row) => row.shape },
  { title: 'precision', width: 9, text: (row) => row.precision },
  { title: 'contender', width: 17, text: (row) => row.contender },
  { title: 'median ms', width: 12, text: (row) => row.medianMs.toFixed(4) },
  { title: 'min ms', width: 12, text: (row) => row.minMs.toFixed(4) },
  { title: 'rate', width: 24, text: rateOf },
  {
    title: 'ours is faster by',
    width: 17,
    text: ({ ratio }) => (ratio === undefined ? '' : `${ratio.toFixed(2)} x`),
  },
];

function rateOf({ tflopPerS, gbPerS, shareOfCopy, wordsPerS }: Row): string {
  if (tflopPerS !== undefined) return `${tflopPerS.toFixed(1)} TFLOP/s`;
  if (wordsPerS !== undefined) return `${wordsPerS.toFixed(0)} words/s`;
  const share = shareOfCopy === undefined ? '' : `, ${(100 * shareOfCopy).toFixed(0)} % of copy`;
  return gbPerS === undefined ? '' : `${gbPerS.toFixed(0)} GB/s${share}`;
}

/** How far first losses may lie apart, as a share: sums in another order, factors of 10 bits, of 11 and of 8. */
const tolerances: Readonly<Record<Precision, number>> = { fp32: 1e-4, tf32: 1e-2, fp16: 1e-2, bf16: 3e-2 };

/** Bytes that clip and Adam move for a parameter: g for the norm; p, g, m, v read; p, g, m, v written. */
const updateBytes = 36;

const suites = ['train-step', 'update', 'fit'] as const;

/** Everything that is timed on a GPU. */
export class CudaBench {
  readonly #options: CudaOptions;
  readonly #device: `cuda:${number}`;
  readonly #contenders: readonly Contender<CudaTrial>[];
  readonly #output: Output<Row>;

  private constructor(
    options: CudaOptions,
    device: `cuda:${number}`,
    contenders: readonly Contender<CudaTrial>[],
    output: Output<Row>,
  ) {
    this.#options = options;
    this.#device = device;
    this.#contenders = contenders;
    this.#output = output;
  }

  static async run(options: CudaOptions, device: `cuda:${number}`, environment: Environment): Promise<void> {
    const contenders: Contender<CudaTrial>[] = [
      new OursOnCuda('cudnn-lstm', device, true),
      new OursOnCuda('cudnn-lstm-eager', device, false),
    ];
    const versions: Record<string, string> = {};
    try {
      for (const form of options.torch === undefined ? [] : ['eager', 'graph']) {
        const started = await LineProcess.start<Record<string, string>>(options.torch!, 'torchCudaStep.py', [
          form,
        ]);
        contenders.push(new Peer(`torch-${form}`, started.process));
        Object.assign(versions, started.greeting);
      }
      const output = new Output<Row>(options.json, columns, { ...environment, ...versions });
      const bench = new CudaBench(options, device, contenders, output);
      for (const suite of chosen(suites, (one) => one, options.suite)) {
        if (suite === 'train-step') await bench.#trainSteps();
        else if (suite === 'update') await bench.#updates();
        else await bench.#fit();
      }
    } finally {
      for (const contender of contenders) await contender.close();
    }
  }

  async #trainSteps(): Promise<void> {
    const shapes = this.#options.standIn ? cudaShapes.slice(0, 1) : cudaShapes;
    for (const full of chosen(shapes, ({ name }) => name, this.#options.shape)) {
      const shape = this.#options.standIn ? { ...full, timeSteps: 4, batchSize: 4 } : full;
      await withFolder(async (folder) => {
        const inputs = await makeInputs(shape, folder);
        for (const precision of this.#precisions()) {
          const title = `train-step ${shape.name}, ${precision}`;
          const trial = { suite: 'train-step', shape, precision } as const;
          for (const result of await this.#compare(trial, inputs, precision, title)) {
            const tflopPerS = round(flop(shape, 'train-step') / result.medianMs / 1e9, 2);
            this.#output.row({ ...rowOf(trial, shape.name, precision, result), tflopPerS });
          }
        }
      });
    }
  }

  async #updates(): Promise<void> {
    const none: Inputs = { weightsPath: '', xPath: '', yPath: '' };
    const copied = this.#options.standIn ? 1 << 16 : 1 << 29;
    let copyRate: number | undefined;
    const copy = { suite: 'copy', parameters: copied } as const;
    for (const result of await this.#compare(copy, none, 'fp32', "the card's copy rate")) {
      copyRate = (8 * copied) / result.medianMs / 1e6;
      this.#output.row({ ...rowOf(copy, 'copy', 'fp32', result), gbPerS: round(copyRate, 1) });
    }
    for (const parameters of this.#options.standIn ? [10_000] : [1e6, 1e7, 1e8]) {
      const trial = { suite: 'update', parameters } as const;
      for (const result of await this.#compare(trial, none, 'fp32', `update of ${parameters} parameters`)) {
        const gbPerS = (updateBytes * parameters) / result.medianMs / 1e6;
        const shareOfCopy = copyRate === undefined ? undefined : round(gbPerS / copyRate, 3);
        this.#output.row({
          ...rowOf(trial, `${parameters}`, 'fp32', result),
          parameters,
          gbPerS: round(gbPerS, 1),
          ...(shareOfCopy !== undefined && { shareOfCopy }),
        });
      }
    }
  }

  async #fit(): Promise<void> {
    const { text, standIn } = this.#options;
    if (text === undefined) {
      note('left out: an epoch of fit; name a text by --text');
      return;
    }
    await withFolder(async (folder) => {
      const { words, inputs, wordsPerEpoch } = await prepareWords(
        text,
        folder,
        standIn ? { limit: 20 * 35 * 2 + 1, hiddenSize: 8 } : {},
      );
      for (const precision of this.#precisions()) {
        const trial = { suite: 'fit', words, precision } as const;
        const sampled = this.#contenders.map((one) => new Sampled(one, Number(this.#device.slice(5))));
        const results = await this.#compare(
          trial,
          inputs,
          precision,
          `an epoch of fit, ${precision}`,
          sampled,
        );
        for (const result of results) {
          const utilisation = sampled.find(({ name }) => name === result.contender)?.utilisation;
          this.#output.row({
            ...rowOf(trial, 'words 2x650', precision, result),
            seconds: round(result.medianMs / 1e3, 2),
            wordsPerS: Math.round((wordsPerEpoch * 1e3) / result.medianMs),
            ...(utilisation !== undefined && { gpuUtilisation: round(utilisation, 3) }),
          });
        }
      }
    });
  }

  #precisions(): readonly Precision[] {
    return chosen(precisions, (one) => one, this.#options.precision);
  }

  async #compare(
    trial: CudaTrial,
    inputs: Inputs,
    precision: Precision,
    title: string,
    contenders = this.#contenders,
  ): Promise<Result[]> {
    progress(title);
    const { seconds, standIn } = this.#options;
    const isEpoch = trial.suite === 'fit';
    const method: Method = {
      turns: isEpoch ? 1 : standIn ? 2 : 9,
      secondsEach: isEpoch || standIn ? 0 : seconds,
      warmRuns: 5,
      tolerance: tolerances[precision],
      leastResults: precision === 'fp16' || precision === 'bf16' ? 1 : 2,
    };
    const results = await compare(contenders, trial, inputs, method, title);
    progress('');
    return results;
  }
}

function rowOf(trial: CudaTrial, shape: string, precision: Precision, result: Result) {
  const { contender, medianMs, minMs, spreadMs, ratio } = result;
  return {
    suite: trial.suite,
    shape,
    precision,
    contender,
    medianMs: round(medianMs, 4),
    minMs: round(minMs, 4),
    spreadMs: round(spreadMs, 4),
    ...(ratio !== undefined && { ratio: round(ratio, 3) }),
  };
}
