/** Teachers' login. This page decides nothing: the server checks the PIN and the picture, and sets the cookie. */

import { call, showing } from "./api.js";
import { closeCamera, openCamera, snapshot } from "./camera.js";

const form = document.querySelector("#login");
const video = form.querySelector("video");
const who = document.querySelector("#who");
const logout = document.querySelector("#logout");

function show(teacher) {
  who.textContent = teacher ? `Logged in: ${teacher.name} (${teacher.code})` : "";
  form.hidden = teacher !== null;
  logout.hidden = teacher === null;
}

async function begin() {
  show(null);
  await showing(() => openCamera(video));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { teacher_code: code, pin } = form.elements;
  await showing(async () => {
    const body = { teacher_code: code.value, pin: pin.value, image_base64: snapshot(video).url };
    pin.value = "";
    show((await call("POST", "/api/teacher/login", body)).teacher);
    closeCamera(video);
  });
});

logout.addEventListener("click", () => showing(async () => {
  await call("POST", "/api/teacher/logout");
  await begin();
}));

await showing(async () => {
  const { teacher } = await call("GET", "/api/teacher/me");
  if (teacher) show(teacher);
  else await begin();
});
