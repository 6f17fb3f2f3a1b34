// Small charts. Each says its point in words, and has its figures as a table.

import { h, newId, svg } from "./dom.js";
import { number } from "./format.js";
import { bars, lines, scales } from "./plot_marks.js";

const HEIGHT = 220;

/** A chart that can be given new figures while somebody looks at it. */
class Chart {
  #title = newId("plot");
  #words = newId("plot");
  #draw;
  #options;
  #figures = null;
  #shown = "";
  #place = h("div", { class: "plot-drawing" });
  #summary = h("p", { class: "hint" });
  #legend = h("ul", { class: "plot-legend", "aria-hidden": "true" });
  #table = h("div", { class: "plot-table", tabindex: "0", role: "region", "aria-label": "Figures" });

  constructor(draw, options) {
    this.#draw = draw;
    this.#options = options;
    const details = h(
      "details",
      { class: "plot-details" },
      h("summary", {}, "Show the figures"),
      this.#table,
    );
    this.element = h("figure", { class: "plot" }, this.#summary, this.#legend, this.#place, details);
    this.#watch();
  }

  /**
   * Show {labels: [text], series: [{name, values: [number or null]}], summary, mark: {at, label}, edges};
   * `at` is a place on the axis of labels, 0 to 1; with `edges` labels say where a bar begins.
   */
  update(figures) {
    const now = JSON.stringify(figures);
    if (now === this.#shown) return;
    this.#shown = now;
    this.#figures = figures;
    this.#summary.textContent = figures.summary;
    this.#legend.replaceChildren(
      ...figures.series.map(({ name }, index) =>
        h("li", { class: `key-${index + 1} ${this.#options.kind}` }, name),
      ),
    );
    this.#table.replaceChildren(tableOf(figures, this.#options));
    this.#redraw();
  }

  #watch() {
    let width = 0;
    new ResizeObserver(([entry]) => {
      if (Math.round(entry.contentRect.width) === width) return;
      width = Math.round(entry.contentRect.width);
      this.#redraw();
    }).observe(this.#place);
  }

  #redraw() {
    const width = Math.round(this.#place.clientWidth);
    if (this.#figures === null || width === 0) return;
    const { title, unit } = this.#options;
    const frame = scales({ width, height: HEIGHT, ...this.#figures, stacked: this.#options.kind === "bars" });
    this.#place.replaceChildren(
      svg(
        "svg",
        {
          role: "img",
          "aria-labelledby": `${this.#title} ${this.#words}`,
          viewBox: `0 0 ${width} ${HEIGHT}`,
          width,
          height: HEIGHT,
        },
        svg("title", { id: this.#title }, title),
        svg("desc", { id: this.#words }, this.#figures.summary),
        frame.axes(unit),
        this.#draw(frame, this.#figures),
        frame.mark(this.#figures.mark),
      ),
    );
  }
}

function tableOf({ labels, series }, { axis }) {
  const heads = [axis, ...series.map(({ name }) => name)];
  const rows = labels.map((label, index) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, label),
      series.map(({ values }) => h("td", { class: "number" }, number(values[index]))),
    ),
  );
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((head, index) => h("th", { scope: "col", class: index > 0 ? "number" : null }, head)),
      ),
    ),
    h("tbody", {}, rows),
  );
}

/** Bars, one series upon the other. Options: {title, axis, unit}; axis names the labels. */
export function barChart(options) {
  return new Chart(bars, { ...options, kind: "bars" });
}

/** Lines that break where there is no figure. */
export function lineChart(options) {
  return new Chart(lines, { ...options, kind: "lines" });
}
