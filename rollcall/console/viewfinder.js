// The camera on a page: its picture with an overlay, a button, the choice of camera, and what went wrong in words.

import { CameraProblem, cameras, openCamera } from "./camera.js";
import { chosenCamera, keepCamera, named } from "./camera_choice.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { makeOverlay } from "./overlay.js";
import { button, errorPanel, field, select } from "./parts.js";

/**
 * A viewfinder for the page `name`. The camera is let go when `signal` is aborted and while the page is hidden.
 *
 * `onStart(camera)` is called each time it opens, `onStop()` each time it ends. `facing` is the camera that a phone
 * uses at first: "user" or "environment". `guide` draws an oval for one face.
 */
export function viewfinder(options) {
  return new Viewfinder(options);
}

class Viewfinder {
  #options;
  #camera = null;
  #opening = null;
  #mirrored = false;
  #resumes = false;
  #pictureUrl = null;
  #deviceId;

  constructor({ name, signal, facing = "user", guide = false, onStart = () => {}, onStop = () => {} }) {
    this.#options = { name, signal, facing, onStart, onStop };
    this.#deviceId = chosenCamera(name);
    this.overlay = makeOverlay();
    this.video = h("video", { playsinline: true, autoplay: true, "aria-label": "What the camera shows" });
    this.video.muted = true;
    this.note = h("p", { class: "stage-note" }, icon("camera"), h("span", {}, "The camera is off."));
    this.stage = h(
      "div",
      { class: "stage" },
      this.video,
      guide && h("div", { class: "stage-guide" }),
      this.overlay.element,
      this.note,
    );
    this.toggle = button("Start the camera", {
      kind: "primary",
      iconName: "camera",
      onclick: () => this.#press(),
    });
    this.settings = h("div", { class: "camera-settings", hidden: true });
    this.problem = h("div", { class: "camera-problem" });
    this.element = h(
      "div",
      { class: "viewfinder" },
      this.stage,
      h("div", { class: "row" }, this.toggle),
      this.settings,
      this.problem,
    );
    this.video.addEventListener("resize", () => this.#shape(this.video.videoWidth, this.video.videoHeight));
    document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
    // Also when the browser keeps the page for going back.
    addEventListener("pagehide", () => this.#close(), { signal });
    signal.addEventListener("abort", () => {
      this.#close();
      this.#hidePicture();
    });
  }

  /** The open camera, or null. */
  get camera() {
    return this.#camera;
  }

  get mirrored() {
    return this.#mirrored;
  }

  async start() {
    if (this.#camera || this.#opening) return;
    this.#hidePicture();
    this.problem.replaceChildren();
    this.#say("Starting the camera. If the browser asks, allow it.");
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    this.#drawToggle();
    try {
      await this.#open(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    } finally {
      if (this.#opening?.signal === signal) this.#opening = null;
      this.#drawToggle();
    }
  }

  stop() {
    this.#resumes = false;
    this.#close();
  }

  /** Freeze or go on with the picture; the camera stays open. */
  freeze(frozen) {
    if (frozen) this.video.pause();
    else if (this.#camera) this.video.play();
  }

  /**
   * Show a picture file in place of the camera's; resolves with its size, or with null where the camera or another
   * picture has taken its place meanwhile.
   */
  async showPicture(blob) {
    this.stop();
    this.#hidePicture();
    this.problem.replaceChildren();
    const url = URL.createObjectURL(blob);
    this.#pictureUrl = url;
    const image = h("img", { alt: "The chosen picture", class: "stage-picture", src: url });
    const problem = await image.decode().catch((error) => error);
    if (this.#pictureUrl !== url) return null;
    if (problem) {
      this.#hidePicture();
      this.#say("The camera is off.");
      throw problem;
    }
    this.note.hidden = true;
    this.video.hidden = true;
    this.stage.prepend(image);
    this.#shape(image.naturalWidth, image.naturalHeight);
    return { width: image.naturalWidth, height: image.naturalHeight };
  }

  async #open(signal) {
    const { facing } = this.#options;
    const onEnd = (problem) => this.#ended(problem);
    const camera = await openCamera(this.video, { deviceId: this.#deviceId, facing, signal, onEnd });
    this.#camera = camera;
    // Not before it started: one that cannot would be asked for at every visit.
    if (this.#deviceId !== null) keepCamera(this.#options.name, this.#deviceId);
    this.#mirror(camera.isMirrored);
    this.#shape(camera.size.width, camera.size.height);
    this.note.hidden = true;
    this.stage.classList.add("stage-live");
    await this.#drawSettings();
    if (this.#camera === camera) this.#options.onStart(camera);
  }

  #press() {
    if (this.#camera || this.#opening) this.stop();
    else this.start();
  }

  #visibility() {
    if (document.hidden) {
      this.#resumes = this.#camera !== null || this.#opening !== null;
      this.#close();
    } else if (this.#resumes) {
      this.start();
    }
  }

  #close() {
    const was = this.#camera;
    this.#opening?.abort();
    this.#opening = null;
    this.#camera = null;
    was?.stop();
    this.overlay.clear();
    this.stage.classList.remove("stage-live");
    this.settings.hidden = true;
    if (!this.#pictureUrl) this.#say("The camera is off.");
    this.#drawToggle();
    if (was) this.#options.onStop();
  }

  #ended(problem) {
    this.#close();
    this.#fail(problem);
  }

  #fail(error) {
    // The next try takes any camera, and then there is the choice again.
    this.#deviceId = null;
    this.#say("The camera is off.");
    if (!(error instanceof CameraProblem)) console.error(error);
    const told =
      error instanceof CameraProblem
        ? error
        : new CameraProblem(
            "OTHER",
            "The camera cannot be opened.",
            "Load the page again; if that does not help, use a picture file.",
          );
    this.problem.replaceChildren(errorPanel(told, () => this.start()));
  }

  #say(text) {
    this.note.lastChild.textContent = text;
    this.note.hidden = false;
  }

  #drawToggle() {
    const on = this.#camera !== null || this.#opening !== null;
    this.toggle.lastChild.textContent = on ? "Stop the camera" : "Start the camera";
    this.toggle.classList.toggle("primary", !on);
  }

  async #drawSettings() {
    const found = await cameras();
    const box = h("input", {
      type: "checkbox",
      checked: this.#mirrored,
      onchange: () => this.#mirror(box.checked),
    });
    const mirror = h("label", { class: "choice" }, box, h("span", {}, "Mirror the picture"));
    const chooser = select(named(found), this.#camera?.deviceId, (deviceId) => this.#choose(deviceId));
    this.settings.replaceChildren(...(found.length > 1 ? [field("Camera", chooser)] : []), mirror);
    this.settings.hidden = this.#camera === null;
  }

  #choose(deviceId) {
    this.#deviceId = deviceId;
    this.#close();
    this.start();
  }

  #mirror(mirrored) {
    this.#mirrored = mirrored;
    this.video.classList.toggle("mirrored", mirrored);
    // Boxes of before would lie on the wrong side until the next answer.
    this.overlay.clear();
  }

  #shape(width, height) {
    if (width && height) this.stage.style.setProperty("--ratio", String(width / height));
  }

  #hidePicture() {
    if (!this.#pictureUrl) return;
    URL.revokeObjectURL(this.#pictureUrl);
    this.#pictureUrl = null;
    this.stage.querySelector(".stage-picture")?.remove();
    this.overlay.clear();
    this.video.hidden = false;
  }
}
