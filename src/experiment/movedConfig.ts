import { isAbsolute, join } from 'node:path';
import type { ExperimentConfig } from './experimentConfig.js';

/**
 * A config that means the same files from another folder.
 *
 * @param way From that folder to the one its paths were taken from.
 */
export function movedConfig(config: ExperimentConfig, way: string): ExperimentConfig {
  const moved = (value: unknown) =>
    typeof value === 'string' && !isAbsolute(value) ? join(way, value).replaceAll('\\', '/') : value;
  const withMoved = <T extends object>(group: T, names: readonly string[]): T =>
    Object.fromEntries(
      Object.entries(group).map(([name, value]) => [name, names.includes(name) ? moved(value) : value]),
    ) as T;
  return {
    ...config,
    data: withMoved(config.data, ['train', 'validation', 'test']),
    ...(config.output && { output: withMoved(config.output, ['model', 'checkpoint', 'history']) }),
  };
}
