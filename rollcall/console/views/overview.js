// How the server stands, now and over the last day. Refreshes itself and leaves focus where it is.

import { every } from "../acting.js";
import { get } from "../api.js";
import { h } from "../dom.js";
import { number, plural, text, time } from "../format.js";
import { icon } from "../icons.js";
import { card, errorPanel, loading } from "../parts.js";
import { barChart, lineChart } from "../plots.js";

export const title = "Overview";

const REFRESH_MS = 10_000;
const CLOCKS_AGREE_MS = 5 * 60_000;
const STATES = {
  healthy: { word: "Healthy", sign: "good" },
  degraded: { word: "Working, with a limitation", sign: "warn" },
  unhealthy: { word: "Not working", sign: "bad" },
};

export async function show(main, { signal, actions }) {
  const updated = h("span", { class: "hint" });
  const regions = [region(healthCard, loadHealth), region(statisticsRegion, loadStatistics)];
  actions.append(updated);
  main.append(...regions.map(({ element }) => element));
  const refresh = async () => {
    const went = await Promise.all(regions.map((one) => one.refresh(signal)));
    if (went.every(Boolean)) updated.textContent = `Updated at ${time(new Date().toISOString())}`;
  };
  await refresh();
  every(REFRESH_MS, refresh, signal);
}

/** A part of the page with its own figures; where they cannot be had it says so and keeps trying. */
function region(make, load) {
  const element = h("div", { class: "stack" }, loading());
  let drawn = null;
  let problem = null;
  let isRefused = false; // by the key: asking again with the same one is of no use
  const fail = (error, signal) => {
    if (signal.aborted) return false;
    // Said once, not each ten seconds.
    if (problem !== error.message) element.replaceChildren(errorPanel(error, () => retry(signal)));
    problem = error.message;
    isRefused = error.needsOtherKey === true;
    drawn = null;
    return false;
  };
  const retry = (signal) => {
    isRefused = false;
    return refresh(signal);
  };
  const refresh = async (signal) => {
    if (isRefused) return false;
    try {
      const figures = await load(signal);
      if (signal.aborted) return false;
      if (drawn === null) {
        drawn = make();
        element.replaceChildren(...drawn.elements);
      }
      drawn.update(figures);
      problem = null;
      return true;
    } catch (error) {
      return fail(error, signal);
    }
  };
  return { element, refresh };
}

async function loadHealth(signal) {
  return get("api/health", { signal, also: [503] });
}

function healthCard() {
  const state = h("div", { class: "status-state" });
  const facts = h("dl", { class: "facts" });
  const update = (health) => {
    const { word, sign } = STATES[health.status];
    state.replaceChildren(
      h("span", { class: `status-sign ${sign}` }, icon(sign)),
      h("div", {}, h("p", { class: "status-word" }, word), h("p", { class: "hint" }, health.message)),
    );
    facts.replaceChildren(
      ...factsOf(health).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    );
  };
  const box = card("State of the service", h("div", { class: "status-card" }, state, facts));
  return { elements: [box], update };
}

function factsOf(health) {
  const threshold = health.similarity_threshold;
  return [
    ["Model", text(health.model)],
    ["Runs on", text(health.backend)],
    ["Threshold", threshold === null ? "–" : `${number(threshold)} similarity`],
    [
      "Confidence from",
      {
        stored: "its own evaluation",
        "built-in": "built-in figures",
        generic: "generic figures, a rough guide",
      }[health.calibration] ?? "–",
    ],
    ["Database", health.database],
    ["Version", health.version],
  ];
}

async function loadStatistics(signal) {
  const [health, statistics, models] = await Promise.all([
    loadHealth(signal),
    get("api/statistics", { signal }),
    get("api/models", { signal }),
  ]);
  return { health, statistics, models };
}

