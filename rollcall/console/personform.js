// Who is to be enrolled.

import { ApiError, get } from "./api.js";
import { h } from "./dom.js";
import { choices, field } from "./parts.js";

const TYPES = [
  ["student", "Student"],
  ["teacher", "Teacher"],
];
const MODES = [
  ["reject", "First face"],
  ["add", "Add another"],
  ["replace", "Replace all"],
];
const MODE_HINTS = {
  reject: "For a person who has no face yet. If there is one already, you are asked.",
  add: "The person keeps the faces there are and gets these as well.",
  replace: "The faces that the person has are deleted, and these take their place.",
};

/** `onMode()` is called when the user takes another of the modes. */
export function personForm({ params, signal, onMode }) {
  return new PersonForm(params, signal, onMode);
}

class PersonForm {
  #type;
  #mode = "reject";
  #filled = null; // the name that came from the list of people, not from the user
  #signal;
  #onMode;

  constructor(params, signal, onMode) {
    this.#signal = signal;
    this.#onMode = onMode;
    this.#type = params.get("type") === "teacher" ? "teacher" : "student";
    const lookUp = () => this.#lookUp();
    this.code = h("input", {
      required: true,
      maxlength: 10,
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: "false",
      value: params.get("code") ?? "",
      onchange: lookUp,
    });
    this.name = h("input", { required: true, maxlength: 200, autocomplete: "off" });
    this.known = h("p", { class: "hint known", hidden: true });
    this.modeHint = h("p", { class: "hint" });
    this.modes = h("div", { class: "stack-small" });
    this.element = h(
      "form",
      { class: "person-form", onsubmit: (event) => event.preventDefault() },
      choices("Who", "person-type", TYPES, this.#type, (type) => ((this.#type = type), lookUp())),
      h(
        "div",
        { class: "pair" },
        field("Code", this.code, "At most 10 characters."),
        field("Name", this.name, "Used for a person who is new."),
      ),
      this.known,
      this.modes,
    );
    this.setMode("reject");
    if (this.code.value) lookUp();
  }

  get mode() {
    return this.#mode;
  }

  setMode(mode) {
    this.#mode = mode;
    const changed = (chosen) => {
      this.#chose(chosen);
      this.#onMode();
    };
    this.modes.replaceChildren(choices("Faces", "mode", MODES, mode, changed), this.modeHint);
    this.#chose(mode);
  }

  /** The fields of POST /api/face/enroll; null where one is missing, which the browser then says. */
  read() {
    for (const box of [this.code, this.name]) box.value = box.value.trim();
    if (!this.element.reportValidity()) return null;
    return { person_type: this.#type, person_code: this.code.value, person_name: this.name.value };
  }

  clear() {
    this.code.value = "";
    this.name.value = "";
    this.known.hidden = true;
    this.setMode("reject");
    this.code.focus();
  }

  #chose(mode) {
    this.#mode = mode;
    this.modeHint.textContent = MODE_HINTS[mode];
  }

  /** Say what is known of this code already, before a picture is taken. */
  async #lookUp() {
    const type = this.#type;
    const code = this.code.value.trim();
    this.known.hidden = true;
    this.#forgetName();
    if (!code) return;
    try {
      const { people } = await get("/api/people", {
        query: { person_type: type, search: code, limit: 1000 },
        signal: this.#signal,
      });
      if (this.code.value.trim() !== code || this.#type !== type) return;
      this.#tell(people.find((person) => person.person_code.trim().toLowerCase() === code.toLowerCase()));
    } catch (error) {
      // Enrolling says it again if it matters; until then nobody is kept from typing.
      if (!(error instanceof ApiError) && error.name !== "AbortError") throw error;
    }
  }

  /** The name of the code before is not this one's; what the user typed stays. */
  #forgetName() {
    if (this.name.value === this.#filled) this.name.value = "";
    this.#filled = null;
  }

  #tell(person) {
    if (!person) {
      this.known.textContent = "This code is new.";
    } else {
      const { person_name: name, group, face_count: count } = person;
      if (name) this.name.value = this.#filled = name;
      const who = [name, group].filter(Boolean).join(", ") || "a code without a name";
      const faces = count === 0 ? "no face yet" : count === 1 ? "one face" : `${count} faces`;
      this.known.textContent = `Known: ${who}, ${faces}.`;
    }
    this.known.hidden = false;
  }
}
