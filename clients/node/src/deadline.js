/** By when a call is over: its `timeoutMs`, and the caller's own signal. */

import events from "node:events";

import { orAbort } from "./abort.js";

// setTimeout takes longer times for 1 ms.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Deadline {
  #controller = new AbortController();
  #timer;
  #caller;
  #endsAt;
  #abort = () => this.#controller.abort(this.#caller.reason);

  /** Whether the time ran out; false if it was the caller who broke off. */
  timedOut = false;

  /**
   * @param {number} timeoutMs Infinity for no limit
   * @param {AbortSignal} [caller]
   */
  constructor(timeoutMs, caller) {
    if (typeof timeoutMs !== "number" || !(timeoutMs > 0)) {
      throw new TypeError("timeoutMs must be a number above 0; Infinity is no limit.");
    }
    this.timeoutMs = timeoutMs;
    this.#caller = caller;
    this.#endsAt = performance.now() + timeoutMs;
    if (caller?.aborted) {
      this.#abort();
      return;
    }
    if (caller) {
      // One signal for many calls at once is no leak: each takes its listener back.
      events.setMaxListeners(0, caller);
      caller.addEventListener("abort", this.#abort, { once: true });
    }
    if (timeoutMs <= LONGEST_TIMER_MS) {
      this.#timer = setTimeout(() => {
        this.timedOut = true;
        this.#controller.abort(new DOMException("The call timed out.", "TimeoutError"));
      }, timeoutMs);
    }
  }

  get signal() {
    return this.#controller.signal;
  }

  get remainingMs() {
    return this.#endsAt - performance.now();
  }

  /** Run `work(signal)`, and reject as soon as the deadline is there, whether `work` heeds the signal or not. */
  run(work) {
    return orAbort(() => work(this.signal), this.signal);
  }

  /** Wait so long, or until the deadline. */
  async sleep(ms) {
    let timer;
    try {
      await this.run(() => new Promise((resolve) => { timer = setTimeout(resolve, ms); }));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Must be called at the end: leaves no timer and no listener behind. */
  close() {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#abort);
  }
}
