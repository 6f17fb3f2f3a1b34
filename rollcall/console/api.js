// The server's API. Every failure is an ApiError in the user's words.

import { ApiError, errorOf, left, notUnderstood, parsed, tooLate, unreachable } from "./api_errors.js";
import { askForKey, currentKey } from "./key.js";

export { ApiError };

/** The server's root, also where a proxy serves it under a prefix: this file lies in /console/. */
const ROOT = new URL("../", import.meta.url);
const ANSWER_LIMIT_MS = 30_000;
const UPLOAD_LIMIT_MS = 600_000;

/**
 * The JSON of an answer. Options of all calls: {query, signal, timeoutMs}. `also` lists statuses besides 2xx
 * that are answers and no errors.
 */
export function get(path, options = {}) {
  return call("GET", path, options);
}

export function post(path, body, options = {}) {
  return call("POST", path, { ...options, body });
}

export function del(path, body, options = {}) {
  return call("DELETE", path, { ...options, body });
}

/** The bytes of an answer, such as a picture or a CSV file. */
export function blob(path, options = {}) {
  return call("GET", path, { ...options, read: (answer) => answer.blob() });
}

/** An option `read` of get and post: the answer with its headers, {answer, headers}. */
export async function withHeaders(answer) {
  return { answer: await answer.json(), headers: answer.headers };
}

/** Let the browser save bytes under a name. */
export function save(bytes, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  // The browser has taken it by then; the page may stay open for days.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** POST a form and tell how much of it went: onProgress(part) with 0 to 1. */
export async function sendForm(
  path,
  form,
  { signal, timeoutMs = UPLOAD_LIMIT_MS, onProgress = () => {} } = {},
) {
  return withKey(async (key) => {
    const answer = await upload(address(path), form, { key, signal, timeoutMs, onProgress });
    if (answer.status < 200 || answer.status > 299) throw errorOf(answer, answer.header);
    return parsed(answer.text) ?? {};
  });
}

async function call(
  method,
  path,
  { query, body, signal, timeoutMs = ANSWER_LIMIT_MS, also = [], read = (answer) => answer.json() },
) {
  return withKey(async (key) => {
    const limit = limited(signal, timeoutMs);
    try {
      const answer = await fetch(address(path, query), {
        ...message(body, key),
        method,
        signal: limit.signal,
      });
      if (answer.ok || also.includes(answer.status)) return await read(answer);
      throw errorOf({ status: answer.status, text: await answer.text() }, (name) => answer.headers.get(name));
    } catch (error) {
      throw told(error, signal, timeoutMs);
    } finally {
      limit.done();
    }
  });
}

/** Do it with the key of this visit; again when the server refused it and the user entered another. */
async function withKey(work) {
  for (;;) {
    const key = currentKey();
    try {
      return await work(key);
    } catch (error) {
      if (!(error instanceof ApiError && error.asksForKey && (await askForKey(key)))) throw error;
    }
  }
}

function address(path, query = {}) {
  const url = new URL(path.replace(/^\//, ""), ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

function message(body, key) {
  const headers = key === null ? {} : { "X-API-Key": key };
  if (body === undefined || body === null) return { headers };
  if (body instanceof FormData) return { headers, body };
  return { headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** A signal that also ends after some time. */
function limited(signal, timeoutMs) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const timer = setTimeout(abort, timeoutMs);
  const done = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, done };
}

/** What fetch throws, in the user's words; the caller's own abort stays an AbortError. */
function told(error, signal, timeoutMs) {
  if (error instanceof ApiError || signal?.aborted) return error;
  if (error.name === "AbortError") return tooLate(timeoutMs);
  if (error instanceof SyntaxError) return notUnderstood();
  return unreachable();
}

function upload(url, form, { key, signal, timeoutMs, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("POST", url);
    request.timeout = timeoutMs;
    if (key !== null) request.setRequestHeader("X-API-Key", key);
    request.upload.addEventListener("progress", (event) =>
      onProgress(event.lengthComputable ? event.loaded / event.total : 0),
    );
    request.addEventListener("load", () =>
      resolve({
        status: request.status,
        text: request.responseText,
        header: (name) => request.getResponseHeader(name),
      }),
    );
    request.addEventListener("error", () => reject(unreachable()));
    request.addEventListener("timeout", () => reject(tooLate(timeoutMs)));
    request.addEventListener("abort", () => reject(left()));
    request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) reject(left());
    else request.send(form);
  });
}
