/** The client: one method for each endpoint of the server. */

import { enrollAll } from "./batch.js";
import { form, json } from "./bodies.js";
import { ROUTES } from "./routes.js";
import { Transport } from "./transport.js";
import { uploadForm } from "./uploads.js";
import { requireDone, waitUntil } from "./waiting.js";

const PAGE = 200;

/**
 * A client of one Rollcall server. It holds no connection that must be closed.
 *
 * Fields of requests and answers have the API's own names; types are in index.d.ts. The last argument of each
 * method is `{signal, timeoutMs, retries, requestId}`.
 */
export class Rollcall {
  #transport;

  constructor(options) {
    this.#transport = new Transport(options);
  }

  // The service

  /** How the server stands; an unhealthy one is an answer too. */
  health(options) {
    return this.#transport.send(ROUTES.health, { isAnswer: (body) => body.status === "unhealthy" }, options);
  }

  /** Its figures, in Prometheus' text format. */
  metrics(options) {
    return this.#transport.send(ROUTES.metrics, { read: "text" }, options);
  }

  /** What was recognised today and in the last 24 hours. */
  statistics(options) {
    return this.#transport.send(ROUTES.statistics, {}, options);
  }

  // Faces

  /** Enrol the largest face of a picture. */
  enroll({ image, ...fields }, options) {
    return this.#transport.send(ROUTES.enroll, { body: form(fields, { image }, { nameAs: "original_name" }) }, options);
  }

