/** Waiting for what the server does in the background. */

import { Deadline } from "./deadline.js";
import { NetworkError, NotDoneError, TimeoutError } from "./errors.js";
import { AWAY } from "./retries.js";

const HOUR_MS = 3_600_000;

/**
 * Ask again and again until it is over. A server that is away meanwhile, such as while it restarts, has not ended it.
 *
 * @template T
 * @param {(options: {signal: AbortSignal}) => Promise<T>} ask
 * @param {(found: T) => boolean} isOver
 * @param {import("./index.js").WaitOptions<T>} [options]
 * @returns {Promise<T>}
 */
export async function waitUntil(ask, isOver, { pollMs = 1000, timeoutMs = HOUR_MS, signal, onProgress } = {}) {
  if (typeof pollMs !== "number" || !(pollMs >= 0)) throw new TypeError("pollMs must be a number, 0 or more.");
  const deadline = new Deadline(timeoutMs, signal);
  let away;
  try {
    for (;;) {
      const found = await ask({ signal: deadline.signal }).catch((error) => {
        if (deadline.signal.aborted || !isAway(error)) throw error;
        away = error;
      });
      if (found) {
        away = undefined;
        onProgress?.(found);
        if (isOver(found)) return found;
      }
      await deadline.sleep(pollMs);
    }
  } catch (error) {
    if (!deadline.timedOut) throw error;
    throw new TimeoutError(`It was not over within ${timeoutMs} ms; the server goes on with it.`, {
      details: { suggestion: "Wait again, or give timeoutMs more." },
      cause: away,
    });
  } finally {
    deadline.close();
  }
}

function isAway(error) {
  return error instanceof NetworkError || error instanceof TimeoutError || AWAY.has(error.status);
}

/** Throws NotDoneError unless the state is `done`. */
export function requireDone(what, { state, problem }, details) {
  if (state === "done") return;
  throw new NotDoneError(problem ? `${what} ${state}: ${problem}` : `${what} is ${state}.`, {
    details: { suggestion: "See the details, and begin anew.", ...details },
  });
}
