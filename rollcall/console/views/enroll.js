// Enrol a person: who, pictures from the camera or from files, and what became of each.

import { post } from "../api.js";
import { announce, h, toast } from "../dom.js";
import { dropzone } from "../dropzone.js";
import { hintLine, hintOf } from "../hints.js";
import { ask, formOf } from "../live.js";
import { patiently } from "../pace.js";
import { button, card, errorPanel } from "../parts.js";
import { personForm } from "../personform.js";
import { TAKEN_TYPES } from "../pictures.js";
import { refusesPicture, tray } from "../tray.js";
import { viewfinder } from "../viewfinder.js";

const LOOK_SIDE = 640;
const PICTURE_SIDE = 1920;

export const title = "Enrol";

export async function show(main, { signal, params }) {
  const page = new EnrolPage(signal, params);
  main.append(page.element);
}

class EnrolPage {
  #signal;
  #looking = new AbortController();
  #taken = 0;
  #enrolled = ""; // the person of whom pictures of this tray are enrolled
  #modeIsNew = false; // the user took another mode since

  constructor(signal, params) {
    this.#signal = signal;
    this.form = personForm({ params, signal, onMode: () => (this.#modeIsNew = true) });
    this.tray = tray({ signal, onChange: () => this.#draw() });
    this.hint = hintLine(signal);
    this.finder = viewfinder({
      name: "enrol",
      signal,
      facing: "environment",
      guide: true,
      onStart: (camera) => this.#started(camera),
      onStop: () => this.#stopped(),
    });
    this.shutter = button("Take the picture", {
      kind: "primary shutter",
      iconName: "camera",
      hidden: true,
      onclick: () => this.#take(),
    });
    this.sender = button("Enrol", { kind: "primary", onclick: () => this.#send() });
    this.next = button("Enrol another person", { hidden: true, onclick: () => this.#startOver() });
    this.trouble = h("div", { class: "trouble" });
    this.none = h(
      "p",
      { class: "hint" },
      "None yet. Two or three, from slightly different sides, are recognised best.",
    );
    this.element = this.#layOut();
    this.#draw();
  }

  #layOut() {
    const files = dropzone({
      text: "Or drop picture files here: JPEG, PNG or WebP.",
      choosers: [{ label: "Choose pictures", accept: TAKEN_TYPES, multiple: true }],
      signal: this.#signal,
      onFiles: (entries) => entries.forEach(({ file }) => this.tray.add(file)),
    });
    this.finder.stage.after(this.hint.element);
    this.finder.toggle.before(this.shutter);
    const camera = card("Camera", this.finder.element, files);
    const person = card("Person", this.form.element);
    const buttons = h("div", { class: "row" }, this.sender, this.next);
    const pictures = card("Pictures", this.none, this.tray.element, this.trouble, buttons);
    return h("div", { class: "enrol" }, person, camera, pictures);
  }

  #started(camera) {
    this.shutter.hidden = false;
    // So the space bar takes the next picture.
    this.shutter.focus();
    this.#look(camera);
  }

  #stopped() {
    this.#looking.abort();
    this.shutter.hidden = true;
    this.hint.hide();
    this.finder.stage.dataset.hint = "";
  }

  async #look(camera) {
    this.#looking.abort();
    this.#looking = new AbortController();
    const { signal } = this.#looking;
    const show = (hint) => {
      this.hint.show(hint);
      this.finder.stage.dataset.hint = hint.kind;
    };
    try {
      await ask({
        camera,
        path: "/api/face/quality-check",
        maxSide: LOOK_SIDE,
        signal,
        onAnswer: ({ quality }) => show(hintOf(quality)),
        onTrouble: (error) => show({ kind: "info", text: `No hints at the moment. ${error.message}` }),
      });
    } catch (error) {
      if (!signal.aborted) show({ kind: "info", text: `No hints: ${error.message}` });
    }
  }

  async #take() {
    const { camera } = this.finder;
    if (!camera) return;
    const blob = await camera.capture({ maxSide: PICTURE_SIDE });
    this.#taken += 1;
    this.tray.add(new File([blob], `camera-${this.#taken}.jpg`, { type: "image/jpeg" }));
    announce(`Picture ${this.#taken} taken.`);
  }

  async #send() {
    this.trouble.replaceChildren();
    const person = this.form.read();
    if (!person) return;
    const pictures = this.tray.waiting;
    if (pictures.length === 0) {
      const suggestion = "Take one with the camera, or choose a file.";
      this.#tell({ message: "There is no picture to enrol.", suggestion });
      return;
    }
    this.sender.disabled = true;
    this.#looking.abort();
    try {
      await this.#sendAll(person, pictures);
    } finally {
      this.sender.disabled = false;
      if (this.finder.camera && !this.#signal.aborted) this.#look(this.finder.camera);
      this.#draw();
    }
  }

  async #sendAll(person, pictures) {
    const who = `${person.person_type} ${person.person_code.toLowerCase()}`;
    let count = 0;
    for (const picture of pictures) {
      const mode = this.#enrolled === who && !this.#modeIsNew ? "add" : this.form.mode;
      picture.sending();
      try {
        const { warnings } = await this.#enrol(person, picture, mode);
        picture.done(warnings);
        this.#enrolled = who;
        this.#modeIsNew = false;
        count += 1;
      } catch (error) {
        if (this.#signal.aborted) return;
        if (!this.#failed(picture, error)) return;
      }
    }
    const faces = count === 1 ? "one face was" : `${count} faces were`;
    if (count > 0) toast(`${person.person_name}: ${faces} enrolled.`);
  }

  #enrol(person, picture, mode) {
    const { name } = picture.file;
    const form = formOf(picture.file, { ...person, mode, original_name: name }, name);
    const onWait = () => picture.say({ kind: "info", text: "Waiting for the server …" });
    const signal = this.#signal;
    return patiently(() => post("/api/face/enroll", form, { signal }), { signal, onWait });
  }

  /** Say it; whether the next picture is worth trying. */
  #failed(picture, error) {
    announce(error.message);
    if (error.code === "DUPLICATE_ENROLLMENT") {
      const again = (mode, label) =>
        button(label, { onclick: () => (this.form.setMode(mode), this.#send()) });
      const more = "Keep the faces there are and add these, or replace them all?";
      const hint = { kind: "warn", text: error.message, more };
      picture.waitFor(hint, again("add", "Add to them"), again("replace", "Replace them"));
      return false;
    }
    if (refusesPicture(error)) {
      picture.fail(error);
      return error.code !== "PERSON_NOT_FOUND" && error.code !== "VALIDATION_ERROR";
    }
    picture.waitFor({ kind: "bad", text: "Not enrolled", more: "" });
    this.#tell(error, () => this.#send());
    return false;
  }

  #tell(error, retry = null) {
    this.trouble.replaceChildren(errorPanel(error, retry));
  }

  #startOver() {
    this.tray.clear();
    this.trouble.replaceChildren();
    this.#enrolled = "";
    this.#modeIsNew = false;
    this.#taken = 0;
    this.form.clear();
  }

  #draw() {
    const count = this.tray.waiting.length;
    this.none.hidden = this.tray.size > 0;
    this.sender.lastChild.textContent = count > 1 ? `Enrol ${count} pictures` : "Enrol";
    this.next.hidden = this.#enrolled === "";
    // All is done: what comes next is another person.
    this.sender.hidden = count === 0 && this.#enrolled !== "";
  }
}
