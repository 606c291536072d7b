import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelIds, loadModel } from '../../src/index.js';

export interface Evaluated {
  readonly loss: number;
  readonly accuracy: number;
}

/** What the library gives for a folder's model and its CSV file of plain texts and labels, read by hand. */
export async function evaluateFile(folder: string, file: string): Promise<Evaluated> {
  const rows = readFileSync(join(folder, file), 'utf8').trim().split('\n').slice(1);
  const cells = rows.map((row) => row.split(','));
  await using model = await loadModel(join(folder, 'model.safetensors'));
  const x = cells.map(([text]) => model.vocabulary!.encode(text!));
  const y = labelIds(
    cells.map(([, label]) => label!),
    model.labels!,
  );
  return (await model.evaluate({ x, y }, { loss: 'crossEntropy', metrics: ['accuracy'] })) as Evaluated;
}
