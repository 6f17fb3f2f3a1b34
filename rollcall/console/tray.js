// The pictures that are to be enrolled, each with what became of it.

import { post } from "./api.js";
import { announce, h } from "./dom.js";
import { icon } from "./icons.js";
import { verdictOf } from "./hints.js";
import { formOf } from "./live.js";
import { patiently } from "./pace.js";
import { button } from "./parts.js";
import { sendable } from "./pictures.js";

/** `onChange()` is called whenever pictures come, go or get another state. */
export function tray({ signal, onChange }) {
  return new Tray(signal, onChange);
}

class Tray {
  #signal;
  #onChange;
  #pictures = [];
  #checks = Promise.resolve();

  constructor(signal, onChange) {
    this.#signal = signal;
    this.#onChange = onChange;
    this.list = h("ul", { class: "tray" });
    this.element = h("div", {}, this.list);
    signal.addEventListener("abort", () => this.clear());
  }

  /** The pictures that can be sent. */
  get waiting() {
    return this.#pictures.filter(({ state }) => state === "ready");
  }

  get size() {
    return this.#pictures.length;
  }

  async add(file) {
    const picture = new TrayPicture(file, this.#pictures.length + 1, () => this.#remove(picture));
    this.#pictures.push(picture);
    this.list.append(picture.element);
    this.#onChange();
    try {
      picture.file = await sendable(file);
    } catch (error) {
      picture.refuse(error);
      this.#onChange();
      return;
    }
    // One at a time, so that ten files do not use up what the server allows in a minute.
    this.#checks = this.#checks.then(() => this.#check(picture));
  }

  clear() {
    for (const picture of this.#pictures) picture.forget();
    this.#pictures = [];
    this.list.replaceChildren();
    this.#onChange();
  }

  async #check(picture) {
    if (picture.state !== "ready" || this.#signal.aborted || !this.#pictures.includes(picture)) return;
    try {
      const form = formOf(picture.file, {}, picture.file.name);
      const { quality } = await patiently(
        () => post("/api/face/quality-check", form, { signal: this.#signal }),
        { signal: this.#signal },
      );
      if (picture.state === "ready") picture.say(verdictOf(quality));
    } catch (error) {
      if (this.#signal.aborted || picture.state !== "ready") return;
      if (refusesPicture(error)) picture.refuse(error);
      else picture.say({ kind: "info", text: "Not checked yet." });
    }
    this.#onChange();
  }

  #remove(picture) {
    const place = this.#pictures.indexOf(picture);
    this.#pictures.splice(place, 1);
    picture.forget();
    picture.element.remove();
    announce("Removed.");
    const next = this.#pictures[Math.min(place, this.#pictures.length - 1)];
    next?.remover.focus();
    this.#onChange();
  }
}

/** Whether it is the picture that the server does not take, and not the caller or the moment. */
export function refusesPicture({ status, needsOtherKey }) {
  return status >= 400 && status < 500 && !needsOtherKey && status !== 429;
}

class TrayPicture {
  #url;

  constructor(file, number, onRemove) {
    this.file = file;
    this.state = "ready";
    this.#url = URL.createObjectURL(file);
    this.title = file.name;
    const image = h("img", {
      src: this.#url,
      alt: "",
      loading: "lazy",
      onerror: () => image.replaceWith(broken),
    });
    const broken = h("div", { class: "tray-broken" }, icon("file"));
    this.words = h("p", { class: "tray-words" });
    this.more = h("p", { class: "hint", hidden: true });
    this.actions = h("div", { class: "row" });
    this.remover = button("Remove", {
      kind: "quiet",
      "aria-label": `Remove picture ${number}, ${file.name}`,
      onclick: onRemove,
    });
    this.element = h(
      "li",
      { class: "tray-item" },
      image,
      h(
        "div",
        { class: "tray-text" },
        h("p", { class: "tray-name" }, file.name),
        this.words,
        this.more,
        h("div", { class: "row" }, this.actions, this.remover),
      ),
    );
    this.say({ kind: "info", text: "Being checked …" });
  }

  say({ kind, text, more = "" }, ...actions) {
    this.words.className = `tray-words ${kind}`;
    this.words.replaceChildren(icon(kind), h("span", {}, text));
    this.more.textContent = more;
    this.more.hidden = more === "";
    this.actions.replaceChildren(...actions);
    this.actions.hidden = actions.length === 0;
  }

  refuse({ message, suggestion = "" }) {
    this.state = "refused";
    this.say({ kind: "bad", text: message, more: suggestion });
  }

  sending() {
    this.state = "sending";
    this.remover.hidden = true;
    this.say({ kind: "info", text: "Being enrolled …" });
  }

  done(warnings) {
    this.state = "done";
    const more = warnings.includes("MULTIPLE_FACES")
      ? "The picture shows several faces; the largest was taken."
      : "";
    this.say({ kind: "good", text: "Enrolled", more });
  }

  /** It was not enrolled, but can be sent again. */
  waitFor({ kind, text, more }, ...actions) {
    this.state = "ready";
    this.remover.hidden = false;
    this.say({ kind, text, more }, ...actions);
  }

  fail(error) {
    this.remover.hidden = false;
    this.refuse(error);
  }

  forget() {
    URL.revokeObjectURL(this.#url);
  }
}
