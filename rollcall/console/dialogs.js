// Questions that must be answered before anything goes on.

import { h, newId } from "./dom.js";

/**
 * Show a dialog until one of its buttons is pressed; Esc and Cancel give null.
 * `result()` makes the value when the main button is pressed; `extra(dialog)` gives a button beside it, or false.
 */
export function openDialog({
  title,
  body,
  action,
  kind = "primary",
  cancel = "Cancel",
  extra = null,
  result = () => true,
}) {
  const id = newId("dialog");
  const form = h("form", { class: "dialog-form" });
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": id }, form);
  form.append(
    h("h2", { id }, title),
    h("div", { class: "dialog-body" }, body),
    h(
      "div",
      { class: "dialog-buttons" },
      extra && extra(dialog),
      h("button", { type: "button", class: "button", onclick: () => dialog.close() }, cancel),
      h("button", { type: "submit", class: `button ${kind}` }, action),
    ),
  );
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = result();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Ask before something is done; true only if the user says so. */
export async function confirmDialog({ title, text, action, cancel = "Cancel", danger = false }) {
  const body = [text].flat().map((line) => h("p", {}, line));
  const answer = await openDialog({ title, body, action, cancel, kind: danger ? "danger" : "primary" });
  return answer === true;
}
