// The list of a session: who is present, late or missing, with counts that are filters as well.

import { announce, h, newId, replaceKeepingFocus } from "../dom.js";
import { number, text, time } from "../format.js";
import { addressOf } from "../pages.js";
import { badge, empty, loading } from "../parts.js";
import { table } from "../tables.js";

const STATUS = { Present: ["Present", "good"], Late: ["Late", "warn"], Absent: ["Absent", "bad"] };
const KINDS = [
  ["all", "All", () => true],
  ["present", "Present", ({ status }) => status === "Present"],
  ["late", "Late", ({ status }) => status === "Late"],
  ["missing", "Missing", ({ status }) => status !== "Present" && status !== "Late"],
];

export class Register {
  #kind = "all";
  #name = newId("kind");
  #found = null;
  #counts = new Map(KINDS.map(([kind]) => [kind, h("span", { class: "count" }, "–")]));
  #rows = h("div", {}, loading());
  element = h("div", { class: "stack" }, this.#kinds(), this.#rows);

  /** Nothing is known yet, such as of another session. */
  clear() {
    this.#found = null;
    this.#counts.forEach((count) => (count.textContent = "–"));
    this.#rows.replaceChildren(loading());
  }

  /** Show what GET /api/attendance/{session_id} said. */
  update(found) {
    if (JSON.stringify(found) === JSON.stringify(this.#found)) return;
    this.#found = found;
    const { total, present, late, missing } = found.summary;
    for (const [kind, count] of Object.entries({ all: total, present, late, missing })) {
      this.#counts.get(kind).textContent = number(count);
    }
    announce(`${number(present)} present, ${number(late)} late, ${number(missing)} missing.`);
    this.#draw();
  }

  #kinds() {
    const radio = ([kind, label]) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name: this.#name,
          checked: kind === this.#kind,
          onchange: () => this.#choose(kind),
        }),
        h("span", {}, label),
        this.#counts.get(kind),
      );
    return h(
      "fieldset",
      { class: "choices" },
      h("legend", {}, "Show"),
      h("div", { class: "choices-row" }, KINDS.map(radio)),
    );
  }

  #choose(kind) {
    this.#kind = kind;
    if (this.#found !== null) this.#draw();
  }

  #draw() {
    const [, label, wanted] = KINDS.find(([kind]) => kind === this.#kind);
    const students = this.#found.students.filter(wanted);
    if (students.length > 0) replaceKeepingFocus(this.#rows, tableOf(students));
    else if (this.#found.students.length > 0)
      this.#rows.replaceChildren(empty(`Nobody: ${label.toLowerCase()}.`));
    else
      this.#rows.replaceChildren(
        empty(
          "No student is listed.",
          "There are no students of this form and campus, and nobody was marked.",
        ),
      );
  }
}

function tableOf(students) {
  const link = ({ student_code: code, student_name: name }) =>
    h("a", { class: "person-name", href: addressOf("people", { type: "student", code }) }, name ?? code);
  return table({
    caption: "Students of the session",
    rows: students,
    columns: [
      { label: "Student", cell: link },
      { label: "Code", kind: "code", cell: ({ student_code: code }) => code },
      { label: "Form", cell: ({ form }) => text(form) },
      { label: "Campus", cell: ({ campus }) => text(campus) },
      { label: "Status", cell: ({ status }) => badge(...(STATUS[status] ?? ["Not marked", "neutral"])) },
      { label: "Marked at", cell: ({ marked_at: at }) => time(at) },
    ],
  });
}
