// What a chart is drawn of: axes, bars, lines and a mark.

import { svg } from "./dom.js";
import { number } from "./format.js";

const MARGIN = { top: 26, right: 10, bottom: 28, left: 46 };
const LABEL_WIDTH = 48;
const TICKS = 4;

/** Where things lie in a chart of this size, and its axes. With `edges` labels are where their bars begin. */
export function scales({ width, height, labels, series, edges, stacked }) {
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const step = inner.width / Math.max(1, labels.length);
  const top = roundedUp(highest(series, labels.length, stacked));
  const y = (value) => MARGIN.top + inner.height * (1 - value / top);
  const x = (index) => MARGIN.left + step * index;
  return {
    x,
    y,
    step,
    labels,
    axes: (unit) => axes({ x, y, step, top, labels, edges, width, height, unit }),
    mark: (mark) => markAt(mark, inner),
  };
}

function highest(series, count, stacked) {
  const all = Array.from({ length: count }, (_, index) => series.map(({ values }) => values[index] ?? 0));
  return Math.max(
    0,
    ...all.map((values) => (stacked ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values))),
  );
}

/** The next number that divides into ticks without crumbs: 4, 8, 20, 40, 80, 200 ... */
function roundedUp(value) {
  const least = Math.max(value, TICKS) / TICKS;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((tick) => tick >= least) * TICKS;
}

function axes({ x, y, step, top, labels, edges, width, height, unit }) {
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => (top / TICKS) * index);
  const every = Math.ceil(LABEL_WIDTH / step);
  return svg(
    "g",
    { class: "plot-axes" },
    ticks.map((tick) => [
      svg("line", {
        x1: MARGIN.left,
        x2: width - MARGIN.right,
        y1: y(tick),
        y2: y(tick),
        class: tick === 0 ? "base" : "rule",
      }),
      svg("text", { x: MARGIN.left - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick)),
    ]),
    svg("text", { x: 0, y: 12 }, unit),
    labels.map(
      (label, index) =>
        index % every === 0 &&
        svg("text", { x: x(index) + (edges ? 0 : step / 2), y: height - 8, "text-anchor": "middle" }, label),
    ),
  );
}

function markAt(mark, inner) {
  if (!mark) return null;
  const at = MARGIN.left + inner.width * mark.at;
  const leftOf = mark.at > 0.6;
  return svg(
    "g",
    { class: "plot-mark" },
    svg("line", { x1: at, x2: at, y1: MARGIN.top - 8, y2: MARGIN.top + inner.height }),
    svg(
      "text",
      { x: leftOf ? at - 6 : at + 6, y: MARGIN.top - 2, "text-anchor": leftOf ? "end" : "start" },
      mark.label,
    ),
  );
}

export function bars({ x, y, step, labels }, { series }) {
  const width = Math.max(1, step * 0.7);
  return labels.map((label, index) => {
    let below = 0;
    const pieces = series.map(({ values }, place) => {
      const value = values[index] ?? 0;
      const piece =
        value > 0 &&
        svg("rect", {
          class: `series-${place + 1}`,
          x: x(index) + (step - width) / 2,
          y: y(below + value),
          width,
          height: y(below) - y(below + value),
          rx: 2,
        });
      below += value;
      return piece;
    });
    return svg("g", {}, svg("title", {}, spoken(label, series, index)), pieces);
  });
}

export function lines({ x, y, step, labels }, { series }) {
  const middle = (index) => x(index) + step / 2;
  return series.map(({ values }, place) => {
    const parts = runs(values).map((run) =>
      run.map((index) => `${middle(index)},${y(values[index])}`).join(" "),
    );
    const dots = values.map(
      (value, index) =>
        value !== null &&
        svg(
          "circle",
          { cx: middle(index), cy: y(value), r: 3.5 },
          svg("title", {}, spoken(labels[index], series, index)),
        ),
    );
    return svg(
      "g",
      { class: `line series-${place + 1}` },
      parts.map((points) => svg("polyline", { points })),
      dots,
    );
  });
}

/** The indices of values without a gap, piece by piece. */
function runs(values) {
  const found = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || values[index - 1] === null) found.push([]);
    found.at(-1).push(index);
  });
  return found;
}

function spoken(label, series, index) {
  return [label, ...series.map(({ name, values }) => `${name}: ${number(values[index])}`)].join("\n");
}
