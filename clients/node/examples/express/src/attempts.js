/** How often somebody may fail to log in: a PIN must not be found by trying. */

import { Refusal } from "./errors.js";

const WINDOW_MS = 15 * 60_000;
const MOST_KNOWN = 10_000;

export class Attempts {
  #most;
  #failures = new Map();

  constructor(most) {
    this.#most = most;
  }

  /** Count a try as failed at once, so that many at a time are counted too; what it gives takes that back. */
  begin(key) {
    const now = Date.now();
    const recent = (this.#failures.get(key) ?? []).filter(({ at }) => at > now - WINDOW_MS);
    if (recent.length >= this.#most) throw tooMany(Math.ceil((recent[0].at + WINDOW_MS - now) / 1000));
    const mine = { at: now };
    this.#failures.delete(key);
    this.#failures.set(key, [...recent, mine]);
    if (this.#failures.size > MOST_KNOWN) this.#failures.delete(this.#failures.keys().next().value);
    return () => this.#failures.set(key, (this.#failures.get(key) ?? []).filter((one) => one !== mine));
  }
}

function tooMany(seconds) {
  const refusal = new Refusal(429, "RATE_LIMITED", "Too many failed logins.", "Wait, or ask an administrator.");
  refusal.retryAfterSeconds = seconds;
  return refusal;
}
