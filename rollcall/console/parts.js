// The pieces that several pages are made of.

import { announce, h, newId } from "./dom.js";
import { icon } from "./icons.js";
import { enterKey } from "./key.js";

/** A button: button("Save", {onclick: save}); `kind`: primary, danger, quiet or nothing. */
export function button(label, { kind = "", iconName = null, ...props } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`.trim(), ...props },
    iconName && icon(iconName),
    h("span", {}, label),
  );
}

/** A state in words and colour: good, warn, bad, info or neutral. */
export function badge(text, kind = "neutral") {
  const drawing = kind === "neutral" ? null : icon(kind);
  return h("span", { class: `badge ${kind}` }, drawing, h("span", {}, text));
}

/** A panel with a heading. */
export function card(title, ...children) {
  const id = newId("card");
  return h(
    "section",
    { class: "card", "aria-labelledby": id },
    h("h2", { id, class: "card-title" }, title),
    children,
  );
}

/** A control with its label above it and, if given, a hint below. */
export function field(label, control, hint = null) {
  control.id ||= newId("field");
  const note = hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint);
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

/** Choices of which one is taken: choices("Status", "status", [["Present", "Present"], ...], "Present", changed). */
export function choices(legend, name, options, chosen, onchange) {
  const radios = options.map(([value, label]) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
      h("span", {}, label),
    ),
  );
  return h(
    "fieldset",
    { class: "choices" },
    h("legend", {}, legend),
    h("div", { class: "choices-row" }, radios),
  );
}

/** A <select>: options are [value, label]. */
export function select(options, chosen, onchange) {
  const box = h(
    "select",
    { onchange: () => onchange(box.value) },
    options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)),
  );
  return box;
}

export function loading(text = "Loading …") {
  return h("p", { class: "loading" }, h("span", { class: "spinner", "aria-hidden": "true" }), text);
}

/** Nothing is there: why, and what to do next. */
export function empty(title, text, ...actions) {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, title),
    text && h("p", {}, text),
    h("div", { class: "row" }, actions),
  );
}

/** What went wrong and what to do next; said aloud too. `retry` is offered as a button. */
export function errorPanel(error, retry = null) {
  announce(error.message);
  const again =
    retry &&
    (error.needsOtherKey ? otherKey(retry) : button("Try again", { iconName: "refresh", onclick: retry }));
  return h(
    "div",
    { class: "notice bad" },
    icon("bad"),
    h(
      "div",
      { class: "notice-text" },
      h("p", { class: "notice-title" }, error.message),
      error.suggestion && h("p", {}, error.suggestion),
      error.requestId &&
        h("p", { class: "hint" }, "For the administrator: request ", h("code", {}, error.requestId)),
      again && h("div", { class: "row" }, again),
    ),
  );
}

function otherKey(retry) {
  const onclick = async () => {
    if (await enterKey()) retry();
  };
  return button("Enter another key", { kind: "primary", iconName: "key", onclick });
}

/** A remark in a box: good, warn, bad or info. */
export function notice(kind, title, ...children) {
  return h(
    "div",
    { class: `notice ${kind}` },
    icon(kind),
    h("div", { class: "notice-text" }, h("p", { class: "notice-title" }, title), children),
  );
}
