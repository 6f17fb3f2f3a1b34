/** When a failed call is sent again, and after how long. */

import { NetworkError, OverloadedError } from "./errors.js";

const LONGEST_RETRY_AFTER_MS = 60_000;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 5_000;
/** Statuses of a server that is away, or of the proxy before it. */
export const AWAY = new Set([502, 503, 504]);

/** Whether it does no harm to send the call again. */
export function maySendAgain(error, route) {
  // Refused before anything was done.
  if (error.status === 429) return true;
  if (error instanceof NetworkError) return route.asks || !error.mayBeDone;
  if (route.asks) return AWAY.has(error.status);
  return error instanceof OverloadedError && error.retryAfterSeconds !== null && !error.mayBeDone;
}

/** How long to wait before try number `attempt` + 1, where the first is 0. */
export function waitMs(error, attempt, random = Math.random) {
  const asked = error.retryAfterSeconds;
  if (asked !== null && asked !== undefined) return Math.min(asked * 1000, LONGEST_RETRY_AFTER_MS);
  const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** attempt, LONGEST_BACKOFF_MS);
  // Many callers that failed at once should not come back at once.
  return backoff * (0.5 + random() / 2);
}
