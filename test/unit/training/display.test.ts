import { describe, expect, it } from 'vitest';
import { makeDisplay, type Verbosity } from '../../../src/training/display.js';
import { durationText, progressLine, recordLine } from '../../../src/training/progressText.js';

function shown(verbosity: Verbosity, isTTY: boolean): string {
  let text = '';
  let nowMs = 0;
  const terminal = { isTTY, columns: 120, write: (part: string) => (text += part) };
  const display = makeDisplay(verbosity, terminal, () => nowMs);
  display.epochBegin({ epoch: 1, epochs: 2, batches: 4, unit: 'sequences' });
  for (let batch = 1; batch <= 4; batch++) {
    nowMs += 60;
    display.batch({ batch, loss: 1 / batch, units: 8 });
  }
  display.epochEnd({ epoch: 1, loss: 0.25, valLoss: 0.5, learningRate: 0.01, seconds: 0.24 });
  display.end();
  return text;
}

describe('the display', () => {
  it('writes one line an epoch where nobody watches', () => {
    expect(shown('auto', false)).toBe('epoch 1/2  loss 0.2500  valLoss 0.5000  learningRate 0.0100  0.2 s\n');
    expect(shown('lines', true)).toBe(shown('auto', false));
  });

  it('writes nothing when silent', () => {
    expect(shown('silent', true)).toBe('');
  });

  it('draws a bar over itself on a terminal, ten times a second at most, then the line', () => {
    const drawings = shown('auto', true).split('\r\u001b[K').slice(1);
    expect(drawings).toEqual([
      'epoch 1/2 ━━━━━─────────────── 1/4  loss 1.0000  133 sequences/s  0.2 s left',
      'epoch 1/2 ━━━━━━━━━━━━━━━───── 3/4  loss 0.3333  133 sequences/s  0.1 s left',
      'epoch 1/2  loss 0.2500  valLoss 0.5000  learningRate 0.0100  0.2 s\n',
    ]);
  });

  it('leaves the bar on a line of its own when training breaks off', () => {
    let text = '';
    const display = makeDisplay('progress', { write: (part: string) => (text += part) }, () => 1000);
    display.epochBegin({ epoch: 1, epochs: 1, batches: 9, unit: 'tokens' });
    display.batch({ batch: 1, loss: 1, units: 1 });
    display.end();
    expect(text.endsWith('left\n')).toBe(true);
  });
});

describe('progress texts', () => {
  const state = { epoch: 2, epochs: 9, batch: 6, loss: 1, seconds: 4, unit: 'sequences', unitsDone: 80 };
  it('tell the time that is left by the batches of this process', () => {
    const line = progressLine({ ...state, batches: 10, batchesDone: 2 });
    expect(line).toBe('epoch 2/9 ━━━━━━━━━━━━──────── 6/10  loss 1.0000  20 sequences/s  4.0 s left');
  });

  it('draw no bar where nobody knows how many batches there are', () => {
    expect(progressLine(state)).toBe('epoch 2/9 batch 6  loss 1.0000  20 sequences/s  4.0 s');
  });

  it.each([
    [0, '0.0 s'],
    [59.94, '59.9 s'],
    [59.96, '1:00'],
    [65, '1:05'],
    [7400, '2:03:20'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it('keeps digits of very small and very large values', () => {
    expect(recordLine({ epoch: 3, loss: 1.5e-7, learningRate: 0, seconds: 1 }, 10)).toBe(
      'epoch  3/10  loss 1.500e-7  learningRate 0.0000  1.0 s',
    );
    expect(
      progressLine({
        epoch: 1,
        epochs: 1,
        batch: 1,
        batches: 1,
        loss: 3e9,
        seconds: 2,
        unit: 'tokens',
        unitsDone: 5000,
      }),
    ).toBe('epoch 1/1 ━━━━━━━━━━━━━━━━━━━━ 1/1  loss 3.000e+9  2,500 tokens/s  0.0 s left');
  });
});
