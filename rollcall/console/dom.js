// Elements without innerHTML, and what is said to everybody: in a corner of the screen and to screen readers.

const SVG = "http://www.w3.org/2000/svg";
const TOAST_MS = 6000;

/**
 * An element: h("button", {class: "button", onclick: save}, "Save").
 * Functions are listeners; true and false set or leave out an attribute; null and undefined are left out.
 */
export function h(tag, props = {}, ...children) {
  return build(document.createElement(tag), props, children);
}

/** The same within an <svg>. */
export function svg(tag, props = {}, ...children) {
  return build(document.createElementNS(SVG, tag), props, children);
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : value);
}

let nextId = 0;

/** An id that nothing else in the page has. */
export function newId(prefix = "id") {
  nextId += 1;
  return `${prefix}-${nextId}`;
}

/** Put other children into `place`; a link that has the focus there has it again among them. */
export function replaceKeepingFocus(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  place.replaceChildren(...children);
  if (focused) place.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

/** Say it to screen readers, politely. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  // The same words twice are said twice only if the region was empty between.
  setTimeout(() => (live.textContent = text), 50);
}

/** Show a short message for some seconds, and say it. `kind`: good, bad or info. */
export function toast(text, kind = "good") {
  const box = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(box);
  announce(text);
  setTimeout(() => box.remove(), TOAST_MS);
}