  /** Enrol many; each succeeds or fails by itself. */
  batchEnroll(enrollments, options) {
    return enrollAll(enrollments, (body) => this.#transport.send(ROUTES.batchEnroll, { body }, options));
  }

  /** Name the largest face of a picture. */
  recognize(image, fields = {}, options = {}) {
    return this.#transport.send(ROUTES.recognize, { body: form(fields, { image }) }, options);
  }

  /** Name every face of a picture, the largest first. */
  recognizeAll(image, fields = {}, options = {}) {
    return this.#transport.send(ROUTES.recognizeAll, { body: form(fields, { image }) }, options);
  }

  /** Compare two pictures (`image1`, `image2`), or a picture (`image`) with an enrolled person. */
  verify({ image, image1, image2, ...fields }, options) {
    const pictures = image === undefined ? { image1, image2 } : { image };
    return this.#transport.send(ROUTES.verify, { body: form(fields, pictures) }, options);
  }

  /** Find the faces of a picture. */
  detect(image, options) {
    return this.#transport.send(ROUTES.detect, { body: form({}, { image }) }, options);
  }

  /** Say whether a picture will do for enrolling. */
  qualityCheck(image, options) {
    return this.#transport.send(ROUTES.qualityCheck, { body: form({}, { image }) }, options);
  }

  /** Say whether a recognition or a scan was right, and who it was. */
  feedback(fields, options) {
    return this.#transport.send(ROUTES.feedback, { body: json(fields) }, options);
  }

  /** A page of the enrolled faces of `student`, `teacher` or `all`. */
  listFaces(personType = "all", query, options) {
    return this.#transport.send(ROUTES.listFaces, { path: { person_type: personType }, query }, options);
  }

  /** Every enrolled face, page after page: `for await (const face of client.eachFace())`. */
  eachFace(personType = "all", { pageSize = PAGE, ...query } = {}, options) {
    return pages(pageSize, async (page) => (await this.listFaces(personType, { ...query, ...page }, options)).faces);
  }

  /** The picture of a face, upright, as a Blob. */
  faceImage(id, query, options) {
    return this.#transport.send(ROUTES.faceImage, { path: { id }, query, read: "blob" }, options);
  }

  /** Delete one face. */
  deleteFace(id, options) {
    return this.#transport.send(ROUTES.deleteFace, { path: { id } }, options);
  }

  /** Delete every face of a person. */
  deletePerson(personType, personCode, options) {
    const body = json({ person_type: personType, person_code: personCode });
    return this.#transport.send(ROUTES.deletePerson, { body }, options);
  }

  // People

  /** A page of students and teachers, enrolled or not. */
  people(query, options) {
    return this.#transport.send(ROUTES.people, { query }, options);
  }

  /** All of them, page after page. */
  eachPerson({ pageSize = PAGE, ...query } = {}, options) {
    return pages(pageSize, async (page) => (await this.people({ ...query, ...page }, options)).people);
  }

  // Attendance

  /** Mark every student in a picture, once per session. */
  scan(image, fields, options) {
    return this.#transport.send(ROUTES.scan, { body: form(fields, { image }) }, options);
  }

  /** Who is present, late and missing in a session. */
  attendance(sessionId, query, options) {
    return this.#transport.send(ROUTES.attendance, { path: { session_id: sessionId }, query }, options);
  }

  /** The same as a CSV file's text. */
  attendanceCsv(sessionId, query, options) {
    const call = { path: { session_id: sessionId }, query: { ...query, format: "csv" }, read: "text" };
    return this.#transport.send(ROUTES.attendanceCsv, call, options);
  }

  /** The sessions, Forms and Campuses that there are. */
  attendanceChoices(options) {
    return this.#transport.send(ROUTES.attendanceChoices, {}, options);
  }

  // Models

  /** Every model, which one answers, and how the last switch stands. */
  models(options) {
    return this.#transport.send(ROUTES.models, {}, options);
  }

  /** Faces that the model that answers does not know. */
  leftFaces(query, options) {
    return this.#transport.send(ROUTES.leftFaces, { query }, options);
  }

  /** Begin to let another model answer; `waitForSwitch` waits for the end. */
  switchModel(model, fields, options) {
    return this.#transport.send(ROUTES.switchModel, { body: json({ model, ...fields }) }, options);
  }

  /** Wait until no switch is under way. Rejects with NotDoneError if the last one failed or was cancelled. */
  async waitForSwitch(options) {
    const found = await waitUntil((more) => this.models(more), isSettled, options);
    if (found.switch !== null) requireDone("The switch", found.switch, { switch: found.switch });
    return found;
  }

  /** Break off the switch under way. */
  cancelSwitch(options) {
    return this.#transport.send(ROUTES.cancelSwitch, {}, options);
  }

  /** Let the model before answer again. */
  rollbackModel(options) {
    return this.#transport.send(ROUTES.rollbackModel, {}, options);
  }

  // Jobs

  /** Begin to import people from a zip of `photos` and, if given, a `csv`; `waitForJob` waits for the end. */
  startImport({ photos, csv, ...fields }, options) {
    const files = { csv: { source: csv, type: "text/csv" }, photos: { source: photos, type: "application/zip" } };
    return this.#transport.send(ROUTES.startImport, { body: uploadForm(fields, files) }, options);
  }

  /** The jobs, newest first. */
  jobs(options) {
    return this.#transport.send(ROUTES.jobs, {}, options);
  }

  /** How a job stands, and its first rows that went wrong. */
  job(id, options) {
    return this.#transport.send(ROUTES.job, { path: { id } }, options);
  }

  /** The report of a job, as a CSV file's text. */
  jobReport(id, options) {
    return this.#transport.send(ROUTES.jobReport, { path: { id }, read: "text" }, options);
  }

  /** Stop a job; what it enrolled stays. */
  cancelJob(id, options) {
    return this.#transport.send(ROUTES.cancelJob, { path: { id } }, options);
  }

  /** Wait for the end of a job. Rejects with NotDoneError if it failed or was cancelled. */
  async waitForJob(id, options) {
    const isOver = ({ job }) => job.state !== "waiting" && job.state !== "running";
    const found = await waitUntil((more) => this.job(id, more), isOver, options);
    requireDone("The job", found.job, { job: found.job });
    return found;
  }
}

const isSettled = (models) => models.switch?.state !== "running";

async function* pages(size, ask) {
  for (let offset = 0; ; offset += size) {
    const items = await ask({ limit: size, offset });
    yield* items;
    if (items.length < size) return;
  }
}
