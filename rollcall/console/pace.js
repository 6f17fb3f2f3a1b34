// How fast a page may ask again and again without running into the server's rate limit.

const LEAST_MS = 600;
// Of what the limit allows in a minute: a page takes at most so much, and leaves the rest to clicks and to others
// behind the same address or key.
const SHARE = 0.6;
const RESERVE = 0.15;

/** The pause after an answer, from its headers (a Headers object, or null where there are none). */
export function pauseMs(headers) {
  const limit = number(headers, "X-RateLimit-Limit");
  if (!limit) return LEAST_MS;
  const steady = Math.max(LEAST_MS, 60_000 / (limit * SHARE));
  const remaining = number(headers, "X-RateLimit-Remaining");
  if (remaining === null || remaining > limit * RESERVE) return steady;
  // Others asked too. The oldest request stops counting after the reset, and not before is there room.
  return Math.max(steady, 1000 * (number(headers, "X-RateLimit-Reset") ?? 1));
}

/** The pause after an error: as long as the server says, else growing with the number of errors in a row. */
export function pauseAfterErrorMs(error, errors) {
  if (error?.retryAfter) return 1000 * error.retryAfter;
  return Math.min(30_000, 1000 * 2 ** errors);
}

/** Resolves after so many milliseconds, or at once when the signal is aborted. */
export function rest(milliseconds, signal) {
  return new Promise((done) => {
    if (signal?.aborted) return done();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}

function number(headers, name) {
  const text = headers?.get(name);
  return text === null || text === undefined || text === "" ? null : Number(text);
}

/** Do something that the server may put off; it is asked again when it says, up to five times. */
export async function patiently(work, { signal, onWait = () => {} } = {}) {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!error.retryAfter || tries === 5 || signal?.aborted) throw error;
      onWait(error);
      await rest(1000 * error.retryAfter, signal);
      signal?.throwIfAborted();
    }
  }
}
