// What is to be imported: a CSV file, and photos as a zip, as files or as a folder.

import { h } from "./dom.js";
import { dropzone } from "./dropzone.js";
import { number } from "./format.js";
import { badge, button, choices } from "./parts.js";
import { zip } from "./zip.js";

const TYPES = [
  ["student", "Students"],
  ["teacher", "Teachers"],
];
const MODES = [
  ["reject", "Leave them alone"],
  ["add", "Add these faces"],
  ["replace", "Replace their faces"],
];
const DRY_RUN = "Dry run: check everything, store nothing";
const PHOTO = /\.(jpe?g|png|webp)$/i;
// What folders hold beside photos, and nobody put there.
const CLUTTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX\/.*)$/i;

export function importForm(signal) {
  return new ImportForm(signal);
}

class ImportForm {
  #type = "student";
  #mode = "reject";
  #csv = null;
  #zip = null;
  #photos = new Map(); // by name
  #leftOut = [];

  constructor(signal) {
    this.dryRun = h("input", { type: "checkbox" });
    this.chosen = h("ul", { class: "chosen" });
    const zone = dropzone({
      text: "Drop them here: the CSV file and a zip, or the photos themselves, or their folder.",
      choosers: [
        { label: "CSV file", accept: ".csv,text/csv" },
        { label: "Zip", accept: ".zip,application/zip" },
        { label: "Photos", accept: "image/jpeg,image/png,image/webp", multiple: true },
        { label: "Folder", folder: true },
      ],
      signal,
      onFiles: (entries) => this.take(entries),
    });
    this.element = h(
      "div",
      { class: "stack" },
      choices("Who", "import-type", TYPES, this.#type, (type) => (this.#type = type)),
      zone,
      this.chosen,
      choices(
        "People who have other faces already",
        "import-mode",
        MODES,
        this.#mode,
        (mode) => (this.#mode = mode),
      ),
      h("div", {}, h("label", { class: "choice" }, this.dryRun, h("span", {}, DRY_RUN))),
    );
  }

  /** Why it cannot be sent, as {message, suggestion}; null if it can. */
  get fault() {
    if (this.#zip === null && this.#photos.size === 0) {
      return {
        message: "There are no photos yet.",
        suggestion: "Choose a zip, photos or a folder. A CSV file alone is not enough.",
      };
    }
    if (this.#csv?.size === 0) {
      return {
        message: `${this.#csv.name} is empty.`,
        suggestion: "Save the list anew, or remove it here to go by the names of the photos.",
      };
    }
    return null;
  }

  take(entries) {
    for (const { name, file } of withoutTopFolder(entries)) {
      if (/\.csv$/i.test(name)) this.#csv = file;
      else if (/\.zip$/i.test(name)) this.#takeZip(file);
      else if (PHOTO.test(name)) this.#addPhoto(name, file);
      else if (!CLUTTER.test(name)) this.#leftOut.push(name);
    }
    this.#draw();
  }

  /** The form of POST /api/jobs/import; loose photos are zipped first, and onProgress(part) told. */
  async form({ onProgress, signal }) {
    const photos =
      this.#zip ??
      (await zip(this.#entries, { signal, onProgress: (done, total) => onProgress(done / total) }));
    const form = new FormData();
    form.append("person_type", this.#type);
    form.append("mode", this.#mode);
    form.append("dry_run", String(this.dryRun.checked));
    if (this.#csv) form.append("csv", this.#csv, this.#csv.name);
    form.append("photos", photos, this.#zip?.name ?? "photos.zip");
    return form;
  }

  get isZipped() {
    return this.#zip !== null;
  }

  get #entries() {
    return [...this.#photos].map(([name, file]) => ({ name, file }));
  }

  clear() {
    this.#csv = null;
    this.#clearPhotos();
  }

  #addPhoto(name, file) {
    this.#zip = null;
    this.#photos.set(name, file);
  }

  #takeZip(file) {
    this.#photos.clear();
    this.#zip = file;
  }

  #clearPhotos() {
    this.#zip = null;
    this.#photos.clear();
    this.#leftOut = [];
    this.#draw();
  }

  #draw() {
    const rows = [];
    if (this.#csv)
      rows.push(chosenRow("CSV", this.#csv.name, this.#csv.size, () => ((this.#csv = null), this.#draw())));
    if (this.#zip) rows.push(chosenRow("Zip", this.#zip.name, this.#zip.size, () => this.#clearPhotos()));
    if (this.#photos.size > 0) {
      const bytes = [...this.#photos.values()].reduce((sum, file) => sum + file.size, 0);
      const count = this.#photos.size;
      rows.push(
        chosenRow(
          "Photos",
          count === 1 ? [...this.#photos.keys()][0] : `${number(count)} photos`,
          bytes,
          () => this.#clearPhotos(),
        ),
      );
    }
    if (this.#leftOut.length > 0)
      rows.push(
        h(
          "li",
          { class: "chosen-item" },
          badge("Left out", "warn"),
          h("span", { class: "chosen-name" }, leftOutWords(this.#leftOut)),
        ),
      );
    this.chosen.replaceChildren(...rows);
  }
}

function chosenRow(kind, name, bytes, onRemove) {
  const remover = button("Remove", {
    kind: "small quiet",
    "aria-label": `Remove ${name}`,
    onclick: onRemove,
  });
  return h(
    "li",
    { class: "chosen-item" },
    badge(kind),
    h("span", { class: "chosen-name" }, name),
    h("span", { class: "hint" }, sizeOf(bytes)),
    remover,
  );
}

function leftOutWords(names) {
  const shown = names.slice(0, 3).join(", ");
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return `${shown}${more}: only JPEG, PNG and WebP photos are taken.`;
}

function sizeOf(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** A chosen folder is where the photos lie; its own name says nothing about them. */
function withoutTopFolder(entries) {
  const top = entries[0].name.split("/")[0];
  const isFolder = entries.every(({ name }) => name.startsWith(`${top}/`));
  return isFolder ? entries.map(({ name, file }) => ({ name: name.slice(top.length + 1), file })) : entries;
}
