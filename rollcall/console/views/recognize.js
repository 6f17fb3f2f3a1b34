// Recognise: who is before the camera, or in a picture, with boxes and names drawn over it.

import { get, post } from "../api.js";
import { announce, h } from "../dom.js";
import { dropzone } from "../dropzone.js";
import { ask, formOf } from "../live.js";
import { button, card, errorPanel, field, select } from "../parts.js";
import { TAKEN_TYPES, sendable } from "../pictures.js";
import { figuresOf, nameOf, sightings } from "../sightings.js";
import { viewfinder } from "../viewfinder.js";
import { Threshold } from "./threshold.js";

const FRAME_SIDE = 960;
const TYPES = [
  ["", "Everybody"],
  ["student", "Students"],
  ["teacher", "Teachers"],
];

export const title = "Recognise";

export async function show(main, { signal }) {
  const page = new RecognisePage(signal);
  main.append(page.element);
  await page.askThreshold();
}

class RecognisePage {
  #signal;
  #asking = new AbortController();
  #paused = false;
  #picture = null; // the file that is shown in place of the camera
  #threshold = new Threshold(() => this.#again());
  #type = "";

  constructor(signal) {
    this.#signal = signal;
    const [onStart, onStop] = [() => this.#started(), () => this.#stopped()];
    this.finder = viewfinder({ name: "recognise", signal, onStart, onStop });
    this.pauser = button("Pause", { hidden: true, onclick: () => this.#pause(!this.#paused) });
    this.finder.toggle.after(this.pauser);
    this.seen = sightings(signal);
    this.trouble = h("div", { class: "trouble" });
    this.element = this.#layOut();
  }

  /** Start the slider where the server stands. */
  async askThreshold() {
    try {
      const options = { signal: this.#signal, also: [503] };
      const { similarity_threshold: threshold } = await get("/api/health", options);
      if (typeof threshold === "number") this.#threshold.standard = threshold;
    } catch (error) {
      this.#tell(error, () => this.askThreshold());
    }
  }

  #layOut() {
    const chooser = select(TYPES, "", (type) => ((this.#type = type), this.#again()));
    const files = dropzone({
      text: "Or drop a picture file here: JPEG, PNG or WebP.",
      choosers: [{ label: "Choose a picture", accept: TAKEN_TYPES }],
      single: true,
      signal: this.#signal,
      onFiles: ([{ file }]) => this.#takeFile(file),
    });
    const note = h(
      "p",
      { class: "hint" },
      "Lower names more people, also wrongly; higher names fewer. It counts on this page alone.",
    );
    const matching = card("Matching", this.#threshold.element, note, field("Look among", chooser));
    const camera = card("Picture", this.finder.element, this.trouble, files);
    return h("div", { class: "recognise" }, camera, h("div", { class: "stack" }, matching, this.#list()));
  }

  #list() {
    const clearer = button("Clear the list", { kind: "small quiet", onclick: () => this.#clear() });
    return h(
      "section",
      { class: "card", "aria-labelledby": "seen-title" },
      h("div", { class: "card-head" }, h("h2", { id: "seen-title" }, "Seen"), clearer),
      this.seen.element,
    );
  }

  #started() {
    this.#picture = null;
    this.#paused = false;
    this.pauser.hidden = false;
    this.#drawPause();
    this.#watch();
  }

  #stopped() {
    this.#asking.abort();
    this.pauser.hidden = true;
    this.seen.rest();
  }

  #pause(paused) {
    this.#paused = paused;
    this.finder.freeze(paused);
    this.#drawPause();
    announce(paused ? "Paused." : "Going on.");
    if (paused) this.#asking.abort();
    else this.#watch();
  }

  async #watch() {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.trouble.replaceChildren();
    try {
      await ask({
        camera: this.finder.camera,
        path: "/api/face/recognize-all",
        maxSide: FRAME_SIDE,
        signal,
        fields: () => this.#fields("console-camera"),
        onAnswer: (answer, size) => this.#draw(answer, { ...size, mirrored: this.finder.mirrored }),
        onTrouble: (error, waitMs) => this.#wait(error, waitMs),
      });
    } catch (error) {
      if (!signal.aborted) this.#tell(error, () => this.#watch());
    }
  }

  async #takeFile(file) {
    this.trouble.replaceChildren();
    try {
      const picture = await sendable(file);
      const size = await this.#shown(picture);
      if (size === null) return;
      this.#picture = { file: picture, size };
    } catch (error) {
      this.#tell(error);
      return;
    }
    this.seen.clear();
    await this.#recogniseFile();
  }

  async #shown(picture) {
    try {
      return await this.finder.showPicture(picture);
    } catch {
      this.#picture = null;
      const error = new Error(`${picture.name} cannot be shown: it is broken, or not what its name says.`);
      throw Object.assign(error, { suggestion: "Choose another picture." });
    }
  }

  async #recogniseFile() {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const { file, size } = this.#picture;
    try {
      const form = formOf(file, this.#fields(file.name), file.name);
      const answer = await post("/api/face/recognize-all", form, { signal });
      if (signal.aborted) return;
      this.trouble.replaceChildren();
      this.#draw(answer, size);
    } catch (error) {
      if (!signal.aborted) this.#tell(error, () => this.#recogniseFile());
    }
  }

  #fields(sourceName) {
    return {
      similarity_threshold: this.#threshold.chosen,
      person_type: this.#type,
      source_image_name: sourceName.slice(0, 255),
    };
  }

  #draw(answer, size) {
    this.trouble.replaceChildren();
    this.seen.take(answer);
    const boxes = answer.faces.map(({ box, match }) =>
      match
        ? { box, label: nameOf(match), detail: figuresOf(match), tone: "known" }
        : { box, label: "Unknown", tone: "unknown" },
    );
    this.finder.overlay.draw(boxes, size);
  }

  #wait(error, waitMs) {
    this.finder.overlay.clear();
    this.seen.rest();
    const seconds = Math.max(1, Math.round(waitMs / 1000));
    const suggestion = `It is tried again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`;
    this.trouble.replaceChildren(errorPanel({ message: error.message, suggestion }));
  }

  #tell(error, retry = null) {
    this.finder.overlay.clear();
    this.trouble.replaceChildren(errorPanel(error, retry));
  }

  #clear() {
    this.seen.clear();
    announce("The list is empty.");
  }

  /** A camera's next picture takes what was changed by itself; a file is looked at again. */
  #again() {
    if (this.#picture) this.#recogniseFile();
  }

  #drawPause() {
    this.pauser.lastChild.textContent = this.#paused ? "Go on" : "Pause";
  }
}
