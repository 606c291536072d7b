import { describe, expect, it } from 'vitest';
import { withValueAt } from '../../../src/experiment/configPath.js';
import { ConfigError } from '../../../src/index.js';

const config = { model: { layers: [{ size: 1 }, { size: 2 }] }, training: { optimizer: 'adam' } };

describe('a value at a place of a config', () => {
  it('replaces what is there in a copy', () => {
    const changed = withValueAt(config, 'model.layers[1].size', 5);
    expect(changed).toEqual({ ...config, model: { layers: [{ size: 1 }, { size: 5 }] } });
    expect(config.model.layers[1]!.size).toBe(2);
  });

  it('makes objects on the way', () => {
    expect(withValueAt({}, 'training.optimizer.clip.globalNorm', 1)).toEqual({
      training: { optimizer: { clip: { globalNorm: 1 } } },
    });
  });

  it('takes a bare name for its kind', () => {
    expect(withValueAt(config, 'training.optimizer.learningRate', 0.1)).toMatchObject({
      training: { optimizer: { kind: 'adam', learningRate: 0.1 } },
    });
  });

  it.each([
    ['model.layers[2].size', 'expected a list with a place 2, received a list of 2'],
    ['training[0]', 'expected a list with a place 0, received no list'],
    ['model.layers.size', "expected an object that has 'size', received a list"],
    ['model..layers', "expected a path such as 'model.layers[1].hiddenSize'"],
    ['', 'expected a path'],
  ])('is refused at %o', (path, message) => {
    expect(() => withValueAt(config, path, 1)).toThrow(ConfigError);
    expect(() => withValueAt(config, path, 1)).toThrow(message);
  });
});
