// One person: who it is, the faces that are enrolled, and deleting them.

import { act } from "../acting.js";
import { blob, del, get } from "../api.js";
import { confirmDialog } from "../dialogs.js";
import { h, toast } from "../dom.js";
import { dateAndTime, plural, text, typeName } from "../format.js";
import { icon } from "../icons.js";
import { patiently } from "../pace.js";
import { addressOf } from "../pages.js";
import { button, card, empty, errorPanel, loading } from "../parts.js";

const THUMBNAIL = 320; // of 160 pixels on screens that have two for one
const FACES = 200;
const WHAT_STAYS = "The name and the attendance stay.";
const ALL = `They are gone for good, and the person is no longer recognised. ${WHAT_STAYS}`;
const LAST = `It is gone for good, and the person is no longer recognised. ${WHAT_STAYS}`;
let listAddress = "#/people";

/** The list that was looked at last: the way back leads there. */
export function rememberList() {
  listAddress = location.hash || "#/people";
}

export async function showPerson(main, { signal, params, actions }) {
  const key = {
    person_type: params.get("type") === "teacher" ? "teacher" : "student",
    person_code: params.get("code"),
  };
  const page = new PersonPage(key, signal, actions);
  main.append(
    h("a", { class: "back-link", href: listAddress }, icon("back"), "All people"),
    page.problem,
    page.about,
    page.faces,
  );
  await page.load();
}

class PersonPage {
  #key;
  #signal;
  #actions;
  #name = "";
  #total = 0;
  #urls = [];
  problem = h("div");
  about = h("div", {}, loading());
  faces = h("div");

  constructor(key, signal, actions) {
    this.#key = key;
    this.#signal = signal;
    this.#actions = actions;
    signal.addEventListener("abort", () => this.#letPicturesGo());
  }

  async load() {
    const { person_type: type, person_code: code } = this.#key;
    const signal = this.#signal;
    const [people, list] = await Promise.all([
      get("api/people", { query: { person_type: type, search: code, limit: 1000 }, signal }),
      get(`api/face/list/${type}`, { query: { person_code: code, limit: FACES }, signal }),
    ]);
    const person = people.people.find((one) => same(one.person_code, code)) ?? null;
    this.#name = person?.person_name ?? list.faces[0]?.person_name ?? null;
    this.#draw(person, list);
  }

  get #called() {
    const { person_type: type, person_code: code } = this.#key;
    return this.#name ? `${this.#name} (${code})` : `${typeName(type).toLowerCase()} ${code}`;
  }

  #draw(person, { faces, total_count: total }) {
    const { person_type: type, person_code: code } = this.#key;
    const facts = [
      ["Code", h("span", { class: "code" }, code)],
      ["Type", typeName(type)],
      [type === "student" ? "Form" : "Department", text(person?.group)],
      ["Campus", text(person?.campus)],
    ];
    this.about.replaceChildren(
      card(
        this.#name ?? `${typeName(type)} ${code}`,
        h(
          "dl",
          { class: "facts" },
          facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        ),
      ),
    );
    // Without the name: addresses are kept in the browser's history, and the form looks the code up.
    const enrol = addressOf("enrol", { type, code });
    this.#actions.replaceChildren(
      h("a", { class: "button primary", href: enrol }, icon("enrol"), "Add a face"),
    );
    this.#total = total;
    this.#letPicturesGo();
    const content =
      total === 0
        ? [empty("No face is enrolled.", "Until there is one, this person cannot be recognised.")]
        : [this.#grid(faces), total > 1 && h("div", { class: "row" }, this.#deleteAllButton())];
    this.faces.replaceChildren(card(plural(total, "enrolled face", "enrolled faces"), content));
  }

  #grid(faces) {
    return h(
      "ul",
      { class: "faces" },
      faces.map((face, index) => this.#face(face, index + 1)),
    );
  }

  #face(face, place) {
    const picture = h("div", { class: "face-picture" }, face.has_image ? loading("") : "No picture is kept");
    if (face.has_image) this.#fetchPicture(face, place, picture);
    const label = `Delete face ${place}`;
    const remove = button("Delete", {
      kind: "danger-quiet",
      iconName: "trash",
      "aria-label": label,
      onclick: () => this.#deleteOne(face, place, remove),
    });
    return h(
      "li",
      { class: "face" },
      picture,
      h("p", { class: "hint" }, `Enrolled ${dateAndTime(face.enrollment_date)}`),
      remove,
    );
  }

  async #fetchPicture(face, place, frame) {
    try {
      const signal = this.#signal;
      const options = { query: { max_side: THUMBNAIL }, signal };
      // Many at once may be more than the rate limit lets through.
      const bytes = await patiently(() => blob(`api/face/${face.id}/image`, options), { signal });
      const url = URL.createObjectURL(bytes);
      this.#urls.push(url);
      frame.replaceChildren(h("img", { src: url, alt: `Face ${place} of ${this.#called}` }));
    } catch (error) {
      if (!this.#signal.aborted) frame.replaceChildren(h("span", {}, error.message));
    }
  }

  /** Pictures of people stay in memory no longer than they are seen. */
  #letPicturesGo() {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = [];
  }

  async #deleteOne(face, place, control) {
    const question = {
      title: `Delete face ${place} of ${this.#called}?`,
      text: this.#total === 1 ? LAST : "It is gone for good. The person's other faces stay.",
      action: "Delete the face",
      danger: true,
    };
    if (!(await confirmDialog(question))) return;
    await this.#deleting(control, () => del(`api/admin/face/${face.id}`, null, { signal: this.#signal }));
  }

  #deleteAllButton() {
    const onclick = async () => {
      const title = `Delete all ${this.#total} faces of ${this.#called}?`;
      if (!(await confirmDialog({ title, text: ALL, action: "Delete all faces", danger: true }))) return;
      await this.#deleting(remove, () => del("api/face/delete", this.#key, { signal: this.#signal }));
    };
    const remove = button("Delete all faces", { iconName: "trash", kind: "danger-quiet", onclick });
    return remove;
  }

  async #deleting(control, work) {
    const done = await act(control, { place: this.problem, signal: this.#signal, work });
    if (!done) return;
    toast(done.message);
    try {
      await this.load();
    } catch (error) {
      if (!this.#signal.aborted) this.problem.replaceChildren(errorPanel(error, () => this.load()));
    }
    // The button that was pressed is gone; focus would fall to the page's very beginning.
    document.querySelector("h1").focus();
  }
}

/** Codes compare without regard to case or trailing blanks. */
function same(one, other) {
  return one.trimEnd().toLowerCase() === other.trimEnd().toLowerCase();
}
