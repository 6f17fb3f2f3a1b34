// Who was seen: a list that stands still while pictures come, with a word back to the server about each.

import { post } from "./api.js";
import { h, toast } from "./dom.js";
import { time } from "./format.js";
import { button, errorPanel, field } from "./parts.js";
import { speaker } from "./speaker.js";

const TYPE_WORDS = { student: "student", teacher: "teacher" };
const AWAY_MS = 10_000;

export function nameOf(match) {
  return match.person_name || match.person_code;
}

/** "98 % sure, similarity 0.71" */
export function figuresOf({ confidence, similarity_score: similarity }) {
  return `${Math.floor(100 * confidence)} % sure, similarity ${similarity.toFixed(2)}`;
}

/** `signal` ends its announcements. */
export function sightings(signal) {
  return new Sightings(signal);
}

class Sightings {
  #rows = new Map();
  #say;

  constructor(signal) {
    this.#say = speaker({ signal, everyMs: 3000 });
    this.list = h("ul", { class: "sightings" });
    this.summary = h("p", { class: "hint" }, "Nobody yet.");
    this.trouble = h("div", { class: "trouble" });
    this.element = h("div", { class: "stack-small" }, this.summary, this.trouble, this.list);
  }

  /** Take an answer of recognize-all. */
  take({ faces, recognition_id: id }) {
    const now = performance.now();
    const known = faces.filter(({ match }) => match);
    const unknown = faces.length - known.length;
    const arrived = known.filter(({ match }) =>
      this.#row(keyOf(match), () => new PersonRow(match, this.#tell)).see(match, id, now),
    );
    if (unknown > 0) {
      const row = this.#row("unknown", () => new UnknownRow(this.#tell));
      if (row.see(unknown, id, known.length === 0, now) && arrived.length === 0) this.#say(row.words);
    }
    for (const row of this.#rows.values()) row.mark(row.seenAt === now);
    if (arrived.length > 0) this.#say(`Seen: ${arrived.map(({ match }) => nameOf(match)).join(", ")}.`);
    this.#summarise(known.length, unknown);
  }

  /** Nobody is looked at any more: nobody is there now. */
  rest() {
    for (const row of this.#rows.values()) row.mark(false);
  }

  clear() {
    this.#rows.clear();
    this.list.replaceChildren();
    this.trouble.replaceChildren();
    this.summary.textContent = "Nobody yet.";
  }

  #row(key, make) {
    if (!this.#rows.has(key)) {
      const row = make();
      this.#rows.set(key, row);
      // Who came last stands first, and strangers last.
      if (key === "unknown") this.list.append(row.element);
      else this.list.prepend(row.element);
    }
    return this.#rows.get(key);
  }

  #summarise(known, unknown) {
    const people = [...this.#rows.keys()].filter((key) => key !== "unknown").length;
    const faces = known + unknown;
    const now =
      faces === 0
        ? "No face in the picture."
        : `${faces} ${faces === 1 ? "face" : "faces"} in the picture, ${known} known.`;
    this.summary.textContent = people > known ? `${now} ${people} people seen so far.` : now;
  }

  /** Say to the server whether an answer was right; true when it took it. */
  #tell = async (feedback) => {
    this.trouble.replaceChildren();
    try {
      const { message } = await post("/api/face/feedback", feedback);
      toast(`Thank you. ${message}`);
      return true;
    } catch (error) {
      this.trouble.replaceChildren(errorPanel(error));
      return false;
    }
  };
}

function keyOf({ person_type: type, person_code: code }) {
  return `${type} ${code.trim().toLowerCase()}`;
}

/** What rows have in common: whether somebody is there now, and what was said. */
class Row {
  seenAt = -Infinity;

  constructor() {
    this.title = h("p", { class: "sighting-name" });
    this.figures = h("p", { class: "hint" });
    this.time = h("p", { class: "sighting-time" });
    this.actions = h("div", { class: "row" });
    this.element = h(
      "li",
      { class: "sighting" },
      h("div", { class: "sighting-text" }, this.title, this.figures),
      this.time,
      this.actions,
    );
  }

  /** Note a sighting; whether it is the first for a while. */
  note(now) {
    const isNew = now - this.seenAt > AWAY_MS;
    this.seenAt = now;
    this.at = new Date();
    return isNew;
  }

  mark(isThere) {
    this.element.classList.toggle("sighting-now", isThere);
    const words = isThere ? "now" : `last at ${time(this.at)}`;
    if (this.time.textContent !== words) this.time.textContent = words;
  }
}

class PersonRow extends Row {
  constructor(match, tell) {
    super();
    const name = nameOf(match);
    this.title.textContent = name;
    const answer = (correct) => tell({ recognition_id: this.id, correct, person_code: match.person_code });
    this.actions.append(
      button("Right", { kind: "small", "aria-label": `Right, this is ${name}`, onclick: () => answer(true) }),
      button("Wrong", {
        kind: "small",
        "aria-label": `Wrong, this is not ${name}`,
        onclick: () => answer(false),
      }),
    );
  }

  see(match, id, now) {
    this.id = id;
    const who = match.person_name
      ? `${TYPE_WORDS[match.person_type]} ${match.person_code}`
      : TYPE_WORDS[match.person_type];
    this.figures.textContent = `${who} · ${figuresOf(match)}`;
    return this.note(now);
  }
}

/** Faces that are nobody's; whoever knows better can say who it is. */
class UnknownRow extends Row {
  constructor(tell) {
    super();
    this.right = button("Right", {
      kind: "small",
      "aria-label": "Right, this is nobody who is enrolled",
      onclick: () => tell({ recognition_id: this.id, correct: true }),
    });
    const code = h("input", { maxlength: 10, required: true, autocomplete: "off", spellcheck: "false" });
    const onsubmit = async (event) => {
      event.preventDefault();
      if (await tell({ recognition_id: form.dataset.id, correct: false, person_code: code.value.trim() }))
        form.hidden = true;
    };
    const form = h(
      "form",
      { class: "row sighting-form", hidden: true, onsubmit },
      field("Whose face is it? Code", code),
      h("button", { class: "button small" }, "Send"),
    );
    const ask = () => {
      // The answer that was on the screen when the button was pressed, not the next one.
      form.dataset.id = this.id;
      form.hidden = !form.hidden;
      code.value = "";
      if (!form.hidden) code.focus();
    };
    this.actions.append(
      this.right,
      button("I know who", { kind: "small", "aria-label": "Wrong, I know who this is", onclick: ask }),
    );
    this.element.append(form);
  }

  see(count, id, alone, now) {
    this.id = id;
    this.words = count === 1 ? "Unknown face" : `${count} unknown faces`;
    this.title.textContent = this.words;
    this.figures.textContent = "Like nobody who is enrolled, or not like enough.";
    // Without a code, feedback is about every face of the picture: it can only be given when all are unknown.
    this.right.hidden = !alone;
    return this.note(now);
  }
}
