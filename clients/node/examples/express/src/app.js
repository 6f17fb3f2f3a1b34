/** The Express app: the pages, and the old server's routes carried out by Rollcall. */

import { fileURLToPath } from "node:url";
import express from "express";
import { MAX_PICTURE_BYTES } from "rollcall-client";

import { Refusal, answerErrors, notFound } from "./errors.js";
import { attendanceRoutes } from "./routes/attendance.js";
import { faceRoutes } from "./routes/faces.js";
import { loginRoutes } from "./routes/login.js";
import { Sessions } from "./sessions.js";

const PUBLIC = fileURLToPath(new URL("../public", import.meta.url));
// Base64 makes 4 bytes of 3; the rest is for the other fields.
const MAX_BODY_BYTES = Math.ceil((MAX_PICTURE_BYTES * 4) / 3) + 64 * 1024;
// Own files only: a script that somebody smuggles in does not run, and nothing leaves to elsewhere.
const POLICY = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** `client` has the API key; no browser ever sees it. */
export function createApp({ client, teachers }) {
  const app = express();
  const sessions = new Sessions();
  app.disable("x-powered-by");
  app.use(secure);
  app.use(express.static(PUBLIC));
  app.use("/api", sameOrigin, express.json({ limit: MAX_BODY_BYTES }));
  app.use(loginRoutes(client, teachers, sessions));
  app.use(faceRoutes(client, sessions));
  app.use(attendanceRoutes(client, sessions));
  app.use(notFound);
  app.use(answerErrors);
  return app;
}

function secure(_request, response, next) {
  response.set({
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self)",
  });
  next();
}

/** Pages of other origins may not act for whoever is logged in here. */
function sameOrigin(request, _response, next) {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    throw new Refusal(403, "FORBIDDEN", "This server serves its own pages only.", "Open the page from this server.");
  }
  next();
}
