// Tables that become cards on a phone.

import { h } from "./dom.js";

/**
 * A table. Columns are {label, cell(row), kind}, kind being number, code, end or nothing; `label` may be hidden
 * where the cells speak for themselves ({hiddenLabel: true}).
 * Roles are said because a table that is laid out as blocks loses its own.
 */
export function table({ caption, columns, rows }) {
  const heads = columns.map(({ label, kind, hiddenLabel }) =>
    h(
      "th",
      { scope: "col", role: "columnheader", class: kind === "code" ? null : kind },
      hiddenLabel ? h("span", { class: "visually-hidden" }, label) : label,
    ),
  );
  const body = rows.map((row) =>
    h(
      "tr",
      { role: "row" },
      columns.map(({ label, cell, kind, hiddenLabel }) =>
        h("td", { role: "cell", class: kind, "data-label": hiddenLabel ? null : label }, cell(row)),
      ),
    ),
  );
  return h(
    "div",
    { class: "table-frame" },
    h(
      "table",
      { class: "folding", role: "table" },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
      h("tbody", { role: "rowgroup" }, body),
    ),
  );
}

/** "1–50 of 230" with a way to and fro; `turn(offset)` shows another page. */
export function pager({ offset, limit, total, shown, turn }) {
  const to = (label, target, able) =>
    h("button", { type: "button", class: "button", disabled: !able, onclick: () => turn(target) }, label);
  const where = total === 0 ? "0" : `${offset + 1}–${offset + shown} of ${total}`;
  return h(
    "div",
    { class: "pager", role: "group", "aria-label": "Pages of the list" },
    h("span", { class: "hint" }, where),
    to("Previous", Math.max(0, offset - limit), offset > 0),
    to("Next", offset + limit, offset + shown < total),
  );
}
