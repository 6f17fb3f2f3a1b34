// How far a change of models is, or how the last one ended.

import { announce, h } from "../dom.js";
import { dateAndTime, number, plural } from "../format.js";
import { button, card, notice } from "../parts.js";

const STEPS = {
  waiting: "Waiting for a server to take it up",
  loading: "Loading the model",
  embedding: "Reading every enrolled face",
  rehearsing: "Rehearsing: does everybody find themselves?",
  gathering: "Waiting until every server has loaded it",
};
const ORDER = Object.keys(STEPS);

export class SwitchCard {
  #force;
  #bar = h("progress", { "aria-label": "How far the switch is" });
  #step = h("p", { class: "notice-title" });
  #count = h("p", { class: "hint" });
  #title = h("h2");
  #cancel;
  #running;
  #shown = "";
  #told = "";
  element = h("div");

  constructor({ cancel, force }) {
    this.#force = force;
    this.#cancel = button("Cancel the switch", { onclick: () => cancel(this.#cancel) });
    this.#running = h(
      "section",
      { class: "card", "aria-label": "Switch under way" },
      this.#title,
      this.#step,
      this.#bar,
      this.#count,
      h("div", { class: "row" }, this.#cancel),
    );
  }

  update({ switch: change, models }) {
    if (change?.state === "running") this.#showRunning(change, models);
    else this.#showEnd(change);
  }

  #showRunning(change, models) {
    const step = STEPS[change.step] ?? "Beginning";
    const downloaded = models.find(({ name }) => name === change.target)?.downloaded ?? null;
    this.#title.textContent = `Switching from ${change.source ?? "no model"} to ${change.target}`;
    const place = Math.max(1, ORDER.indexOf(change.step) + 1);
    this.#step.textContent = `Step ${place} of ${ORDER.length}: ${step}`;
    this.#count.textContent = countOf(change, downloaded);
    const part = partOf(change, downloaded);
    if (part === null) this.#bar.removeAttribute("value");
    else this.#bar.value = part;
    if (this.#told !== step) announce(step);
    this.#told = step;
    if (!this.#running.isConnected) this.element.replaceChildren(this.#running);
    this.#shown = "running";
  }

  #showEnd(change) {
    const now = change ? `${change.id} ${change.state}` : "";
    if (now === this.#shown) return;
    const hadFocus = this.element.contains(document.activeElement);
    this.#shown = now;
    this.#told = "";
    this.element.replaceChildren(change ? this.#endOf(change) : "");
    if (hadFocus) document.querySelector("h1").focus();
  }

  #endOf(change) {
    const what = change.kind === "rollback" ? "Way back" : "Switch";
    const models = `from ${change.source ?? "no model"} to ${change.target}`;
    const when = `${what} ${models}, ${dateAndTime(change.ended)}.`;
    if (change.state === "failed") return this.#failed(change, when);
    if (change.state === "cancelled")
      return notice("info", "The last switch was cancelled.", h("p", {}, when));
    return card("The last change", h("p", {}, `It succeeded. ${when}`), rehearsalOf(change.rehearsal));
  }

  #failed(change, when) {
    const force = button("Switch all the same …", { onclick: () => this.#force(force, change.target) });
    return notice(
      "bad",
      "The last switch failed; the running model goes on.",
      h("p", {}, change.problem),
      rehearsalOf(change.rehearsal),
      h("p", {}, when),
      h("div", { class: "row" }, force),
    );
  }
}

function partOf(change, downloaded) {
  if (change.step === "loading" && downloaded > 0) return downloaded / 100;
  return change.step === "embedding" && change.total > 0 ? change.done / change.total : null;
}

function countOf(change, downloaded) {
  if (change.step === "loading" && downloaded !== null)
    return downloaded < 0 ? "It is being downloaded." : `${downloaded} % are downloaded.`;
  return change.total > 0 ? `${number(change.done)} of ${plural(change.total, "face", "faces")}` : "";
}

function rehearsalOf(rehearsal) {
  if (!rehearsal) return "";
  const lost = rehearsal.not_found_count;
  const outcome = lost === 0 ? "all found themselves" : `${number(lost)} did not find themselves`;
  const found = `The rehearsal asked with ${plural(rehearsal.faces, "face", "faces")}: ${outcome}.`;
  const missed =
    rehearsal.missed > 0
      ? ` In ${plural(rehearsal.missed, "picture", "pictures")} the new model saw no face.`
      : "";
  return h("p", { class: "hint" }, found + missed);
}
