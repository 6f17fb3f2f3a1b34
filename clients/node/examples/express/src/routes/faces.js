/** The old server's routes about faces. */

import { Router } from "express";

import { pick, pictureOf } from "../fields.js";

const PERSON = ["person_type", "person_code"];
const SEARCH = ["person_type", "similarity_threshold", "source_image_name", "top_k"];

export function faceRoutes(client, sessions) {
  const router = Router();
  const loggedIn = sessions.require();
  const admin = sessions.require({ admin: true });

  const enroll = async ({ body }, response) => {
    const fields = pick(body, ...PERSON, "person_name", "original_name", "mode");
    response.json(await client.enroll({ ...fields, image: pictureOf(body) }));
  };
  router.post("/api/face/register", admin, enroll);
  router.post("/api/face/enroll", admin, enroll);

  const list = async ({ params, query }, response) => {
    response.json(await client.listFaces(params.personType, pick(query, "limit", "offset", "person_code")));
  };
  router.get("/api/face-descriptors/:personType", admin, list);
  router.get("/api/face/list/:personType", admin, list);

  router.delete("/api/admin/face/:id", admin, async ({ params }, response) => {
    response.json(await client.deleteFace(params.id));
  });
  router.delete("/api/face/delete", admin, async ({ body }, response) => {
    response.json(await client.deletePerson(body?.person_type, body?.person_code));
  });
  router.post("/api/face/quality-check", admin, async ({ body }, response) => {
    response.json(await client.qualityCheck(pictureOf(body)));
  });

  router.post("/api/face/recognize", loggedIn, async ({ body }, response) => {
    response.json(await client.recognize(pictureOf(body), pick(body, ...SEARCH)));
  });
  router.post("/api/face/recognize-all", loggedIn, async ({ body }, response) => {
    response.json(await client.recognizeAll(pictureOf(body), pick(body, ...SEARCH)));
  });
  return router;
}
