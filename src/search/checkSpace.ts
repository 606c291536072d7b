import type { z } from 'zod';
import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { ConfigError } from '../errors.js';
import { valueAt, type Leaf } from './space.js';

/**
 * Holds a space to the schema of the config: every name has to be one of the schema's, and every config has to pass.
 *
 * @param owner `gridSearch`, for messages.
 * @throws ConfigError, for an unknown name with the nearest known one
 */
export function checkSpace(
  schema: z.ZodType,
  leaves: readonly Leaf[],
  configs: Iterable<unknown>,
  owner: string,
): void {
  for (const { path } of leaves) checkNames(schema, path, `${owner}.space`);
  let number = 0;
  for (const config of configs) checkConfig(schema, config, `${owner}: config of trial ${number++}`);
}

function checkConfig(schema: z.ZodType, config: unknown, name: string): void {
  const issue = schema.safeParse(config).error?.issues[0];
  if (issue === undefined) return;
  const path = [name, ...issue.path.map(String)].join('.');
  const received = describe(valueAt(config, issue.path.map(String)));
  // zod's own messages are sentences, those of this package say what was expected.
  const isSentence = /^[A-Z]/.test(issue.message);
  const text = isSentence ? issue.message : `expected ${issue.message}, received ${received}`;
  throw new ConfigError(`${path}: ${text}`, { path, expected: issue.message, received });
}

// Beyond what is not an object (a union, a record) the configs themselves are the check.
function checkNames(schema: unknown, path: readonly string[], owner: string): void {
  let inner = schema;
  path.forEach((name, depth) => {
    const shape = shapeOf(inner);
    if (shape !== undefined && !Object.hasOwn(shape, name)) {
      throw unknownName([owner, ...path.slice(0, depth)].join('.'), name, Object.keys(shape));
    }
    inner = shape?.[name];
  });
}

function shapeOf(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  const definition = (schema as { def?: { type?: string; innerType?: unknown; shape?: object } } | undefined)
    ?.def;
  if (definition?.type === 'object') return definition.shape as Readonly<Record<string, unknown>>;
  return definition?.innerType === undefined ? undefined : shapeOf(definition.innerType);
}

function unknownName(path: string, name: string, known: readonly string[]): ConfigError {
  const near = nearestName(name, known);
  const hint = near === undefined ? `; known are ${known.join(', ')}` : `; did you mean '${near}'?`;
  return new ConfigError(`${path}: the config has no ${describe(name)}${hint}`, {
    path,
    expected: near ?? known,
    received: name,
  });
}
