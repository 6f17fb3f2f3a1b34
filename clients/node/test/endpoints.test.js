/** Every method, against the live server. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import {
  ForbiddenError, ImageTooLargeError, ModelConflictError, ModelNotFoundError, NotDoneError, NotFoundError, Rollcall,
} from "rollcall-client";

import { ROUTES } from "../src/routes.js";
import { clientOf, file, kioskKey, url } from "./world.js";

// The old server's names, for which the methods of the new names are enough.
const OLD_NAMES = new Set(["POST /api/face/register", "GET /api/face-descriptors/{personType}"]);
// /metrics is no part of the document.
const UNDOCUMENTED = new Set(["GET /metrics"]);

const called = new Set();

/** The real fetch, which notes what is called. */
function noting(address, init) {
  const path = new URL(address).pathname;
  called.add(`${init.method} ${path}`);
  return fetch(address, init);
}

const client = clientOf({ fetch: noting });
const document = await (await fetch(`${url}/openapi.json`)).json();
const served = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
);
const isServed = (route) => served.includes(`${route.method} ${route.path}`);

test("no endpoint of the server is forgotten", () => {
  const known = new Set(Object.values(ROUTES).map(({ method, path }) => `${method} ${path}`));
  assert.deepEqual(served.filter((operation) => !known.has(operation) && !OLD_NAMES.has(operation)), []);
});

test("every endpoint of the client is the server's", () => {
  const strange = Object.values(ROUTES).filter((route) => !isServed(route));
  assert.deepEqual(strange.filter(({ method, path }) => !UNDOCUMENTED.has(`${method} ${path}`)), []);
});

test("every endpoint has a method of its name", () => {
  for (const name of Object.keys(ROUTES)) assert.equal(typeof Rollcall.prototype[name], "function", name);
});

describe("the service", () => {
  test("health", async () => {
    const health = await client.health();
    assert.equal(health.status, "healthy");
    assert.equal(health.model, "synthetic");
  });

  test("metrics", async () => {
    assert.match(await client.metrics(), /^rollcall_/m);
  });
});

describe("faces", () => {
  let ada;
  let recognitionId;

  test("enroll, with a name in any alphabet, and the file's name", async () => {
    ada = await client.enroll({
      person_type: "student", person_code: "N001", person_name: "Žofie Ødegård 王", image: file("person-1.jpg"),
    });
    assert.equal(ada.success, true);
    assert.equal(ada.person_code, "N001");
    assert.ok(ada.embedding_id > 0);
  });

  test("recognize", async () => {
    const found = await client.recognize(file("person-1.jpg"), { person_type: "student", top_k: 2 });
    assert.equal(found.match.person_code, "N001");
    assert.equal(found.match.person_name, "Žofie Ødegård 王");
    assert.equal(found.candidates.length, 1);
    recognitionId = found.recognition_id;
  });

  test("recognize with a threshold that nobody reaches", async () => {
    const found = await client.recognize(file("person-9.jpg"), { similarity_threshold: 1 });
    assert.equal(found.match, null);
  });

  test("feedback", async () => {
    const said = await client.feedback({ recognition_id: recognitionId, correct: true });
    assert.deepEqual(said.outcomes, ["true_match"]);
  });

  test("batchEnroll keeps the order, and a bad item fails alone", async () => {
    const item = (code, image) => ({ person_type: "student", person_code: code, person_name: code, image });
    const answer = await client.batchEnroll([
      item("N002", file("person-2.jpg")),
      item("N003", file("no-such-file.jpg")),
      item("N004", file("empty.jpg")),
      item("N005", await readFile(file("person-5.jpg"))),
    ]);
    assert.deepEqual(
      answer.results.map(({ person_code, success, error_code }) => [person_code, success, error_code]),
      [
        ["N002", true, null],
        ["N003", false, "PICTURE_UNREADABLE"],
        ["N004", false, "NO_FACE_DETECTED"],
        ["N005", true, null],
      ],
    );
    assert.deepEqual(answer.summary, { total: 4, successful: 2, failed: 2 });
  });

  test("recognizeAll", async () => {
    const found = await client.recognizeAll(file("group.jpg"));
    assert.equal(found.faces.length, 3);
    const codes = found.faces.map((face) => face.match?.person_code ?? null);
    assert.deepEqual(codes.sort(), ["N001", "N002", null].sort());
  });

  test("verify two pictures, and a picture with a person", async () => {
    const two = await client.verify({ image1: file("person-1.jpg"), image2: file("person-2.jpg") });
    assert.equal(two.verified, false);
    const one = await client.verify({ image: file("person-1.jpg"), person_type: "student", person_code: "N001" });
    assert.equal(one.verified, true);
    assert.ok(one.confidence > 0.5);
  });

  test("detect", async () => {
    const { faces } = await client.detect(file("group.jpg"));
    assert.equal(faces.length, 3);
    assert.equal(faces[0].landmarks.length, 5);
  });

  test("qualityCheck", async () => {
    const { quality } = await client.qualityCheck(file("empty.jpg"));
    assert.equal(quality.face_detected, false);
  });

  test("listFaces, by page and by code", async () => {
    const page = await client.listFaces("student", { limit: 1, offset: 1 });
    assert.equal(page.faces.length, 1);
    assert.equal(page.total_count, 3);
    const [face] = (await client.listFaces("all", { person_code: "N001" })).faces;
    assert.equal(face.id, ada.embedding_id);
  });

  test("eachFace goes through all pages", async () => {
    const codes = [];
    for await (const face of client.eachFace("student", { pageSize: 2 })) codes.push(face.person_code);
    assert.deepEqual(codes.sort(), ["N001", "N002", "N005"]);
  });

  test("deleteFace and deletePerson", async () => {
    const [face] = (await client.listFaces("student", { person_code: "N002" })).faces;
    assert.match((await client.deleteFace(face.id)).message, /1 face/);
    assert.match((await client.deletePerson("student", "N005")).message, /1 face/);
    assert.equal((await client.listFaces()).total_count, 1);
  });
});

