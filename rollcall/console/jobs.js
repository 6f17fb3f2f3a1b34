// One import job: how far it is, and what did not go well.

import { blob, del, get, save, withHeaders } from "./api.js";
import { confirmDialog } from "./dialogs.js";
import { announce, h, toast } from "./dom.js";
import { dateAndTime, number } from "./format.js";
import { rowsTable, stateBadge, STATES, whose } from "./job_tables.js";
import { pauseAfterErrorMs, pauseMs, rest } from "./pace.js";
import { button, errorPanel, notice } from "./parts.js";
import { speaker } from "./speaker.js";

const LOOK_MS = 1000;

export function isOver({ state }) {
  return state === "done" || state === "failed" || state === "cancelled";
}

export async function saveReport(job) {
  const day = job.created_at.slice(0, 10);
  save(await blob(`/api/jobs/${job.id}/report`), `import-${day}-${job.id.slice(0, 6)}.csv`);
}

/** Shows one job and follows it until it is over, `signal` is aborted, or another takes its place. */
export function jobPanel({ signal, onOver }) {
  return new JobPanel(signal, onOver);
}

class JobPanel {
  #signal;
  #onOver;
  #following = new AbortController();
  #shown = "";

  constructor(signal, onOver) {
    this.#signal = signal;
    this.#onOver = onOver;
    this.title = h("h2", { id: "job-title", tabindex: "-1" }, "Import");
    this.state = h("div");
    this.bar = h("progress", { "aria-labelledby": "job-title" });
    this.words = h("p", { class: "job-words" });
    this.figures = h("dl", { class: "figures" });
    this.actions = h("div", { class: "row" });
    this.trouble = h("div", { class: "trouble" });
    this.rows = h("div");
    this.element = h(
      "section",
      { class: "card", "aria-labelledby": "job-title", hidden: true },
      h("div", { class: "card-head" }, this.title, this.state),
      this.bar,
      this.words,
      this.trouble,
      this.figures,
      this.actions,
      this.rows,
    );
    signal.addEventListener("abort", () => this.#following.abort());
  }

  async follow(id) {
    this.#following.abort();
    this.#following = new AbortController();
    const { signal } = this.#following;
    const say = speaker({ signal, everyMs: 15_000 });
    let isFirst = true;
    let errors = 0;
    while (!signal.aborted) {
      try {
        const { answer, headers } = await get(`/api/jobs/${id}`, { signal, read: withHeaders });
        const { job, errors: rows } = answer;
        errors = 0;
        this.#draw(job, rows);
        if (isOver(job)) return this.#end(job, isFirst);
        say(progressWords(job));
        isFirst = false;
        await rest(Math.max(LOOK_MS, pauseMs(headers)), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(await this.#waitAfter(error, errors++, id, signal))) return;
      }
    }
  }

  #end(job, wasOver) {
    if (!wasOver) announce(`${STATES[job.state][0]}. ${countWords(job)}`);
    this.#onOver(job);
  }

  async #waitAfter(error, errors, id, signal) {
    this.element.hidden = false;
    const passes = error.status === 0 || error.status === 429 || error.status >= 500;
    this.trouble.replaceChildren(errorPanel(error, passes ? null : () => this.follow(id)));
    if (passes) await rest(pauseAfterErrorMs(error, errors), signal);
    return passes;
  }

  #draw(job, rows) {
    this.element.hidden = false;
    this.trouble.replaceChildren();
    this.title.textContent = `Import of ${whose(job)}, ${dateAndTime(job.created_at)}`;
    this.state.replaceChildren(stateBadge(job));
    this.bar.hidden = isOver(job);
    this.#drawBar(job);
    this.words.textContent = progressWords(job);
    this.words.hidden = isOver(job) && !job.total;
    this.figures.replaceChildren(...figuresOf(job));
    if (job.problem)
      this.trouble.replaceChildren(notice("bad", "The import stopped.", h("p", {}, job.problem)));
    this.#drawActions(job);
    this.#drawRows(rows, job);
  }

  #drawRows(rows, job) {
    const shown = JSON.stringify([rows, job.state]);
    if (this.#shown === shown) return;
    this.#shown = shown;
    this.rows.replaceChildren(rowsTable(rows, job));
  }

  #drawBar({ total, done }) {
    if (total) {
      this.bar.max = total;
      this.bar.value = done;
    } else {
      this.bar.removeAttribute("value");
    }
  }

  #drawActions(job) {
    // Redrawn only when they change: focus stays where it is.
    if (this.actions.dataset.state === `${job.id} ${job.state}`) return;
    this.actions.dataset.state = `${job.id} ${job.state}`;
    const report = button("Download the report", {
      iconName: "download",
      onclick: () => this.#do(() => saveReport(job)),
    });
    const cancel = button("Cancel the import", { kind: "danger-quiet", onclick: () => this.#cancel(job) });
    this.actions.replaceChildren(...(isOver(job) ? [report] : [report, cancel]));
  }

  async #cancel(job) {
    const text =
      "What is enrolled already stays. Start the same import again later, and it goes on with the rest.";
    if (
      !(await confirmDialog({
        title: "Cancel this import?",
        text,
        action: "Cancel the import",
        cancel: "Let it run",
        danger: true,
      }))
    )
      return;
    await this.#do(async () => {
      const { message } = await del(`/api/jobs/${job.id}`, null, { signal: this.#signal });
      toast(message, "info");
    });
    this.title.focus();
  }

  async #do(work) {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) this.trouble.replaceChildren(errorPanel(error));
    }
  }
}

function progressWords(job) {
  if (job.state === "waiting") return "It begins as soon as the one before it is over.";
  const so = job.total ? `${number(job.done)} of ${number(job.total)} done` : `${number(job.done)} done`;
  const rate = job.faces_per_second ? `${job.faces_per_second.toFixed(1)} faces a second` : "";
  const left = !isOver(job) && job.seconds_left !== null ? `${timeLeft(job.seconds_left)} left` : "";
  return `${[so, rate, left].filter(Boolean).join(", ")}.`;
}

function timeLeft(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function countWords({ dry_run: isDry, enrolled, skipped, failed }) {
  return `${enrolled} ${isDry ? "would be enrolled" : "enrolled"}, ${skipped} skipped, ${failed} failed.`;
}

function figuresOf({ dry_run: isDry, enrolled, skipped, failed, warnings }) {
  const figures = [
    [isDry ? "would be enrolled" : "enrolled", enrolled],
    ["skipped", skipped],
    ["failed", failed],
    ["with a warning", warnings],
  ];
  return figures.map(([word, count]) =>
    h("div", { class: "figure" }, h("dt", {}, word), h("dd", {}, number(count))),
  );
}
