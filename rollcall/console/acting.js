// Doing what a button asks, and doing something again and again.

import { errorPanel } from "./parts.js";

/**
 * Do `work`; the control is busy meanwhile and keeps the focus. What goes wrong is shown in `place`.
 * Gives what `work` gives; undefined after a failure, or if the control was busy already.
 */
export async function act(control, { place, signal, work }) {
  if (control.getAttribute("aria-busy") === "true") return undefined;
  control.setAttribute("aria-busy", "true");
  try {
    const result = await work();
    place.replaceChildren();
    return result;
  } catch (error) {
    if (!signal.aborted)
      place.replaceChildren(errorPanel(error, error.needsOtherKey ? () => place.replaceChildren() : null));
    return undefined;
  } finally {
    control.removeAttribute("aria-busy");
  }
}

/** Do `work` each so many milliseconds, until the page is left; not while nobody sees the page. */
export async function every(milliseconds, work, signal) {
  while (!signal.aborted) {
    await pause(typeof milliseconds === "function" ? milliseconds() : milliseconds, signal);
    if (signal.aborted) return;
    if (!document.hidden) await work();
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** A function that does `work` once nobody has called it for so long. */
export function settled(milliseconds, work, signal) {
  let timer = null;
  signal.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}
