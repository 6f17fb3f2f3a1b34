/** Teachers' login: what they know (a PIN) and how they look, both checked here and never by the browser. */

import { Router } from "express";
import { isRollcallError } from "rollcall-client";

import { Attempts } from "../attempts.js";
import { Refusal } from "../errors.js";
import { pictureOf } from "../fields.js";
import { isPin } from "../pins.js";
import { codeOf } from "../settings.js";

// Answers that say that this picture does not show this teacher.
const NOT_THIS_FACE = [
  "NO_FACE_DETECTED", "MULTIPLE_FACES", "PERSON_NOT_FOUND",
  // Told apart from a wrong PIN, these would say that the PIN is right.
  "INVALID_IMAGE", "UNSUPPORTED_IMAGE_FORMAT", "IMAGE_TOO_LARGE",
];
const LONGEST_PIN = 200;
// A school's computers may all have one address outside.
const FAILURES_OF_CODE = 5;
const FAILURES_OF_ADDRESS = 50;

export function loginRoutes(client, teachers, sessions) {
  const router = Router();
  const byCode = new Attempts(FAILURES_OF_CODE);
  const byAddress = new Attempts(FAILURES_OF_ADDRESS);

  router.post("/api/teacher/login", async ({ body, ip }, response) => {
    const { code, pin } = read(body);
    const image = pictureOf(body);
    const tries = [byAddress.begin(ip), byCode.begin(code)];
    const forgive = () => tries.forEach((takeBack) => takeBack());
    const teacher = teachers.get(code);
    // The PIN first: whoever does not know it learns nothing about faces.
    const isRight = (await isPin(pin, teacher?.pin)) && (await shows(client, image, code, forgive));
    if (!isRight) {
      throw new Refusal(401, "UNAUTHORIZED", "The login failed.", "Check code and PIN, and look into the camera.");
    }
    forgive();
    sessions.begin(response, teacher);
    response.json({ success: true, teacher: told(teacher) });
  });

  router.post("/api/teacher/logout", (request, response) => {
    sessions.end(request, response);
    response.json({ success: true });
  });

  router.get("/api/teacher/me", (request, response) => {
    const teacher = sessions.teacherOf(request);
    response.json({ success: true, teacher: teacher && told(teacher) });
  });
  return router;
}

function read(body) {
  const { teacher_code: code, pin } = body ?? {};
  if (typeof code !== "string" || typeof pin !== "string" || pin.length > LONGEST_PIN) {
    throw new Refusal(422, "VALIDATION_ERROR", "teacher_code or pin is missing.", "Send both as texts.");
  }
  return { code: codeOf(code), pin };
}

/** Whether the picture shows this very teacher, by the server's own threshold; `forgive()` where it cannot be asked. */
async function shows(client, image, code, forgive) {
  try {
    return (await client.verify({ image, person_type: "teacher", person_code: code })).verified;
  } catch (error) {
    if (NOT_THIS_FACE.some((known) => isRollcallError(error, known))) return false;
    forgive();
    throw error;
  }
}

const told = ({ code, name, admin }) => ({ code, name, admin: admin === true });
