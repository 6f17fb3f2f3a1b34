// Marking a class: one picture of the camera or a file marks every student in it. At a door it goes on by itself.

import { act } from "../acting.js";
import { post } from "../api.js";
import { announce, h } from "../dom.js";
import { dropzone } from "../dropzone.js";
import { plural } from "../format.js";
import { ask, formOf } from "../live.js";
import { badge, button, card, choices, errorPanel } from "../parts.js";
import { sendable, TAKEN_TYPES } from "../pictures.js";
import { viewfinder } from "../viewfinder.js";

const PATH = "api/attendance/scan";
const PICTURE_SIDE = 1920;
// A little more than the server gives itself.
const ANSWER_LIMIT_MS = 70_000;

export class ScanPanel {
  #session = null;
  #signal;
  #onMarked;
  #status = "Present";
  #asking = new AbortController();
  #finder;
  #problem = h("div");
  #seen = h("div", { class: "stack" });
  #scan = button("Scan the class", { kind: "primary", hidden: true, onclick: () => this.#scanOnce() });
  #keepOn = h("input", { type: "checkbox", onchange: () => this.#keepScanning() });
  #keepOnLabel = h(
    "label",
    { class: "choice", hidden: true },
    this.#keepOn,
    h("span", {}, "Keep scanning, as at a door"),
  );
  element;

  /** `onMarked()` is called when somebody was marked. */
  constructor(signal, onMarked) {
    this.#signal = signal;
    this.#onMarked = onMarked;
    signal.addEventListener("abort", () => this.#asking.abort());
    this.#finder = viewfinder({
      name: "attendance",
      signal,
      facing: "environment",
      onStart: () => this.#started(),
      onStop: () => this.#stopped(),
    });
    this.#finder.toggle.before(this.#scan);
    this.element = card("Scan a class", h("div", { class: "scan" }, this.#finder.element, this.#side()));
    this.element.classList.add("no-print");
  }

  #side() {
    const options = [
      ["Present", "Present"],
      ["Late", "Late"],
    ];
    const files = dropzone({
      text: "Or drop a picture of the class here: JPEG, PNG or WebP.",
      choosers: [{ label: "Choose a picture", accept: TAKEN_TYPES }],
      single: true,
      signal: this.#signal,
      onFiles: ([{ file }]) => this.#scanFile(file),
    });
    return h(
      "div",
      { class: "scan-side" },
      choices("Mark them as", "mark-as", options, this.#status, (status) => (this.#status = status)),
      this.#keepOnLabel,
      this.#problem,
      this.#seen,
      files,
    );
  }

  /** Mark in this session from now on; null lets the camera go. */
  set session(session) {
    if (session === this.#session) return;
    this.#session = session;
    // A number that is being typed passes through others: in none of them may the camera mark by itself.
    this.#keepOn.checked = false;
    this.#keepScanning();
    this.#seen.replaceChildren();
    this.#problem.replaceChildren();
    if (session === null) this.#finder.stop();
  }

  #started() {
    this.#scan.hidden = false;
    this.#keepOnLabel.hidden = false;
    this.#keepScanning();
  }

  #stopped() {
    this.#asking.abort();
    this.#scan.hidden = true;
    this.#keepOnLabel.hidden = true;
  }

  get #fields() {
    return { session_id: this.#session, status: this.#status };
  }

  #scanOnce() {
    return this.#mark(this.#scan, () => this.#finder.camera.capture({ maxSide: PICTURE_SIDE }));
  }

  #scanFile(file) {
    return this.#mark(this.#scan, async () => {
      const picture = await sendable(file);
      await this.#finder.showPicture(picture);
      return picture;
    });
  }

  async #mark(control, picture) {
    const fields = this.#fields;
    const options = { signal: this.#signal, timeoutMs: ANSWER_LIMIT_MS };
    const work = async () => post(PATH, formOf(await picture(), fields, "picture.jpg"), options);
    const found = await act(control, { place: this.#problem, signal: this.#signal, work });
    if (found && fields.session_id === this.#session) this.#show(found);
  }

  /** Picture after picture while the box is ticked and the camera is on. */
  async #keepScanning() {
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#scan.disabled = this.#keepOn.checked;
    const { camera } = this.#finder;
    if (!this.#keepOn.checked || camera === null) return;
    const { signal } = this.#asking;
    const onAnswer = (found) => {
      this.#problem.replaceChildren();
      // Nobody before the door is nothing to tell.
      if (found.marked.length > 0) this.#show(found);
    };
    const onTrouble = (error) => this.#problem.replaceChildren(errorPanel(error));
    try {
      await ask({
        camera,
        path: PATH,
        maxSide: PICTURE_SIDE,
        signal,
        fields: () => this.#fields,
        onAnswer,
        onTrouble,
      });
    } catch (error) {
      if (!signal.aborted) this.#problem.replaceChildren(errorPanel(error, () => this.#keepScanning()));
    }
  }

  #show({ marked, unknown_faces: unknown }) {
    const who = marked.map(({ student_name: name, student_code: code, status, already_marked: already }) =>
      [name ?? code, already && "already", status.toLowerCase()].filter(Boolean).join(" "),
    );
    const others = unknown > 0 ? `${plural(unknown, "face is", "faces are")} nobody's.` : "";
    const heading =
      marked.length > 0
        ? plural(marked.length, "student seen", "students seen")
        : "No student was recognised.";
    const isNew = marked.some((one) => !one.already_marked);
    // At a door the same people are seen again and again; that is not said each time.
    if (isNew || !this.#keepOn.checked) announce([heading, ...who, others].filter(Boolean).join(". "));
    this.#seen.replaceChildren(
      h("h3", {}, heading),
      h("ul", { class: "seen" }, marked.map(seen)),
      h("p", { class: "hint", hidden: others === "" }, others),
    );
    if (isNew) this.#onMarked();
  }
}

function seen({ student_code: code, student_name: name, status, already_marked: already }) {
  const state = already
    ? badge(`${status} already`, "info")
    : badge(status, status === "Late" ? "warn" : "good");
  return h(
    "li",
    {},
    h("span", {}, h("strong", {}, name ?? code), " ", h("span", { class: "code" }, code)),
    state,
  );
}