describe("attendance", () => {
  test("scan marks once", async () => {
    const first = await client.scan(file("person-1.jpg"), { session_id: 7 });
    assert.deepEqual(first.marked.map(({ student_code, status }) => [student_code, status]), [["N001", "Present"]]);
    const second = await client.scan(file("person-1.jpg"), { session_id: 7, status: "Late" });
    assert.deepEqual(second.marked.map(({ status, already_marked }) => [status, already_marked]), [["Present", true]]);
  });
});

describe("the roll", () => {
  test("attendanceChoices", async () => {
    const { sessions } = await client.attendanceChoices();
    assert.equal(sessions.find(({ session_id }) => session_id === 7).marked, 1);
  });

  test("attendance, and the same as CSV", async () => {
    const roll = await client.attendance(7, { form: undefined });
    assert.deepEqual(roll.students.map(({ student_code, status }) => [student_code, status]).at(0), ["N001", "Present"]);
    assert.equal(roll.summary.present, 1);
    assert.equal((await client.attendance(7, { form: "nowhere" })).summary.total, 0);
    const lines = (await client.attendanceCsv(7)).trim().split(/\r?\n/);
    assert.match(lines[0], /^"?student_code"?,/);
    assert.match(lines[1], /^"?N001"?,.*Present/);
  });
});

describe("people", () => {
  test("people, by search and by page", async () => {
    const found = await client.people({ person_type: "student", search: "ødegård", enrolled: true });
    assert.deepEqual(found.people.map(({ person_code, face_count }) => [person_code, face_count]), [["N001", 1]]);
    const without = await client.people({ enrolled: false, limit: 1 });
    assert.equal(without.people.length, 1);
  });

  test("eachPerson goes through all pages", async () => {
    const codes = [];
    for await (const person of client.eachPerson({ pageSize: 1 })) codes.push(person.person_code);
    assert.equal(codes.length, (await client.people()).total_count);
    assert.ok(codes.includes("N001"));
  });

  test("faceImage, as it is and smaller", async () => {
    const [{ id }] = (await client.listFaces("student", { person_code: "N001" })).faces;
    const whole = await client.faceImage(id);
    assert.equal(whole.type, "image/jpeg");
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), await readFile(file("person-1.jpg")));
    const small = await client.faceImage(id, { max_side: 64 });
    assert.ok(small.size > 0 && small.size < whole.size);
  });

  test("statistics", async () => {
    const { today, hours } = await client.statistics();
    assert.ok(today.recognitions > 0);
    assert.equal(hours.length, 24);
  });
});

