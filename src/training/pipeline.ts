/** What a job gives that has nothing to do: there are no more after it. */
export const noMore = Symbol('no more jobs');

/**
 * Runs jobs in order with `depth` of them submitted at a time: while one runs on the device, the next is prepared here.
 *
 * @param count At most so many; Infinity where only `submit` knows.
 * @param submit Starts job k, or gives {@link noMore}.
 * @param settle Takes the result of job k; `true` submits no further job. What is under way is still settled.
 * @param depth At least 2.
 * @throws What a job or `settle` threw, once nothing is under way any more.
 */
export async function pipelined<R>(
  count: number,
  submit: (k: number) => Promise<R | typeof noMore>,
  settle: (result: R, k: number) => boolean | void | Promise<boolean | void>,
  depth = 2,
): Promise<void> {
  const pending: Promise<R | typeof noMore>[] = [];
  let settled = 0;
  const settleNext = async (): Promise<boolean> => {
    const job = pending.shift()!;
    try {
      const result = await job;
      return result === noMore || (await settle(result, settled++)) === true;
    } catch (error) {
      await Promise.allSettled(pending);
      throw error;
    }
  };
  for (let k = 0; k < count; k++) {
    pending.push(guarded(submit, k));
    if (pending.length === depth && (await settleNext())) break;
  }
  while (pending.length > 0) await settleNext();
}

// A job that fails while an earlier one is awaited is not an unhandled rejection: it is awaited next.
function guarded<R>(submit: (k: number) => Promise<R>, k: number): Promise<R> {
  const job = (async () => submit(k))();
  job.catch(() => {});
  return job;
}