function statisticsRegion() {
  const clock = h("p", { class: "hint", hidden: true });
  const figures = h("dl", { class: "figures" });
  const hours = barChart({ title: "Recognitions by hour", axis: "Hour", unit: "faces" });
  const latency = lineChart({ title: "Time to answer by hour", axis: "Hour", unit: "milliseconds" });
  const similarity = barChart({
    title: "Similarity of the faces looked for",
    axis: "Similarity from",
    unit: "faces",
  });
  const update = ({ health, statistics, models }) => {
    figures.replaceChildren(...figuresOf(health, statistics, models));
    clock.hidden = !isAnotherClock(statistics.as_of);
    clock.textContent = `The database's clock says ${time(statistics.as_of)}; hours and marks go by it.`;
    hours.update(hoursOf(statistics));
    latency.update(latencyOf(statistics));
    similarity.update(similarityOf(statistics, health.similarity_threshold));
  };
  const elements = [
    clock,
    figures,
    card("Recognitions, last 24 hours", hours.element),
    h(
      "div",
      { class: "grid" },
      card("Time to answer, last 24 hours", latency.element),
      card("Similarity, last 24 hours", similarity.element),
    ),
  ];
  return { elements, update };
}

/** Such as of a database that keeps UTC, seen from a place with another time. */
function isAnotherClock(asOf) {
  return Math.abs(new Date(asOf) - Date.now()) > CLOCKS_AGREE_MS;
}

function figuresOf(health, { today }, models) {
  const figure = (name, value) => h("div", { class: "card figure" }, h("dt", {}, name), h("dd", {}, value));
  return [
    figure("Enrolled faces", number(health.enrolled_faces)),
    figure("Recognitions today", number(today.recognitions)),
    figure("Recognised today", number(today.recognised)),
    figure("Not recognised today", number(today.not_recognised)),
    figure("Faces to be read anew", number(models.left_faces)),
    figure(models.servers.length === 1 ? "Server" : "Servers", number(models.servers.length)),
  ];
}

/** Whether all rows were counted, for the end of a sentence. */
function ofAll({ complete }) {
  return complete ? "" : " (of the newest 200,000)";
}

function hoursOf(statistics) {
  const { hours } = statistics;
  const sum = (name) => hours.reduce((all, hour) => all + hour[name], 0);
  const [yes, no] = [sum("recognised"), sum("not_recognised")];
  return {
    labels: hours.map(({ hour }) => time(hour)),
    series: [
      { name: "Recognised", values: hours.map((hour) => hour.recognised) },
      { name: "Not recognised", values: hours.map((hour) => hour.not_recognised) },
    ],
    summary:
      yes + no === 0
        ? "Nobody was looked for in the last 24 hours."
        : `${plural(yes, "face was", "faces were")} recognised, ${number(no)} not${ofAll(statistics)}.`,
  };
}

function latencyOf({ hours }) {
  const known = hours.filter(({ median_ms: median }) => median !== null);
  const slowest = Math.max(...known.map(({ p95_ms: p95 }) => p95));
  return {
    labels: hours.map(({ hour }) => time(hour)),
    series: [
      { name: "Median", values: hours.map((hour) => whole(hour.median_ms)) },
      { name: "95 % are faster than this", values: hours.map((hour) => whole(hour.p95_ms)) },
    ],
    summary:
      known.length === 0
        ? "Nobody was looked for in the last 24 hours."
        : `In the last hour with recognitions the median was ${number(whole(known.at(-1).median_ms))} ms. ` +
          `In the slowest hour 95 % were faster than ${number(whole(slowest))} ms.`,
  };
}

/** Milliseconds without their fractions; null stays. */
function whole(milliseconds) {
  return milliseconds === null ? null : Math.round(milliseconds);
}

function similarityOf(statistics, threshold) {
  const { similarity } = statistics;
  const count = similarity.reduce((all, bin) => all + bin.recognised + bin.not_recognised, 0);
  const at = threshold === null ? null : Math.min(1, Math.max(0, threshold));
  return {
    labels: similarity.map(({ from }) => from.toFixed(2)),
    edges: true,
    series: [
      { name: "Recognised", values: similarity.map((bin) => bin.recognised) },
      { name: "Not recognised", values: similarity.map((bin) => bin.not_recognised) },
    ],
    mark: at === null ? null : { at, label: `threshold ${number(threshold)}` },
    summary:
      count === 0
        ? "No similarity was measured in the last 24 hours."
        : `${plural(count, "face", "faces")}${ofAll(statistics)} by the likeness to the nearest enrolled person; ` +
          "the nearer both groups come to the threshold, the less certain it is.",
  };
}
