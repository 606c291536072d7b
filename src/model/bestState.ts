import type { BestState } from '../training/runRate.js';
import type { ModelContext } from './context.js';
import { readState, writeState } from './sessionState.js';
import { whileChanging } from './transition.js';

/** The state that backtracking goes back to, held in the model's context so that a later run can take it up. */
export class SessionBest implements BestState {
  readonly #context: ModelContext;

  constructor(context: ModelContext) {
    this.#context = context;
  }

  get held(): boolean {
    return this.#context.best !== undefined;
  }

  keep(): Promise<void> {
    return whileChanging(this.#context, async () => {
      this.#context.best = await readState(this.#context.session);
    });
  }

  goBack(): Promise<void> {
    return whileChanging(this.#context, async () => {
      const { session, best } = this.#context;
      if (best !== undefined) await writeState(session, best);
    });
  }
}
