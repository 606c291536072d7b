import { describe, expect, it } from 'vitest';
import { BusyError, DisposedError } from '../../../src/errors.js';
import { Lifecycle } from '../../../src/model/lifecycle.js';

describe('Lifecycle', () => {
  it('lets one exclusive operation run and names it to the next', async () => {
    const lifecycle = new Lifecycle('model');
    let finish = (): void => {};
    const running = lifecycle.exclusively('fit', () => new Promise<void>((resolve) => (finish = resolve)));
    expect(() => lifecycle.requireIdle('trainStep')).toThrow(
      new BusyError('trainStep: the model is busy with fit; await that first', {
        operation: 'trainStep',
        running: 'fit',
      }),
    );
    await expect(lifecycle.exclusively('fit', async () => {})).rejects.toThrow(BusyError);
    expect(() => lifecycle.requireAlive('predict')).not.toThrow();
    finish();
    await running;
    expect(() => lifecycle.requireIdle('trainStep')).not.toThrow();
  });

  it('is idle again after an operation that failed', async () => {
    const lifecycle = new Lifecycle('model');
    const failing = lifecycle.exclusively('fit', async () => {
      throw new Error('text');
    });
    await expect(failing).rejects.toThrow('text');
    expect(() => lifecycle.requireIdle('fit')).not.toThrow();
  });

  it('lets an operation run what is part of it, one at a time', async () => {
    const lifecycle = new Lifecycle('model');
    const evaluate = (run: () => Promise<unknown> = async () => {}) => lifecycle.exclusively('evaluate', run);
    const inner = async () => {
      await evaluate(async () => {
        await expect(evaluate()).rejects.toThrow('evaluate: the model is busy with evaluate');
        await expect(lifecycle.exclusively('fit', async () => {})).rejects.toThrow('busy with evaluate');
      });
      await evaluate();
      await expect(lifecycle.exclusively('fit', async () => {})).rejects.toThrow('busy with average');
    };
    await lifecycle.exclusively('average', inner, ['evaluate']);
    expect(() => lifecycle.requireIdle('fit')).not.toThrow();
  });

  it('is idle once both have ended, in whatever order', async () => {
    const lifecycle = new Lifecycle('model');
    let finish = (): void => {};
    let left: Promise<void> | undefined;
    await lifecycle.exclusively(
      'average',
      async () => {
        left = lifecycle.exclusively('evaluate', () => new Promise<void>((resolve) => (finish = resolve)));
      },
      ['evaluate'],
    );
    expect(() => lifecycle.requireIdle('fit')).toThrow('busy with evaluate');
    finish();
    await left;
    expect(() => lifecycle.requireIdle('fit')).not.toThrow();
  });

  it('takes nothing once disposed', () => {
    const lifecycle = new Lifecycle('layer');
    lifecycle.dispose();
    expect(() => lifecycle.requireIdle('step')).toThrow(
      new DisposedError('step: the layer is disposed', { operation: 'step' }),
    );
  });
});
