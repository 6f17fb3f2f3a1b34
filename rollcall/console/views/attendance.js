// One session: who is present, late and missing, and marking a class by camera. A kiosk's key may only mark.

import { act, every, settled } from "../acting.js";
import { blob, get, save } from "../api.js";
import { h } from "../dom.js";
import { date, number } from "../format.js";
import { button, card, empty, errorPanel, field, loading, notice, select } from "../parts.js";
import { enterKey } from "../key.js";
import { noteInAddress, openAgain } from "../pages.js";
import { Register } from "./register.js";
import { ScanPanel } from "./scan.js";

export const title = "Attendance";

const MAX_SESSION = 2 ** 31 - 1;
const REFRESH_MS = 15_000; // others mark students too

export async function show(main, { signal, params }) {
  const chosen = {
    session: sessionOf(params.get("session")),
    form: params.get("form") ?? "",
    campus: params.get("campus") ?? "",
  };
  const waiting = loading();
  main.append(waiting);
  const choice = await choicesOf(signal);
  waiting.remove();
  const page = new AttendancePage(chosen, choice, signal);
  main.append(...page.elements);
  await page.open();
  every(REFRESH_MS, () => page.refresh(), signal);
}

function sessionOf(typed) {
  const session = Number(typed);
  return Number.isInteger(session) && session >= 1 && session <= MAX_SESSION ? session : null;
}

/** What there is to choose from; null for a kiosk's key, which may not see it. */
async function choicesOf(signal) {
  try {
    return await get("api/attendance", { signal });
  } catch (error) {
    if (error.details?.required_role) return null;
    throw error;
  }
}

class AttendancePage {
  #chosen;
  #choice;
  #signal;
  #loading = new AbortController();
  #problem = h("div");
  #place = h("div", { class: "stack" });
  #exportButton = button("Export as CSV", { iconName: "download", onclick: () => this.#export() });
  #register = new Register();
  #scan;

  constructor(chosen, choice, signal) {
    this.#chosen = chosen;
    this.#choice = choice;
    this.#signal = signal;
    this.#scan = new ScanPanel(signal, () => this.#loadRegister());
    signal.addEventListener("abort", () => this.#loading.abort());
  }

  get elements() {
    return [this.#choice === null ? kioskRemark() : "", this.#chooser(), this.#problem, this.#place];
  }

  /** Show the chosen session, or ask for one. */
  async open() {
    const { session, form, campus } = this.#chosen;
    noteInAddress("attendance", { session, form, campus });
    this.#scan.session = session;
    this.#register.clear();
    if (session === null) {
      this.#loading.abort();
      this.#place.replaceChildren(
        h(
          "div",
          { class: "card" },
          empty("Choose a session.", "Then you see who is there, and can mark a class with the camera."),
        ),
      );
      return;
    }
    if (!this.#scan.element.isConnected)
      this.#place.replaceChildren(this.#scan.element, this.#choice === null ? "" : this.#registerCard());
    await this.#loadRegister();
  }

  async refresh() {
    if (this.#chosen.session !== null) await this.#loadRegister();
  }

  #registerCard() {
    return card("Register", this.#register.element, h("div", { class: "row" }, this.#exportButton));
  }

  #chooser() {
    const typed = h("input", {
      type: "number",
      min: 1,
      max: MAX_SESSION,
      step: 1,
      inputmode: "numeric",
      value: this.#chosen.session ?? "",
    });
    const choose = (value) => {
      const session = sessionOf(value);
      if (session === this.#chosen.session) return;
      this.#chosen.session = session;
      this.open();
    };
    typed.addEventListener(
      "input",
      settled(500, () => choose(typed.value), this.#signal),
    );
    // Whoever goes on to another control has typed all of it.
    typed.addEventListener("change", () => choose(typed.value));
    const fields = [field("Session number", typed)];
    if (this.#choice !== null) {
      const { sessions, forms, campuses } = this.#choice;
      if (sessions.length > 0) fields.unshift(this.#sessions(sessions, typed, choose));
      if (forms.length > 0) fields.push(this.#filter("Form", "form", "All forms", forms));
      if (campuses.length > 0) fields.push(this.#filter("Campus", "campus", "All campuses", campuses));
    }
    return h(
      "form",
      { class: "card", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "toolbar" }, fields),
    );
  }

  #sessions(sessions, typed, choose) {
    const named = ({ session_id: id, marked, last_marked: last }) => {
      const many = marked === 0 ? "nobody marked" : `${number(marked)} marked`;
      return [String(id), `Session ${id}: ${many}${last ? `, ${date(last)}` : ""}`];
    };
    const known = sessions.some((one) => one.session_id === this.#chosen.session)
      ? String(this.#chosen.session)
      : "";
    const box = select([["", "Choose …"], ...sessions.map(named)], known, (value) => {
      typed.value = value;
      choose(value);
    });
    typed.addEventListener(
      "input",
      () => (box.value = sessions.some((one) => String(one.session_id) === typed.value) ? typed.value : ""),
    );
    const whole = field("Session", box);
    whole.classList.add("wide");
    return whole;
  }

  #filter(label, name, all, values) {
    const change = (value) => {
      this.#chosen[name] = value;
      return this.open();
    };
    return field(
      label,
      select([["", all], ...values.map((value) => [value, value])], this.#chosen[name], change),
    );
  }

  get #query() {
    return { form: this.#chosen.form, campus: this.#chosen.campus };
  }

  async #loadRegister() {
    if (this.#choice === null) return;
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    try {
      const found = await get(`api/attendance/${this.#chosen.session}`, { query: this.#query, signal });
      if (signal.aborted) return;
      this.#problem.replaceChildren();
      this.#register.update(found);
      this.#exportButton.hidden = found.students.length === 0;
    } catch (error) {
      if (!signal.aborted) this.#tell(error);
    }
  }

  /** Once, not each time that the page refreshes itself. */
  #tell(error) {
    this.#register.clear();
    if (this.#problem.textContent.includes(error.message)) return;
    this.#problem.replaceChildren(errorPanel(error, () => this.#loadRegister()));
  }

  async #export() {
    const { session } = this.#chosen;
    const work = async () => {
      const bytes = await blob(`api/attendance/${session}`, {
        query: { ...this.#query, format: "csv" },
        signal: this.#signal,
      });
      save(bytes, `attendance-${session}.csv`);
    };
    await act(this.#exportButton, { place: this.#problem, signal: this.#signal, work });
  }
}

function kioskRemark() {
  const onclick = async () => {
    if (await enterKey()) openAgain();
  };
  return notice(
    "info",
    "Your key may mark students, but not see the register.",
    h("p", {}, "With an admin key this page shows who is present, late and missing."),
    h("div", { class: "row" }, button("Enter an admin key", { iconName: "key", onclick })),
  );
}
