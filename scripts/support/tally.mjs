/** Counts what passed and what failed, stage by stage, and says it in the closing line. */
export class Tally {
  passed = 0;
  failed = 0;
  lines = [];

  /** A stage that is one check: an exit status of 0 is one passed. */
  check(name, run) {
    console.log(`\n== ${name}`);
    const status = run();
    this.add(name, status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
    return status === 0;
  }

  add(name, { passed, failed, note = '' }) {
    this.passed += passed;
    this.failed += failed;
    this.lines.push(
      `${failed === 0 ? 'ok    ' : 'FAILED'} ${name}: ${passed} passed, ${failed} failed${note}`,
    );
  }

  skip(name, reason) {
    this.lines.push(`skip   ${name}: ${reason}`);
  }

  /** Prints every stage, then `N passed, N failed` as the last line; the exit status. */
  close() {
    console.log(`\n${this.lines.join('\n')}\n\n${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}

/** The counts in the last `N passed, N failed[, N skipped]` line of a text; undefined when there is none. */
export function countsIn(text) {
  const found = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?/gm)].at(-1);
  if (!found) return undefined;
  const note = found[3] ? `, ${found[3]} skipped` : '';
  return { passed: Number(found[1]), failed: Number(found[2]), note };
}
