import { afterEach, describe, expect, it, vi } from 'vitest';
import { Interruption } from '../../../src/cli/interruption.js';

afterEach(() => vi.restoreAllMocks());

describe('an interruption', () => {
  it('aborts at the first signal and says so, ends the process with 130 at the second', () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
    using interruption = new Interruption('stopping');
    expect(interruption.signal.aborted).toBe(false);
    process.emit('SIGINT');
    expect(interruption.signal.aborted).toBe(true);
    expect(said).toHaveBeenCalledExactlyOnceWith('stopping\n');
    expect(exit).not.toHaveBeenCalled();
    // The same Ctrl-C once more: npx passes it on.
    now.mockReturnValue(1010);
    process.emit('SIGINT');
    expect(exit).not.toHaveBeenCalled();
    now.mockReturnValue(3000);
    process.emit('SIGTERM');
    expect(exit).toHaveBeenCalledWith(130);
    expect(said).toHaveBeenCalledTimes(1);
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
