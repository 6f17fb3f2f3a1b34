/** Enrolling and managing faces. */

import { call, showing } from "./api.js";
import { closeCamera, openCamera, snapshot } from "./camera.js";

const PAGE = 50;
const MAX_BYTES = 10 * 1024 * 1024;

const form = document.querySelector("#enroll");
const done = document.querySelector("#done");
const which = document.querySelector("#which");
const table = document.querySelector("#faces");
const video = document.querySelector("video");
const [before, after] = ["#before", "#after"].map((name) => document.querySelector(name));
let offset = 0;

/** The chosen file, or what the camera sees. */
async function picture() {
  if (video.srcObject) return snapshot(video).url;
  const [file] = form.elements.file.files;
  if (!file) throw new Error("Choose a picture, or use the camera.");
  if (file.size > MAX_BYTES) throw new Error("The picture is larger than 10 MB. Choose a smaller one.");
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("The picture cannot be read. Choose it again."));
    reader.readAsDataURL(file);
  });
}

function cell(content) {
  const made = document.createElement("td");
  made.append(content);
  return made;
}

function button(text, label, action) {
  const made = document.createElement("button");
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", action);
  return made;
}

function remove(question, method, path, body) {
  if (!confirm(question)) return;
  showing(async () => {
    done.textContent = (await call(method, path, body)).message;
    await list();
  });
}

function row(face) {
  const { id, person_type, person_code, person_name, enrollment_date } = face;
  const one = button("Delete face", `Delete face ${id} of ${person_code}`, () =>
    remove(`Delete face ${id} of ${person_code}?`, "DELETE", `/api/admin/face/${id}`));
  const all = button("Delete all", `Delete all faces of ${person_code}`, () =>
    remove(`Delete all faces of ${person_code}?`, "DELETE", "/api/face/delete", { person_type, person_code }));
  const deleting = document.createElement("span");
  deleting.append(one, " ", all);
  const made = document.createElement("tr");
  made.append(...[person_code, person_name ?? "", enrollment_date.slice(0, 10), deleting].map(cell));
  return made;
}

async function list() {
  const page = await call("GET", `/api/face-descriptors/${which.value}?limit=${PAGE}&offset=${offset}`);
  if (page.faces.length === 0 && offset > 0) {
    offset = Math.max(0, offset - PAGE);
    return list();
  }
  table.replaceChildren(...page.faces.map(row));
  before.disabled = offset === 0;
  after.disabled = offset + PAGE >= page.total_count;
}

function turn(pages) {
  offset = Math.max(0, offset + pages * PAGE);
  showing(list);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  done.textContent = "";
  showing(async () => {
    const { person_type, person_code, person_name, mode } = Object.fromEntries(new FormData(form));
    const body = { person_type, person_code, person_name, mode, image_base64: await picture() };
    done.textContent = (await call("POST", "/api/face/register", body)).message;
    which.value = person_type;
    await list();
  });
});

document.querySelector("#camera").addEventListener("click", () => showing(async () => {
  const isOpen = video.srcObject !== null;
  if (isOpen) closeCamera(video);
  else await openCamera(video);
  video.parentElement.hidden = isOpen;
}));
which.addEventListener("change", () => turn(-Infinity));
before.addEventListener("click", () => turn(-1));
after.addEventListener("click", () => turn(1));
await showing(list);
