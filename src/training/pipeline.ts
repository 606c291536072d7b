/**
 * Runs `count` jobs in order with two of them submitted at a time: while one runs on the device, the next is
 * prepared here.
 *
 * @param submit Starts job k.
 * @param settle Takes the result of job k; `true` submits no further job. What is under way is still settled.
 * @throws What a job or `settle` threw, once nothing is under way any more.
 */
export async function pipelined<R>(
  count: number,
  submit: (k: number) => Promise<R>,
  settle: (result: R, k: number) => boolean | void | Promise<boolean | void>,
): Promise<void> {
  let pending: Promise<R> | undefined;
  let stopped = false;
  let k = 0;
  for (; k < count && !stopped; k++) {
    const next = guarded(submit, k);
    if (pending !== undefined) {
      try {
        stopped = (await settle(await pending, k - 1)) === true;
      } catch (error) {
        await Promise.allSettled([next]);
        throw error;
      }
    }
    pending = next;
  }
  if (pending !== undefined) await settle(await pending, k - 1);
}

// A job that fails while an earlier one is awaited is not an unhandled rejection: it is awaited next.
function guarded<R>(submit: (k: number) => Promise<R>, k: number): Promise<R> {
  const job = (async () => submit(k))();
  job.catch(() => {});
  return job;
}
