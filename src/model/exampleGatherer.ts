import type { Example } from '../data/examples.js';
import type { TokenInput } from '../data/sequences.js';
import type { TargetInput } from '../data/targets.js';
import { onlyOutput } from '../layers/chain.js';
import type { ModelLoss } from '../losses/modelLoss.js';
import type { GatherExamples } from '../training/streamedSource.js';
import type { ResolvedModel } from './modelConfig.js';
import { prepareLabelled } from './modelData.js';

/**
 * Batches of examples, each checked as `{ x, y }` are.
 *
 * @throws ConfigError for a model with heads; from the function: ShapeError, DataError, whose rows are those of the batch
 */
export function exampleGatherer(model: ResolvedModel, loss: ModelLoss): GatherExamples {
  onlyOutput(model.chain, 'an example stream');
  return (examples) => {
    const { gatherer, count } = prepareLabelled(
      model,
      {
        // Sequences of one kind, which is held against the model's input.
        x: examples.map(({ x }) => x) as TokenInput,
        y: examples.map(({ y }) => y) as TargetInput,
        sampleWeights: weightsOf(examples),
      },
      loss,
    );
    return gatherer.gather(Uint32Array.from({ length: count }, (_, row) => row));
  };
}

function weightsOf(examples: readonly Example[]): number[] | undefined {
  if (examples.every(({ sampleWeight }) => sampleWeight === undefined)) return undefined;
  return examples.map(({ sampleWeight }) => sampleWeight ?? 1);
}