describe("jobs", () => {
  const fields = { photos: file("photos.zip"), csv: file("people.csv"), person_type: "student" };

  test("startImport, waitForJob, job, jobs, jobReport", { timeout: 120_000 }, async () => {
    const { job: begun } = await client.startImport(fields);
    assert.equal(begun.kind, "import");
    const states = [];
    const found = await client.waitForJob(begun.id, { pollMs: 50, onProgress: ({ job }) => states.push(job.state) });
    assert.equal(states.at(-1), "done");
    assert.deepEqual([found.job.enrolled, found.job.failed], [1, 1]);
    assert.deepEqual(found.errors.map(({ person_code }) => person_code), ["N102"]);
    assert.ok((await client.jobs()).jobs.some(({ id }) => id === begun.id));
    assert.match(await client.jobReport(begun.id), /^"?\d+"?,"?N101"?,.*enrolled/m);
  });

  test("cancelJob, of one that has ended too", { timeout: 120_000 }, async () => {
    const { job } = await client.startImport({ ...fields, dry_run: true });
    const cancelled = await client.cancelJob(job.id);
    assert.ok(["cancelled", "done"].includes(cancelled.job.state));
    if (cancelled.job.state === "cancelled") await assert.rejects(client.waitForJob(job.id), NotDoneError);
  });

  test("a zip beyond the server's limit is refused while it is sent", async () => {
    await assert.rejects(client.startImport({ ...fields, photos: Buffer.alloc(12 * 2 ** 20) }), ImageTooLargeError);
    await assert.rejects(client.startImport({ ...fields, photos: Buffer.alloc(300 * 2 ** 20) }), ImageTooLargeError);
  });

  test("a job that is not there", async () => {
    await assert.rejects(client.job("0".repeat(32)), NotFoundError);
  });
});

describe("models", () => {
  test("models and leftFaces", async () => {
    const { active, models } = await client.models();
    assert.equal(active, "synthetic");
    assert.ok(models.some(({ name }) => name === "other"));
    assert.equal((await client.leftFaces({ limit: 5 })).total_count, 0);
  });

  test("an unknown model, and a switch that is not there", async () => {
    await assert.rejects(client.switchModel("nowhere"), ModelNotFoundError);
    await assert.rejects(client.cancelSwitch(), ModelConflictError);
  });

  test("switch, wait, and roll back", { timeout: 240_000 }, async () => {
    const begun = await client.switchModel("other");
    assert.equal(begun.switch.target, "other");
    const seen = [];
    const settled = await client.waitForSwitch({ pollMs: 100, onProgress: (models) => seen.push(models.switch.state) });
    assert.equal(settled.active, "other");
    assert.equal(seen.at(-1), "done");
    assert.equal((await client.rollbackModel()).switch.kind, "rollback");
    assert.equal((await client.waitForSwitch({ pollMs: 100 })).active, "synthetic");
  });
});

test("a kiosk's key opens what kiosks do, and no more", async () => {
  const kiosk = clientOf({ apiKey: kioskKey });
  assert.equal((await kiosk.recognize(file("person-1.jpg"))).match.person_code, "N001");
  await assert.rejects(kiosk.listFaces(), (error) => {
    assert.ok(error instanceof ForbiddenError);
    assert.equal(error.details.required_role, "admin");
    return true;
  });
});

test("a face that is not there", async () => {
  await assert.rejects(client.deleteFace(2 ** 31 - 1), NotFoundError);
});

after(() => {
  const isCalled = ({ method, path }) => {
    const pattern = new RegExp(`^${method} ${path.replace(/\{\w+\}/g, "[^/]+")}$`);
    return [...called].some((call) => pattern.test(call));
  };
  const missing = Object.entries(ROUTES).filter(([, route]) => !isCalled(route));
  assert.deepEqual(missing.map(([name]) => name), [], "methods that no test called");
});
