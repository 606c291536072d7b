/** What `init` writes beside a config: the same training as a program. */
export function trainProgram(config: string): string {
  return `// The same as \`npx cudnn-lstm train ${config}\`, as a program to change. Run it with: npx tsx train.ts
import { buildExperiment, modelCheckpoint, readExperiment } from 'cudnn-lstm';

const { config, folder } = await readExperiment('${config}');
const { model, train, fit } = await buildExperiment(config, { folder });
console.log(model.summary());

const history = await model.fit(train, {
  ...fit,
  callbacks: [...(fit.callbacks ?? []), modelCheckpoint({ path: config.output.checkpoint, keep: 'last' })],
});
console.log(history.epochs.at(-1));

await model.save(config.output.model, { includeOptimizer: false });
await model.dispose();
`;
}
