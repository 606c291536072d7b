import { sourceName } from '../data/sources/text.js';
import { ConfigError } from '../errors.js';
import type { TaskName } from '../experiment/dataConfig.js';
import { taskOf } from '../experiment/kept.js';
import { formatOf, type Reading, type RecordFormat, recordFormats } from '../experiment/source.js';
import type { Task } from '../experiment/tasks/task.js';
import { taskNamed } from '../experiment/tasks/tasks.js';
import { loadModel, type LoadOptions } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import { oneOf } from './options.js';

/** A model file with the task it was trained for. */
export interface TaskModel extends AsyncDisposable {
  readonly model: Model;
  readonly name: TaskName;
  readonly task: Task<TaskName>;
}

/** @throws CheckpointError for a file that is no model of this command line's. */
export async function openTaskModel(path: string, options: LoadOptions): Promise<TaskModel> {
  const model = await loadModel(path, options);
  try {
    const name = taskOf(model, path);
    return {
      model,
      name,
      task: taskNamed(name),
      [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/**
 * Input of a command: a file, or standard input for `-` and for none.
 *
 * @param format What `--format` said; by default what the file's ending says, else the task's first.
 */
export function inputOf(
  { task, name, model }: TaskModel,
  input: string | undefined,
  format: string | undefined,
): Reading {
  const source = input === undefined || input === '-' ? process.stdin : input;
  const file = sourceName(source);
  const chosen = format === undefined ? undefined : oneOf('--format', format, recordFormats);
  const resolved = chosen ?? formatFor(task, model, file);
  if (task.formats.includes(resolved)) return { source, format: resolved };
  const expected = `one of ${task.formats.join(', ')} for the task ${name}`;
  throw new ConfigError(`${file}: expected ${expected}, received '${resolved}'`, {
    path: 'format',
    expected,
    received: resolved,
  });
}

/** The format of a file for a model: what its ending says where its task reads that, else the usual one. */
export function formatFor(task: Task<TaskName>, model: Model, file: string): RecordFormat {
  const format = formatOf(file);
  if (format !== undefined && task.formats.includes(format)) return format;
  return task.usualFormat?.(model) ?? task.formats[0]!;
}
