import { ConfigError } from '../errors.js';

/** A step into a config: a name or a place in a list. */
type Part = string | number;

/**
 * The parts of a path such as `model.layers[1].hiddenSize`.
 *
 * @throws ConfigError
 */
export function configPath(path: string): readonly Part[] {
  const whole = /^[A-Za-z_]\w*(?:\[\d+\]|\.[A-Za-z_]\w*)*$/;
  if (!whole.test(path)) throw wrong(path, "a path such as 'model.layers[1].hiddenSize'", `'${path}'`);
  return (path.match(/\w+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));
}

/**
 * A copy of a config with a value at a path. What lies on the way is made where it is missing, but not in lists; the bare
 * name of an optimiser or a loss becomes an object of that kind.
 *
 * @throws ConfigError for a place beyond a list or within what is neither object nor list.
 */
export function withValueAt(config: unknown, path: string, value: unknown): unknown {
  return placed(config, configPath(path), value, path);
}

function placed(inner: unknown, [part, ...rest]: readonly Part[], value: unknown, path: string): unknown {
  if (part === undefined) return value;
  if (typeof part === 'number') {
    if (Array.isArray(inner) && part < inner.length) {
      return inner.map((one: unknown, index) => (index === part ? placed(one, rest, value, path) : one));
    }
    const received = Array.isArray(inner) ? `a list of ${inner.length}` : 'no list';
    throw wrong(path, `a list with a place ${part}`, received);
  }
  const object = typeof inner === 'string' ? { kind: inner } : (inner ?? {});
  if (typeof object !== 'object' || Array.isArray(object)) {
    throw wrong(path, `an object that has '${part}'`, Array.isArray(object) ? 'a list' : typeof object);
  }
  const own = Object.hasOwn(object, part) ? Reflect.get(object, part) : undefined;
  return { ...object, [part]: placed(own, rest, value, path) };
}

function wrong(path: string, expected: string, received: string): ConfigError {
  const place = `$.search.space['${path}']`;
  return new ConfigError(`${place}: expected ${expected}, received ${received}`, {
    path: place,
    expected,
    received,
  });
}
