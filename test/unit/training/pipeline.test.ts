import { describe, expect, it } from 'vitest';
import { pipelined } from '../../../src/training/pipeline.js';

describe('pipelined', () => {
  it('submits each job before it settles the one before, two under way at most', async () => {
    const log: string[] = [];
    const submit = async (k: number) => {
      log.push(`submit ${k}`);
      return k;
    };
    await pipelined(3, submit, (result, k) => {
      log.push(`settle ${k}=${result}`);
    });
    expect(log).toEqual(['submit 0', 'submit 1', 'settle 0=0', 'submit 2', 'settle 1=1', 'settle 2=2']);
  });

  it('submits as many ahead as it is told, and settles them in order, a stop included', async () => {
    const log: string[] = [];
    const submit = async (k: number) => {
      log.push(`submit ${k}`);
      return k;
    };
    const settle = (_: number, k: number) => {
      log.push(`settle ${k}`);
      return k === 1;
    };
    await pipelined(9, submit, settle, 3);
    expect(log).toEqual([
      'submit 0',
      'submit 1',
      'submit 2',
      'settle 0',
      'submit 3',
      'settle 1',
      'settle 2',
      'settle 3',
    ]);
  });

  it('does nothing for no jobs', async () => {
    await expect(
      pipelined(
        0,
        async () => 1,
        () => expect.unreachable(),
      ),
    ).resolves.toBeUndefined();
  });

  it('stops when told to, and settles what is under way', async () => {
    const settled: number[] = [];
    await pipelined(
      10,
      async (k) => k,
      (_, k) => settled.push(k) === 3,
    );
    expect(settled).toEqual([0, 1, 2, 3]);
  });

  it('waits for what is under way before it fails', async () => {
    let finished = false;
    const submit = async (k: number): Promise<void> => {
      if (k === 0) throw new Error('first');
      await new Promise((resolve) => setTimeout(resolve, 20));
      finished = true;
    };
    await expect(pipelined(2, submit, () => {})).rejects.toThrow('first');
    expect(finished).toBe(true);
  });

  it('fails with the first error when both jobs fail', async () => {
    const submit = async (k: number): Promise<void> => {
      throw new Error(`job ${k}`);
    };
    await expect(pipelined(2, submit, () => {})).rejects.toThrow('job 0');
  });
});
