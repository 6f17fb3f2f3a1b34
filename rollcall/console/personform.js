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

export function personForm({ params, signal }) {
  return new PersonForm(params, signal);
}

class PersonForm {
  #type;
  #mode = "reject";
  #signal;

  constructor(params, signal) {
    this.#signal = signal;
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
    this.name = h("input", {
      required: true,
      maxlength: 200,
      autocomplete: "off",
      value: params.get("name") ?? "",
    });
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
    this.modes.replaceChildren(
      choices("Faces", "mode", MODES, mode, (chosen) => this.#chose(chosen)),
      this.modeHint,
    );
    this.#chose(mode);
  }

  /** The fields of POST /api/face/enroll; null where one is missing, which the browser then says. */
  read() {
    for (const box of [this.code, this.name]) {
      box.value = box.value.trim();
      box.setCustomValidity("");
    }
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
    if (!code) return;
    try {
      const { people } = await get("/api/people", {
        query: { person_type: type, search: code, limit: 500 },
        signal: this.#signal,
      });
      if (this.code.value.trim() !== code || this.#type !== type) return;
      this.#tell(people.find((person) => person.person_code.trim().toLowerCase() === code.toLowerCase()));
    } catch (error) {
      // Enrolling says it again if it matters; until then nobody is kept from typing.
      if (!(error instanceof ApiError) && error.name !== "AbortError") throw error;
    }
  }

  #tell(person) {
    if (!person) {
      this.known.textContent = "This code is new.";
    } else {
      const { person_name: name, group, face_count: count } = person;
      if (name) this.name.value = name;
      const faces = count === 0 ? "no face yet" : count === 1 ? "one face" : `${count} faces`;
      this.known.textContent = `Known: ${[name, group].filter(Boolean).join(", ") || "a code without a name"}, ${faces}.`;
    }
    this.known.hidden = false;
  }
}
