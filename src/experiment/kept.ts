import { z } from 'zod';
import { parseConfig } from '../config/parseConfig.js';
import { CheckpointError, ConfigError } from '../errors.js';
import type { Metadata } from '../model/modelConfig.js';
import type { Model } from '../model/model.js';
import { taskNames, type TaskName } from './dataConfig.js';

/** The field of a model's metadata that holds what a task keeps. */
const key = 'experiment';

/** Raised where what is kept changes its meaning. */
const keptVersion = 1;

const envelope = z.looseObject({ version: z.literal(keptVersion), task: z.enum(taskNames as [TaskName]) });

/** Metadata with a task's own settings, for `sequential`. */
export function keptMetadata(task: TaskName, settings: object): Metadata {
  return { [key]: { version: keptVersion, task, ...settings } };
}

/**
 * The task that a model was trained for.
 *
 * @throws CheckpointError for a model that was not trained from a config, or by a later version.
 */
export function taskOf(model: Model, path: string): TaskName {
  const value = model.metadata?.[key];
  const { success, data } = envelope.safeParse(value);
  if (success) return data.task;
  const expected = 'a model that `cudnn-lstm train` of this version or an earlier one made';
  const received = value === undefined ? 'one without a task' : 'one of another version';
  throw new CheckpointError(`${path}: expected ${expected}, received ${received}`, {
    path,
    expected,
    received,
  });
}

/**
 * What a task kept in a model's file.
 *
 * @throws CheckpointError where it does not hold against the task's schema.
 */
export function keptSettings<S extends z.ZodType>(model: Model, schema: S): z.output<S> {
  const { version: _version, task: _task, ...settings } = envelope.parse(model.metadata?.[key]);
  try {
    return parseConfig(schema, settings, `metadata.${key}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(error.message, error.details, { cause: error });
  }
}
