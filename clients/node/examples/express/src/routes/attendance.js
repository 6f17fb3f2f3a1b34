/** Marking attendance, and seeing it. */

import { Router } from "express";

import { pick, pictureOf } from "../fields.js";

export function attendanceRoutes(client, sessions) {
  const router = Router();
  const loggedIn = sessions.require();

  router.post("/api/attendance/scan", loggedIn, async ({ body }, response) => {
    response.json(await client.scan(pictureOf(body), pick(body, "session_id", "status")));
  });
  router.get("/api/attendance", loggedIn, async (_request, response) => {
    response.json(await client.attendanceChoices());
  });
  router.get("/api/attendance/:sessionId", loggedIn, async ({ params, query }, response) => {
    response.json(await client.attendance(params.sessionId, pick(query, "form", "campus")));
  });
  return router;
}
