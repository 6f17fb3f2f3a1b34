// Marking a class: one picture of the camera or a file marks every student in it.

import { act } from "../acting.js";
import { sendForm } from "../api.js";
import { openCamera } from "../camera.js";
import { announce, h } from "../dom.js";
import { plural } from "../format.js";
import { icon } from "../icons.js";
import { badge, button, card, choices } from "../parts.js";
import { sendable, TAKEN_TYPES } from "../pictures.js";

export class ScanPanel {
  session = null;
  #signal;
  #onMarked;
  #status = "Present";
  #camera = null;
  #video = h("video", { muted: true, playsinline: true, hidden: true, "aria-label": "The camera's picture" });
  #off = h("div", { class: "scan-off" }, icon("camera"), h("span", {}, "The camera is off."));
  #problem = h("div");
  #seen = h("div", { class: "stack" });
  #start = button("Start the camera", { iconName: "camera", onclick: () => this.#turnOn() });
  #stop = button("Stop the camera", { hidden: true, onclick: () => this.#turnOff() });
  #scan = button("Scan the class", { kind: "primary", hidden: true, onclick: () => this.#scanCamera() });
  #file = h("input", { type: "file", class: "visually-hidden", accept: TAKEN_TYPES, tabindex: "-1", "aria-hidden": "true", onchange: () => this.#scanFile() });
  #choose = button("Use a picture", { iconName: "file", onclick: () => this.#file.click() });
  element;

  constructor(signal, onMarked) {
    this.#signal = signal;
    this.#onMarked = onMarked;
    const options = [["Present", "Present"], ["Late", "Late"]];
    const side = h(
      "div",
      { class: "scan-side" },
      choices("Mark them as", "mark-as", options, this.#status, (status) => (this.#status = status)),
      h("div", { class: "row" }, this.#scan, this.#start, this.#stop, this.#choose, this.#file),
      this.#problem,
      this.#seen,
    );
    this.element = card("Scan a class", h("div", { class: "scan" }, h("div", { class: "scan-view" }, this.#video, this.#off), side));
  }

  async #turnOn() {
    const work = () => openCamera(this.#video, { facing: "environment", signal: this.#signal, onEnd: (problem) => this.#ended(problem) });
    const camera = await act(this.#start, { place: this.#problem, signal: this.#signal, work });
    if (!camera) return;
    this.#camera = camera;
    this.#draw();
    this.#scan.focus();
    announce("The camera is on.");
  }

  #turnOff() {
    this.#camera?.stop();
    this.#camera = null;
    this.#draw();
    this.#start.focus();
  }

  /** It was unplugged, or taken by another program. */
  #ended(problem) {
    this.#camera = null;
    this.#draw();
    act(this.#start, { place: this.#problem, signal: this.#signal, work: () => Promise.reject(problem) });
  }

  #draw() {
    const on = this.#camera !== null;
    this.#video.hidden = !on;
    this.#off.hidden = on;
    this.#start.hidden = on;
    this.#stop.hidden = !on;
    this.#scan.hidden = !on;
  }

  #scanCamera() {
    return this.#mark(this.#scan, () => this.#camera.capture());
  }

  async #scanFile() {
    const [file] = this.#file.files;
    if (!file) return;
    await this.#mark(this.#choose, () => sendable(file));
    this.#file.value = ""; // so that the same file can be chosen again
  }

  async #mark(control, picture) {
    const work = async () => {
      const form = new FormData();
      form.set("image", await picture(), "picture.jpg");
      form.set("session_id", this.session);
      form.set("status", this.#status);
      return sendForm("api/attendance/scan", form, { signal: this.#signal });
    };
    const found = await act(control, { place: this.#problem, signal: this.#signal, work });
    if (!found) return;
    this.#show(found);
    await this.#onMarked();
  }

  #show({ marked, unknown_faces: unknown }) {
    const who = marked.map((one) => [one.student_name, one.already_marked ? `already ${one.status.toLowerCase()}` : one.status.toLowerCase()]);
    const told = who.length > 0 ? who.map(([name, status]) => `${name} ${status}`).join(", ") : "No student was recognised";
    const others = unknown > 0 ? `${plural(unknown, "face is", "faces are")} nobody's.` : "";
    announce(`${told}. ${others}`);
    this.#seen.replaceChildren(
      h("h3", {}, marked.length > 0 ? plural(marked.length, "student seen", "students seen") : "No student was recognised."),
      h("ul", { class: "seen" }, marked.map(seen)),
      others && h("p", { class: "hint" }, others),
    );
  }
}

function seen({ student_code: code, student_name: name, status, already_marked: already }) {
  const state = already ? badge(`${status} already`, "info") : badge(status, status === "Late" ? "warn" : "good");
  return h("li", {}, h("span", {}, h("strong", {}, name ?? code), " ", h("span", { class: "code" }, code)), state);
}
