// Compiled, never run: the types of a search's configs follow from its space.
import {
  adam,
  asha,
  dense,
  draw,
  gridSearch,
  lstm,
  type ModelPlan,
  randomSearch,
  sgd,
  type Trial,
} from 'cudnn-lstm';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(isSame: Same<A, B>): void;

const data = { x: [[[1]]], y: [1] };
const split = { by: 'tail', validation: 0.2 } as const;

export async function accepted(): Promise<void> {
  const grid = await gridSearch({
    space: { units: [1, 2], cell: { activation: ['tanh', 'relu'], size: [3] } },
    run: (config, trial) => {
      same<typeof config.units, 1 | 2>(true);
      same<typeof config.cell.activation, 'tanh' | 'relu'>(true);
      same<typeof trial, Trial>(true);
      return { value: config.units, metrics: { a: 1 } };
    },
  });
  same<typeof grid.best.config.cell.size, 3>(true);
  same<typeof grid.best.value, number>(true);

  const random = await randomSearch({
    space: {
      rate: draw.logUniform(1e-4, 1),
      kind: draw.choice(['a', 'b']),
      optimizer: [adam(), sgd({ learningRate: 1 })],
    },
    base: { epochs: 5, deep: { a: 1 } },
    trials: 3,
    data,
    split,
    build: ({ rate, kind, optimizer, epochs, deep }) => {
      same<typeof rate, number>(true);
      same<typeof kind, 'a' | 'b'>(true);
      same<typeof epochs, 5>(true);
      same<typeof deep.a, 1>(true);
      return {
        layers: [lstm({ hiddenSize: 4 }), dense({ units: 1 })],
        fit: { loss: 'mse', optimizer, epochs },
      };
    },
  });
  same<typeof random.best.config.rate, number>(true);

  await asha({
    space: { rate: draw.uniform(0, 1) },
    trials: 9,
    maxResource: 27,
    run: new URL('./trial.js', 'file:///'),
    onTrial: ({ config }) => void config.rate.toFixed(),
  });
}

export async function refused(): Promise<void> {
  // @ts-expect-error a distribution is no list of a grid
  await gridSearch({ space: { a: draw.uniform(0, 1) }, run: () => 0 });
  // @ts-expect-error how many trials is not said
  await randomSearch({ space: { a: draw.uniform(0, 1) }, run: () => 0 });
  const build = (): ModelPlan => ({ layers: [], fit: { loss: 'mse' } });
  // @ts-expect-error both a function and a model
  await gridSearch({ space: { a: [1] }, run: () => 0, data, split, build });
  // @ts-expect-error two ways to validate
  await gridSearch({ space: { a: [1] }, data, split, folds: [], build });
  await gridSearch({
    space: { a: [1] },
    // @ts-expect-error the space has no such name
    run: ({ b }) => b,
  });
  // @ts-expect-error a trial gives a number
  await gridSearch({ space: { a: ['x'] }, run: ({ a }) => a });
}
