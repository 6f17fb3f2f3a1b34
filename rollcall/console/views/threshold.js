// The least similarity of a match, by a slider; it starts where the server stands.

import { h } from "../dom.js";
import { button, field } from "../parts.js";

const USUAL = 0.6;

export class Threshold {
  #chosen = null; // until the user moves it the server's own holds
  #standard = USUAL;
  #onChange;
  #slider = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    value: USUAL,
    oninput: () => this.#move(),
    onchange: () => this.#onChange(),
  });
  #shown = h("span", { class: "threshold-value", "aria-hidden": "true" });
  #reset = button("As the server has it", {
    kind: "small quiet",
    hidden: true,
    onclick: () => this.#useStandard(),
  });
  element = h("div", { class: "threshold" }, field("Least similarity", this.#slider), this.#shown, this.#reset);

  /** `onChange()` is called when the user has chosen another value. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#draw();
  }

  /** What the user chose; null where the server's own holds. */
  get chosen() {
    return this.#chosen;
  }

  /** The server's own. */
  set standard(value) {
    this.#standard = value;
    this.#draw();
  }

  #move() {
    this.#chosen = Number(this.#slider.value);
    this.#draw();
  }

  #useStandard() {
    this.#chosen = null;
    this.#draw();
    this.#slider.focus();
    this.#onChange();
  }

  #draw() {
    const value = this.#chosen ?? this.#standard;
    this.#slider.value = value;
    this.#shown.textContent = value.toFixed(2);
    this.#reset.hidden = this.#chosen === null;
  }
}
