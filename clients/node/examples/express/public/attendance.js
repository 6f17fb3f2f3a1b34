/** Attendance in real time: names beside faces while the camera runs; whoever is new is marked. */

import { call, showing } from "./api.js";
import { closeCamera, openCamera, snapshot } from "./camera.js";

const PAUSE_MS = 700;

const form = document.querySelector("#choice");
const start = form.querySelector("button");
const stop = document.querySelector("#stop");
const video = document.querySelector("video");
const canvas = document.querySelector("canvas");
const list = document.querySelector("#marked");

// The run that goes on, if any does: a new one ends the one before.
let current = null;
let marked = new Map();

/** Boxes and names over the video. */
function draw(faces, { width, height }) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.lineWidth = 3;
  context.font = "bold 20px system-ui, sans-serif";
  for (const { box, match } of faces) {
    context.strokeStyle = context.fillStyle = match ? "#2ee66b" : "#ffb020";
    context.strokeRect(box.x, box.y, box.width, box.height);
    const name = match ? match.person_name || match.person_code : "unknown";
    // No wider than the face: names of neighbours must not lie over each other.
    context.fillText(name, box.x, Math.max(20, box.y - 8), box.width);
  }
}

function show() {
  list.replaceChildren(...[...marked.values()].map((student) => {
    const item = document.createElement("li");
    item.textContent = `${student.student_name || student.student_code}: ${student.status}`;
    return item;
  }));
}

/** One look: names for all, and a mark for students who have none yet. */
async function look(mine, choice) {
  const picture = snapshot(video);
  const { faces } = await call("POST", "/api/face/recognize-all", { image_base64: picture.url });
  if (current !== mine) return;
  draw(faces, picture);
  const isNew = ({ match }) => match?.person_type === "student" && !marked.has(match.person_code);
  if (!faces.some(isNew)) return;
  const body = { image_base64: picture.url, ...choice };
  for (const student of (await call("POST", "/api/attendance/scan", body)).marked) {
    marked.set(student.student_code, student);
  }
  show();
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One look after the other, never two at once, and slower when the server asks for it. */
async function run(mine, choice) {
  while (current === mine) {
    let waitMs = PAUSE_MS;
    // A page that nobody sees needs no names.
    if (!document.hidden) {
      await showing(() => look(mine, choice).catch((error) => {
        waitMs = Math.max(waitMs, (error.retryAfterSeconds ?? 0) * 1000);
        if (error.code === "UNAUTHORIZED" || error.code === "VALIDATION_ERROR") end();
        throw error;
      }));
    }
    await pause(waitMs);
  }
}

function end() {
  current = null;
  closeCamera(video);
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  begun(false);
  stop.disabled = true;
}

/** What was chosen holds until it is stopped: a number that is half typed is another session's. */
function begun(yes) {
  for (const one of [start, form.elements.session_id, form.elements.status]) one.disabled = yes;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { session_id: session, status } = form.elements;
  const choice = { session_id: Number(session.value), status: status.value };
  begun(true);
  marked = new Map();
  show();
  if (!(await showing(() => openCamera(video)))) {
    end();
    return;
  }
  current = {};
  stop.disabled = false;
  await run(current, choice);
});

stop.addEventListener("click", end);
