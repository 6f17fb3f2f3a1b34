/** Waiting that an AbortSignal ends. */

/**
 * Run `work()`, and reject with the signal's reason as soon as it is aborted, whether the work heeds it or not.
 *
 * The promise of the abort lives no longer than this: one that lived as long as the signal would keep all results.
 */
export async function orAbort(work, signal) {
  signal.throwIfAborted();
  let refuse;
  const aborted = new Promise((_, reject) => {
    refuse = () => reject(signal.reason);
    signal.addEventListener("abort", refuse, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener("abort", refuse);
  }
}
