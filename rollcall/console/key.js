// The API key of this visit: asked for when the server wants one, and forgotten with the browser's tab.

import { openDialog } from "./dialogs.js";
import { h, toast } from "./dom.js";

const STORED = "rollcall.key";
const CHANGED = "rollcall-key";

let inMemory = null; // where the browser keeps nothing
let asking = null;
let declined = false;

export function currentKey() {
  try {
    return sessionStorage.getItem(STORED) ?? inMemory;
  } catch {
    return inMemory;
  }
}

function keep(key) {
  inMemory = key;
  try {
    if (key === null) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, key);
  } catch {
    // It then holds until the page is left.
  }
  document.dispatchEvent(new Event(CHANGED));
}

/** Call `changed` whenever the key is another. */
export function watchKey(changed) {
  document.addEventListener(CHANGED, changed);
}

export function forgetKey() {
  keep(null);
  toast("The key is forgotten.", "info");
}

/** A page that was just opened may ask again, though the user said no on the last one. */
export function mayAskAgain() {
  declined = false;
}

/**
 * A call with `used` was refused: ask for a key, once for all calls that are under way.
 * True when there is another key to try.
 */
export async function askForKey(used) {
  if (currentKey() !== used) return true;
  if (declined) return false;
  const reason = used === null ? "This server asks for a key." : "The server does not know this key.";
  asking ??= enterKey(reason).finally(() => (asking = null));
  const entered = await asking;
  declined = !entered;
  return entered;
}

/** The key dialog; true when a key was entered. */
export async function enterKey(reason = "") {
  const input = h("input", {
    id: "key-input",
    type: "password",
    autocomplete: "off",
    required: true,
    "aria-describedby": "key-hint",
    spellcheck: "false",
  });
  const body = [
    reason && h("p", { class: "dialog-reason" }, reason),
    h("div", { class: "field" }, h("label", { for: "key-input" }, "API key"), input),
    h(
      "p",
      { class: "hint", id: "key-hint" },
      "An administrator makes one with: rollcall keys create NAME --role admin (without --role: a kiosk's key). " +
        "It stays in this tab until you close it.",
    ),
  ];
  const extra = (dialog) => currentKey() !== null && forgetButton(dialog);
  const key = await openDialog({
    title: "Enter an API key",
    body,
    action: "Use this key",
    extra,
    result: () => input.value.trim(),
  });
  if (!key) return false;
  keep(key);
  declined = false;
  return true;
}

function forgetButton(dialog) {
  const onclick = () => {
    forgetKey();
    dialog.close();
  };
  return h("button", { type: "button", class: "button quiet push", onclick }, "Forget the key");
}
