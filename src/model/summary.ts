import { shapeText } from '../config/describe.js';
import { elementCount } from '../data/tensor.js';
import type { ChainLink } from '../layers/chain.js';
import { signalShape } from '../layers/signal.js';
import type { ResolvedModel } from './modelConfig.js';

/** A table of the layers with output shapes and parameter counts, and the totals. */
export function summary({ config, input, chain }: ResolvedModel): string {
  const rows = summaryRows({ input, chain });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => rowText(row, widths));
  const rule = '─'.repeat(lines[0]!.length);
  return [config.name, rule, lines[0], rule, ...lines.slice(1), rule, totals(chain)].join('\n');
}

/** The table's cells, its head first. */
export function summaryRows({ input, chain }: Pick<ResolvedModel, 'input' | 'chain'>): string[][] {
  return [
    ['layer', 'output', 'parameters'],
    ['input', shapeText(signalShape(input)), ''],
    ...chain.map((link) => [
      layerText(link),
      shapeText(signalShape(link.output)),
      countText(parameterCount([link])),
    ]),
  ];
}

/** The number of parameters of some layers. */
export function parameterCount(chain: readonly ChainLink[]): number {
  return chain
    .flatMap(({ parameters }) => parameters)
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function layerText({ layer }: ChainLink): string {
  if (layer.kind === 'lstm') {
    const directions = layer.bidirectional ? ', bidirectional' : '';
    const projection = layer.projectionSize > 0 ? ` → ${layer.projectionSize}` : '';
    return `${layer.name} (lstm, ${layer.numLayers} × ${layer.hiddenSize}${projection}${directions})`;
  }
  if (layer.kind === 'dense') return `${layer.name} (dense, ${layer.activation})`;
  if (layer.kind === 'dropout') return `${layer.name} (dropout, ${layer.rate})`;
  if (layer.kind === 'activationRegularizer') return `${layer.name} (ar ${layer.ar}, tar ${layer.tar})`;
  return layer.kind === 'pool' ? `${layer.name} (pool, ${layer.mode})` : `${layer.name} (embedding)`;
}

function rowText([layer, output, parameters]: string[], widths: number[]): string {
  return `${layer!.padEnd(widths[0]!)}   ${output!.padEnd(widths[1]!)}   ${parameters!.padStart(widths[2]!)}`;
}

/** All parameters, those that learn, and their bytes, in words. */
export function totals(chain: readonly ChainLink[]): string {
  const all = parameterCount(chain);
  const frozen = parameterCount(chain.filter(({ layer }) => 'trainable' in layer && !layer.trainable));
  const mebibytes = ((4 * all) / 2 ** 20).toFixed(1);
  return `${countText(all)} parameters, ${countText(all - frozen)} of them trainable, ${mebibytes} MiB`;
}

function countText(count: number): string {
  return count.toLocaleString('en-US');
}
