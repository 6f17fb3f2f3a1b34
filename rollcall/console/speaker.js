// Says to screen readers what changes often: only when it is new, and not more often than they can follow.

import { announce } from "./dom.js";

/** A function that says a text; what comes too early is said later, unless something newer takes its place. */
export function speaker({ everyMs = 4000, signal }) {
  let last = "";
  let next = "";
  let saidAt = -Infinity;
  let timer = null;

  function speak() {
    timer = null;
    if (next === last) return;
    last = next;
    saidAt = performance.now();
    announce(last);
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  return (text) => {
    next = text;
    timer ??= setTimeout(speak, Math.max(0, saidAt + everyMs - performance.now()));
  };
}
