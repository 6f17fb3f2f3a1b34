// One model: what it is, how it stands, and the button that lets it answer.

import { h } from "../dom.js";
import { number } from "../format.js";
import { badge, button, notice } from "../parts.js";

const VERIFIED = {
  official: "official files",
  altered: "not the official files",
  unknown: "files of your own",
};

/** A card; `begin(control, model)` starts a switch to it. */
export function modelCard(model, stands, begin) {
  const facts = factsOf(model).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h(
    "section",
    { class: `card model ${model.active ? "active" : ""}`, "aria-label": model.name },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, model.name),
      h("div", { class: "row" }, badgesOf(model, stands)),
    ),
    h(
      "div",
      { class: "stack" },
      h("dl", { class: "facts" }, facts),
      model.problem && notice("bad", model.problem),
    ),
    h("div", { class: "row" }, action(model, stands, begin)),
  );
}

function badgesOf(model, { wanted, previous }) {
  return [
    model.active && badge("Answers", "good"),
    !model.active && model.name === wanted && badge("Should answer", "warn"),
    !model.active &&
      model.loaded &&
      badge(model.name === previous ? "Loaded, the way back" : "Loaded", "info"),
    !model.present && model.downloaded === null && badge("Can be downloaded", "neutral"),
    model.downloaded !== null &&
      badge(model.downloaded < 0 ? "Downloading" : `Downloading, ${model.downloaded} %`, "info"),
    model.present && !model.loaded && badge("Ready to load", "neutral"),
  ];
}

function factsOf(model) {
  const known = [
    ["Licence", model.licence],
    ["Files", model.present ? (VERIFIED[model.verified] ?? "here") : "not here yet"],
    ["Embedding", model.dimension && `${number(model.dimension)} numbers`],
    ["Runs on", model.backend],
    ["Operating point", `${number(model.operating_point)} similarity`],
    ["Faces read by it", model.present && number(model.faces)],
  ];
  return known.filter(([, value]) => value);
}

function action(model, stands, begin) {
  if (model.active) return h("p", { class: "hint" }, "This model answers now.");
  const running = stands.switch?.state === "running";
  const to = button(`Switch to ${model.name}`, {
    dataset: { model: model.name },
    onclick: () => begin(to, model),
  });
  to.disabled = running;
  return to;
}
