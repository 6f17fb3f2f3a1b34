// Who is enrolled: the list. With a code in the address it is one person's page (person.js).

import { settled } from "../acting.js";
import { get } from "../api.js";
import { announce, h } from "../dom.js";
import { date, number, plural, text, typeName } from "../format.js";
import { addressOf, noteInAddress } from "../pages.js";
import { badge, card, empty, errorPanel, field, loading, select } from "../parts.js";
import { pager, table } from "../tables.js";
import { rememberList, showPerson } from "./person.js";

export const title = "People";

const PAGE = 50;
const TYPING_MS = 300;

export async function show(main, context) {
  if (context.params.get("code")) return showPerson(main, context);
  return showList(main, context);
}

async function showList(main, { signal, params, actions }) {
  const list = new PeopleList(params, signal);
  actions.append(h("a", { class: "button primary", href: "#/enrol" }, "Enrol a person"));
  main.append(list.filters(), list.results);
  await list.load();
}

class PeopleList {
  #signal;
  #asked; // what is shown, as GET /api/people takes it
  #running = new AbortController();
  results = card("Found", loading());

  constructor(params, signal) {
    this.#signal = signal;
    this.#asked = {
      search: params.get("search") ?? "",
      person_type: params.get("person_type") ?? "all",
      enrolled: params.get("enrolled") ?? "",
      offset: Number(params.get("offset")) || 0,
    };
    signal.addEventListener("abort", () => this.#running.abort());
  }

  filters() {
    const { search, person_type: type, enrolled } = this.#asked;
    const input = h("input", {
      type: "search",
      value: search,
      autocomplete: "off",
      placeholder: "Part of a name or code",
    });
    input.addEventListener(
      "input",
      settled(TYPING_MS, () => this.#ask({ search: input.value.trim() }), this.#signal),
    );
    const ofType = select(
      [
        ["all", "Everybody"],
        ["student", "Students"],
        ["teacher", "Teachers"],
      ],
      type,
      (value) => this.#ask({ person_type: value }),
    );
    const withFaces = select(
      [
        ["", "All"],
        ["true", "Enrolled"],
        ["false", "Not enrolled yet"],
      ],
      enrolled,
      (value) => this.#ask({ enrolled: value }),
    );
    const form = h("form", {
      class: "card toolbar-card",
      role: "search",
      onsubmit: (event) => event.preventDefault(),
    });
    const searchField = field("Search", input);
    searchField.classList.add("wide");
    form.append(h("div", { class: "toolbar" }, searchField, field("Who", ofType), field("Faces", withFaces)));
    return form;
  }

  /** Another search begins on its first page. */
  #ask(change) {
    this.#asked = { ...this.#asked, offset: 0, ...change };
    return this.load();
  }

  async load() {
    this.#running.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    const { person_type: type, offset, ...rest } = this.#asked;
    noteInAddress("people", { ...rest, person_type: type === "all" ? "" : type, offset: offset || "" });
    rememberList();
    try {
      const found = await get("api/people", { query: { ...this.#asked, limit: PAGE }, signal });
      if (!signal.aborted) this.#draw(found);
    } catch (error) {
      if (!signal.aborted) this.#fill(errorPanel(error, () => this.load()));
    }
  }

  #fill(...children) {
    this.results.replaceChildren(this.results.firstElementChild, ...children);
  }

  #draw({ people, total_count: total }) {
    // The last page may be emptied while it is looked at.
    if (people.length === 0 && total > 0 && this.#asked.offset > 0) return this.#ask({ offset: 0 });
    this.results.firstElementChild.textContent = plural(total, "person", "people");
    announce(`${plural(total, "person", "people")} found.`);
    if (total === 0) return this.#fill(this.#nobody());
    return this.#fill(tableOf(people), this.#pager(people.length, total));
  }

  #pager(shown, total) {
    if (total <= PAGE) return "";
    const turn = async (offset) => {
      await this.#ask({ offset });
      const heading = this.results.firstElementChild;
      heading.tabIndex = -1;
      heading.focus();
    };
    return pager({ offset: this.#asked.offset, limit: PAGE, total, shown, turn });
  }

  #nobody() {
    const { search, person_type: type, enrolled } = this.#asked;
    if (search || type !== "all" || enrolled)
      return empty("Nobody was found.", "Try fewer letters, or show everybody.");
    return empty(
      "Nobody is here yet.",
      "Enrol one person with a camera or a picture, or import a whole school at once.",
      h("a", { class: "button primary", href: "#/enrol" }, "Enrol a person"),
      h("a", { class: "button", href: "#/import" }, "Import people"),
    );
  }
}

function tableOf(people) {
  const personLink = ({ person_type: type, person_code: code, person_name: name }) =>
    h(
      "a",
      { class: "person-name", href: addressOf("people", { type, code }) },
      name ?? `${typeName(type)} ${code}`,
    );
  const faces = ({ face_count: count }) => (count > 0 ? number(count) : badge("Not enrolled", "neutral"));
  return table({
    caption: "People",
    rows: people,
    columns: [
      { label: "Name", cell: personLink },
      { label: "Code", kind: "code", cell: (person) => person.person_code },
      { label: "Type", cell: (person) => typeName(person.person_type) },
      { label: "Form or department", cell: (person) => text(person.group) },
      { label: "Campus", cell: (person) => text(person.campus) },
      { label: "Faces", kind: "number", cell: faces },
      { label: "Last enrolled", cell: (person) => date(person.last_enrolled) },
    ],
  });
}
