// Import many people: choose files, upload them, follow the job, and look at those of before.

import { get, sendForm } from "../api.js";
import { announce, h } from "../dom.js";
import { importForm } from "../importform.js";
import { jobsTable } from "../job_tables.js";
import { isOver, jobPanel, saveReport } from "../jobs.js";
import { noteInAddress } from "../pages.js";
import { button, card, empty, errorPanel, loading } from "../parts.js";

const UPLOAD_LIMIT_MS = 4 * 3_600_000;

export const title = "Import";

export async function show(main, { signal, params }) {
  const page = new ImportPage(signal);
  main.append(page.element);
  await page.open(params.get("job"));
}

class ImportPage {
  #signal;
  #sending = null;

  constructor(signal) {
    this.#signal = signal;
    this.form = importForm(signal);
    this.starter = button("Start the import", { kind: "primary", onclick: () => this.#start() });
    this.stopper = button("Stop the upload", { hidden: true, onclick: () => this.#sending?.abort() });
    this.trouble = h("div", { class: "trouble" });
    this.bar = h("progress", { max: 1, "aria-labelledby": "upload-words" });
    this.words = h("p", { id: "upload-words" });
    this.upload = h("div", { class: "stack-small", hidden: true }, this.words, this.bar);
    this.panel = jobPanel({ signal, onOver: () => this.#list() });
    this.jobs = h("div", {}, loading());
    const buttons = h("div", { class: "row" }, this.starter, this.stopper);
    const sender = card("What to import", guide(), this.form.element, this.upload, this.trouble, buttons);
    this.element = h("div", { class: "stack" }, this.panel.element, sender, card("Imports so far", this.jobs));
    // A page left with the upload under way would lose it.
    addEventListener("beforeunload", (event) => this.#sending && event.preventDefault(), { signal });
  }

  /** Show the jobs, and the one that is named, else one that is under way. */
  async open(id) {
    const jobs = await this.#list();
    const shown = id ?? jobs.find((job) => !isOver(job))?.id;
    if (shown) this.#follow(shown);
  }

  async #list() {
    try {
      const { jobs } = await get("/api/jobs", { signal: this.#signal });
      this.jobs.replaceChildren(this.#listOf(jobs));
      return jobs;
    } catch (error) {
      if (!this.#signal.aborted) this.jobs.replaceChildren(errorPanel(error, () => this.#list()));
      return [];
    }
  }

  #listOf(jobs) {
    if (jobs.length > 0)
      return jobsTable(jobs, {
        onShow: ({ id }) => this.#show(id),
        onReport: (job) => this.#report(job),
      });
    return empty(
      "No import yet",
      "What you import here or by `rollcall import` on the server is listed with its report.",
    );
  }

  #follow(id) {
    noteInAddress("import", { job: id });
    this.panel.follow(id);
  }

  #show(id) {
    this.#follow(id);
    this.panel.element.hidden = false;
    this.panel.title.focus();
    this.panel.element.scrollIntoView({ block: "start" });
  }

  async #report(job) {
    try {
      await saveReport(job);
    } catch (error) {
      if (!this.#signal.aborted) this.jobs.prepend(errorPanel(error));
    }
  }

  async #start() {
    this.trouble.replaceChildren();
    const { fault } = this.form;
    if (fault) {
      this.#tell(fault);
      return;
    }
    this.#sending = new AbortController();
    this.#signal.addEventListener("abort", () => this.#sending?.abort());
    this.#drawSending();
    try {
      const { job } = await this.#send(this.#sending.signal);
      // After a dry run the same files are imported.
      if (job.dry_run) this.form.dryRun.checked = false;
      else this.form.clear();
      announce("Uploaded. The import begins.");
      this.#show(job.id);
      this.#list();
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error.name === "AbortError")
        this.#tell({ message: "The upload was stopped.", suggestion: "Nothing was imported." });
      else this.#tell(error, () => this.#start());
    } finally {
      this.#sending = null;
      this.#drawSending();
    }
  }

  async #send(signal) {
    const show = (words) => (part) => {
      this.words.textContent = `${words} ${Math.floor(100 * part)} %`;
      this.bar.value = part;
    };
    if (!this.form.isZipped) announce("The photos are read.");
    const form = await this.form.form({ signal, onProgress: show("Reading the photos:") });
    announce("The upload begins.");
    const onProgress = show("Stay on this page. Uploading:");
    return sendForm("/api/jobs/import", form, { signal, onProgress, timeoutMs: UPLOAD_LIMIT_MS });
  }

  #drawSending() {
    const sends = this.#sending !== null;
    this.upload.hidden = !sends;
    this.stopper.hidden = !sends;
    this.starter.disabled = sends;
    this.bar.value = 0;
    this.words.textContent = "";
  }

  #tell(error, retry = null) {
    this.trouble.replaceChildren(errorPanel(error, retry));
  }
}

function guide() {
  return h(
    "div",
    { class: "lead stack-small" },
    h(
      "p",
      {},
      "The CSV file has the columns code and name; photos, or people's folders, are named after the code, " +
        "such as S001.jpg. Without a CSV file these names alone count.",
    ),
    h(
      "p",
      {},
      "Choose the folder that holds the people's folders, not one person's: its own name does not count.",
    ),
  );
}
