import { afterEach, describe, expect, it, vi } from 'vitest';
import { Interruption } from '../../../src/cli/interruption.js';

afterEach(() => vi.restoreAllMocks());

describe('an interruption', () => {
  it('aborts at the first signal and says so, ends the process with 130 at the second', () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    using interruption = new Interruption('stopping');
    expect(interruption.signal.aborted).toBe(false);
    process.emit('SIGINT');
    expect(interruption.signal.aborted).toBe(true);
    expect(said).toHaveBeenCalledExactlyOnceWith('stopping\n');
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGTERM');
    expect(exit).toHaveBeenCalledWith(130);
  });

  it('leaves no listeners behind', () => {
    const before = process.listenerCount('SIGINT');
    {
      using _ = new Interruption('stopping');
      expect(process.listenerCount('SIGINT')).toBe(before + 1);
    }
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
