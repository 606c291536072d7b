import { field, flag } from '../config/fields.js';

/** Sizes fit a 32-bit index; how much memory they may ask for together is checked for the whole model. */
export const maxSize = 2 ** 31 - 1;

/** Settings that every layer with parameters has. */
export const parameterSettings = { trainable: flag.default(true) };

/** The prefix of a layer's parameters: one Python identifier, so that a file opens as a PyTorch module. */
export const layerName = field<string>(
  "a name of letters, digits and _ that does not start with a digit and is not 'optimizer'",
  (value) => typeof value === 'string' && /^[A-Za-z_]\w{0,63}$/.test(value) && value !== 'optimizer',
  { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' },
);
