import type { TaskName } from '../dataConfig.js';
import { forecasting } from './forecasting.js';
import { languageModel } from './languageModel.js';
import { sequenceClassification } from './sequenceClassification.js';
import { tagging } from './tagging.js';
import type { Task } from './task.js';
import { textClassification } from './textClassification.js';

const tasks: { readonly [T in TaskName]: Task<T> } = {
  textClassification,
  sequenceClassification,
  tagging,
  languageModel,
  forecasting,
};

/** A task by its name. */
export function taskNamed<T extends TaskName>(name: T): Task<T> {
  return tasks[name] as unknown as Task<T>;
}
