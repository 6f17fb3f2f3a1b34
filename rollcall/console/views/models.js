// Which models there are, which one answers, and letting another one answer.

import { act, every } from "../acting.js";
import { del, get, post } from "../api.js";
import { confirmDialog } from "../dialogs.js";
import { h, replaceKeepingFocus, toast } from "../dom.js";
import { button, card, errorPanel, loading } from "../parts.js";
import { modelCard } from "./model_card.js";
import { leftFaces } from "./left_faces.js";
import { SwitchCard } from "./switch_card.js";

export const title = "Models";

const RUNNING_MS = 2_000;
const QUIET_MS = 10_000;
// Loading a model that is to be downloaded is begun within this time, and done later.
const BEGIN_MS = 120_000;

export async function show(main, { signal }) {
  const page = new ModelsPage(signal);
  main.append(...page.elements);
  await page.refresh();
  every(
    () => (page.isRunning ? RUNNING_MS : QUIET_MS),
    () => page.refresh(),
    signal,
  );
}

class ModelsPage {
  #signal;
  #drawn = "";
  #leftDrawn = "";
  #found = null;
  #problem = h("div"); // of what a button asked
  #trouble = h("div"); // of the page's own questions
  #switch = new SwitchCard({
    cancel: (control) => this.#cancel(control),
    force: (control, target) => this.#begin(control, target, true),
  });
  #back = h("div");
  #list = h("div", { class: "grid" }, loading());
  #left = h("div");

  constructor(signal) {
    this.#signal = signal;
  }

  get elements() {
    return [this.#problem, this.#trouble, this.#switch.element, this.#back, this.#list, this.#left];
  }

  get isRunning() {
    return this.#found?.switch?.state === "running";
  }

  async refresh() {
    const signal = this.#signal;
    try {
      const found = await get("api/models", { signal });
      if (signal.aborted) return;
      const before = this.#found?.switch;
      this.#found = found;
      this.#switch.update(found);
      this.#tellEnd(before, found.switch);
      this.#draw();
      await this.#drawLeft();
      this.#trouble.replaceChildren();
    } catch (error) {
      if (signal.aborted) return;
      if (this.#trouble.textContent.includes(error.message)) return;
      this.#trouble.replaceChildren(errorPanel(error, () => this.#again()));
      if (this.#found === null) this.#list.replaceChildren();
    }
  }

  #again() {
    this.#trouble.replaceChildren();
    return this.refresh();
  }

  /** Drawn only when it is another: buttons that have the focus keep it. */
  #draw() {
    const { switch: change, ...stands } = this.#found;
    const now = JSON.stringify([stands, change?.state]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    const focused = document.activeElement?.dataset?.model;
    const hadFocus =
      this.#list.contains(document.activeElement) || this.#back.contains(document.activeElement);
    const begin = (control, model) => this.#begin(control, model.name, false);
    this.#list.replaceChildren(...inOrder(this.#found).map((model) => modelCard(model, this.#found, begin)));
    this.#drawWayBack();
    if (focused) this.#list.querySelector(`[data-model="${CSS.escape(focused)}"]`)?.focus();
    // A button that is gone or disabled cannot keep it.
    if (hadFocus && !this.#list.contains(document.activeElement)) document.querySelector("h1").focus();
  }

  /** Asked for only when there are others: a page that refreshes itself must not use up the rate limit. */
  async #drawLeft() {
    const { active, wanted, left_faces: count } = this.#found;
    const now = `${active} ${wanted} ${count}`;
    if (now === this.#leftDrawn) return;
    replaceKeepingFocus(this.#left, count > 0 ? await leftFaces(count, this.#signal) : "");
    this.#leftDrawn = now;
  }

  #drawWayBack() {
    const { previous, active } = this.#found;
    if (!previous || this.isRunning) return this.#back.replaceChildren();
    const back = button(`Go back to ${previous}`, { iconName: "back", onclick: () => this.#rollBack(back) });
    return this.#back.replaceChildren(
      card(
        "The way back",
        h(
          "p",
          {},
          `${previous} answered before ${active ?? "this model"} and is still loaded: ` +
            "it can answer again at once.",
        ),
        h("div", { class: "row" }, back),
      ),
    );
  }

  #tellEnd(before, now) {
    if (before?.state !== "running" || now?.id !== before.id || now.state === "running") return;
    if (now.state === "done") toast(`${now.target} answers.`);
    else if (now.state === "failed") toast("The switch failed; the former model answers.", "bad");
  }

  async #begin(control, model, force) {
    if (!(await confirmDialog(force ? forcing(model) : switching(model, this.#found)))) return;
    const options = { signal: this.#signal, timeoutMs: BEGIN_MS };
    await this.#change(control, () => post("api/models/switch", { model, force }, options));
  }

  async #cancel(control) {
    const question = {
      title: "Cancel the switch?",
      text: "The running model goes on answering. What was prepared is kept for the next time.",
      action: "Cancel the switch",
      cancel: "Let it go on",
    };
    if (!(await confirmDialog(question))) return;
    await this.#change(control, () => del("api/models/switch", null, { signal: this.#signal }));
  }

  async #rollBack(control) {
    const { previous } = this.#found;
    const text = [
      `${previous} answers at once, on all servers.`,
      "Faces that were enrolled since are recognised by the model that they have, " +
        "and get the other's embedding in the background.",
    ];
    if (!(await confirmDialog({ title: `Go back to ${previous}?`, text, action: "Go back" }))) return;
    await this.#change(control, () => post("api/models/rollback", null, { signal: this.#signal }));
  }

  async #change(control, work) {
    const done = await act(control, { place: this.#problem, signal: this.#signal, work });
    if (done) toast(done.message, done.switch.state === "running" ? "info" : "good");
    await this.refresh();
  }
}

/** The one that answers, those that could at once, those that are here, and the others. */
function inOrder({ models }) {
  const rank = ({ active, loaded, present }) => (active ? 0 : loaded ? 1 : present ? 2 : 3);
  return [...models].sort((one, other) => rank(one) - rank(other));
}

function switching(model, { models }) {
  const { present } = models.find(({ name }) => name === model);
  const text = [
    `The running model answers until ${model} is ready, and no request fails.`,
    "Every enrolled face is read by the new model first, and a rehearsal makes sure that nobody is lost. " +
      "With many faces that takes a while.",
  ];
  if (!present)
    text.unshift("Its files are not here yet: the server downloads them first, some hundred megabytes.");
  return { title: `Let ${model} answer?`, text, action: "Switch" };
}

function forcing(model) {
  const text = [
    "The last attempt found that people would be lost, or that a server could not load the model.",
    "If you switch all the same, they may no longer be recognised until they are enrolled anew.",
  ];
  return { title: `Switch to ${model} all the same?`, text, action: "Switch all the same", danger: true };
}
