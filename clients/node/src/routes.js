import { ValidationError } from "./errors.js";

/*
 * Every endpoint, by the client's method for it.
 *
 * `asks`: it changes nothing but the log of recognitions, or does no harm when done twice, so it may be sent again
 * after any failure. The others are sent again only where the server surely did not carry them out.
 * `slow`: the server takes up to ten times as long, and so does the client's timeout.
 */
const get = (path) => Object.freeze({ method: "GET", path, asks: true });
const ask = (path) => Object.freeze({ method: "POST", path, asks: true });
const change = (method, path, more = {}) => Object.freeze({ method, path, asks: false, ...more });

export const ROUTES = Object.freeze({
  health: get("/api/health"),
  metrics: get("/metrics"),
  enroll: change("POST", "/api/face/enroll"),
  batchEnroll: change("POST", "/api/face/batch-enroll", { slow: true }),
  recognize: ask("/api/face/recognize"),
  recognizeAll: ask("/api/face/recognize-all"),
  verify: ask("/api/face/verify"),
  detect: ask("/api/face/detect"),
  qualityCheck: ask("/api/face/quality-check"),
  // The same feedback counts once, however often it is sent.
  feedback: ask("/api/face/feedback"),
  listFaces: get("/api/face/list/{person_type}"),
  deletePerson: change("DELETE", "/api/face/delete"),
  deleteFace: change("DELETE", "/api/admin/face/{id}"),
  faceImage: get("/api/face/{id}/image"),
  people: get("/api/people"),
  statistics: get("/api/statistics"),
  scan: change("POST", "/api/attendance/scan"),
  attendanceChoices: get("/api/attendance"),
  attendance: get("/api/attendance/{session_id}"),
  attendanceCsv: get("/api/attendance/{session_id}"),
  models: get("/api/models"),
  leftFaces: get("/api/models/left"),
  switchModel: change("POST", "/api/models/switch"),
  cancelSwitch: change("DELETE", "/api/models/switch"),
  rollbackModel: change("POST", "/api/models/rollback"),
  startImport: change("POST", "/api/jobs/import", { slow: true }),
  jobs: get("/api/jobs"),
  job: get("/api/jobs/{id}"),
  jobReport: get("/api/jobs/{id}/report"),
  cancelJob: change("DELETE", "/api/jobs/{id}"),
});

/** The route's path with these values in place, each as one segment. */
export function fill(path, values = {}) {
  return path.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    if (typeof value !== "number" && (typeof value !== "string" || value === "")) {
      throw new TypeError(`${name} must be a number or a text that is not empty.`);
    }
    const segment = encodeURIComponent(String(value));
    // An address takes these for "here" and "one up".
    if (segment === "." || segment === "..") throw notValid(name);
    return segment;
  });
}

function notValid(name) {
  return new ValidationError(`${name} is not valid.`, { details: { suggestion: `Check ${name}.` } });
}

/** `?a=1&b=2`, without what is undefined or null; empty if nothing is left. */
export function queryOf(values = {}) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query && `?${query}`;
}
