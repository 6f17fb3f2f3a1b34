// Tables of import jobs: rows of one that did not go well, and the jobs there are.

import { h } from "./dom.js";
import { dateAndTime, number, text } from "./format.js";
import { badge, button, notice } from "./parts.js";
import { table } from "./tables.js";

export const STATES = {
  waiting: ["Waiting", "info"],
  running: ["Running", "info"],
  done: ["Done", "good"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", "warn"],
};
// A row that is enrolled and is in this list has a warning.
const OUTCOMES = { enrolled: "warn", skipped: "info", duplicate: "warn", failed: "bad" };

export function stateBadge({ state, dry_run: isDry }) {
  const [word, kind] = STATES[state];
  return badge(isDry ? `${word}, dry run` : word, kind);
}

/** Rows of a job that did not simply go well. */
export function rowsTable(rows, job) {
  if (rows.length === 0) {
    return job.state === "done"
      ? notice("good", "Nothing to look at.", h("p", {}, "Every row went well."))
      : h("span");
  }
  const caption =
    rows.length >= 100
      ? "The first 100 rows that did not simply go well; the report has all."
      : "Rows that did not simply go well:";
  return h(
    "div",
    { class: "stack-small" },
    h("p", { class: "hint" }, caption),
    table({ caption, columns: ROW_COLUMNS, rows }),
  );
}

const ROW_COLUMNS = [
  { label: "Code", kind: "code", cell: ({ person_code: code }) => text(code) },
  { label: "Line", cell: ({ line }) => text(line) },
  { label: "Photo", cell: ({ photo }) => h("span", { class: "photo-name" }, text(photo)) },
  { label: "Outcome", cell: ({ outcome }) => badge(outcome, OUTCOMES[outcome] ?? "neutral") },
  {
    label: "Why",
    cell: ({ message, suggestion }) =>
      h("div", { class: "why" }, message, suggestion && h("p", { class: "hint" }, suggestion)),
  },
];

/** The jobs there are: onShow(job) opens one, onReport(job) saves its report. */
export function jobsTable(jobs, { onShow, onReport }) {
  const actions = (job) => {
    const when = dateAndTime(job.created_at);
    return h(
      "div",
      { class: "row end-row" },
      button("Show", {
        kind: "small quiet",
        "aria-label": `Show the import of ${when}`,
        onclick: () => onShow(job),
      }),
      button("Report", {
        kind: "small quiet",
        "aria-label": `Download the report of ${when}`,
        onclick: () => onReport(job),
      }),
    );
  };
  const columns = [
    { label: "Begun", cell: (job) => dateAndTime(job.created_at) },
    { label: "People", cell: (job) => whose(job, true) },
    { label: "State", cell: stateBadge },
    { label: "Enrolled", kind: "number", cell: (job) => number(job.enrolled) },
    { label: "Skipped", kind: "number", cell: (job) => number(job.skipped) },
    { label: "Failed", kind: "number", cell: (job) => number(job.failed) },
    { label: "Actions", kind: "end", hiddenLabel: true, cell: actions },
  ];
  return table({ caption: "Imports so far", columns, rows: jobs });
}

/** "students" or "teachers", with a capital letter where a sentence begins. */
export function whose({ person_type: type }, begins = false) {
  const word = type === "teacher" ? "teachers" : "students";
  return begins ? word[0].toUpperCase() + word.slice(1) : word;
}
