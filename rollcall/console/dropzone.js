// A place to drop files on, with buttons for those who choose them.

import { h, toast } from "./dom.js";
import { icon } from "./icons.js";
import { filesOf } from "./pictures.js";

/**
 * `choosers` are buttons that open the system's dialog: [{label, accept?, multiple?, folder?}].
 * `onFiles(entries)` gets [{name, file}] of each choice or drop; a name has the folders' path. With `single` it gets
 * the first alone, and the user is told.
 */
export function dropzone({ text, choosers, signal, single = false, onFiles }) {
  const take = async (transfer) => {
    const entries = await read(transfer);
    if (entries.length === 0 || signal.aborted) return;
    if (single && entries.length > 1) toast(`One at a time: ${entries[0].name} was taken.`, "info");
    onFiles(single ? entries.slice(0, 1) : entries);
  };
  const element = h(
    "div",
    { class: "dropzone" },
    h("p", {}, text),
    h(
      "div",
      { class: "row" },
      choosers.map((chooser) => fileButton(chooser, take)),
    ),
  );
  const mark = (over) => element.classList.toggle("dropzone-over", over);
  element.addEventListener("dragenter", () => mark(true));
  element.addEventListener("dragover", () => mark(true));
  element.addEventListener("dragleave", (event) => mark(element.contains(event.relatedTarget)));
  element.addEventListener("drop", (event) => {
    mark(false);
    take(event.dataTransfer);
  });
  // Dropped beside it, the browser would leave the console and show the file.
  for (const kind of ["dragover", "drop"])
    addEventListener(kind, (event) => event.preventDefault(), { signal });
  return element;
}

async function read(transfer) {
  try {
    return await filesOf(transfer);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    toast("It cannot be read: it was moved, or you may not open it. Choose it again.", "bad");
    return [];
  }
}

function fileButton({ label, accept = "", multiple = false, folder = false }, take) {
  const onchange = async () => {
    await take({ files: [...input.files] });
    // The same file may be chosen again.
    input.value = "";
  };
  const input = h("input", {
    type: "file",
    class: "visually-hidden",
    accept,
    multiple,
    webkitdirectory: folder,
    onchange,
  });
  return h("label", { class: "button file-button" }, input, icon("file"), h("span", {}, label));
}
