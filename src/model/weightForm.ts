import { choice } from '../config/fields.js';

/**
 * How the input and recurrent weights of LSTM layers are held while a result is computed: as they are, rounded to
 * bfloat16, or as 8-bit integers with a scale for each row. The model itself stays float32; biases, projections and
 * other layers do so everywhere. The narrow forms belong to the CPU device.
 */
export type WeightForm = 'float32' | 'bfloat16' | 'int8';

export const weightForm = choice('float32', 'bfloat16', 'int8');
