/** What the server answered, as a value or as an error. */

import { ERRORS_BY_CODE, RollcallError, UnexpectedAnswerError } from "./errors.js";

/** How an answer's body is read. */
export const READERS = Object.freeze({
  json: async (response) => parse(await response.text(), response),
  text: (response) => response.text(),
  blob: (response) => response.blob(),
});

/** The error that an answer with another status than 2xx stands for. */
export function errorOf(response, text) {
  if (response.status >= 300 && response.status < 400) return redirected(response);
  const body = objectIn(text);
  if (body?.success !== false || typeof body.error_code !== "string") return unexpected(response);
  const Kind = ERRORS_BY_CODE[body.error_code] ?? RollcallError;
  return new Kind(String(body.message), {
    code: body.error_code,
    details: typeof body.details === "object" && body.details !== null ? body.details : {},
    ...about(response),
  });
}

function parse(text, response) {
  const body = objectIn(text);
  if (body === null) throw unexpected(response);
  return body;
}

/** The JSON object of this text; null if it is none. */
export function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function unexpected(response) {
  return new UnexpectedAnswerError(`Something else than Rollcall answered, with status ${response.status}.`, {
    details: { suggestion: "Check baseUrl, and the proxy before the server." },
    ...about(response),
  });
}

// Not followed: fetch would take the API key along, to wherever it leads.
function redirected(response) {
  return new UnexpectedAnswerError(`The server redirects to another address, with status ${response.status}.`, {
    details: { suggestion: "Set baseUrl to the address that it redirects to, such as https in place of http." },
    ...about(response),
  });
}

function about(response) {
  return {
    status: response.status,
    requestId: response.headers.get("x-request-id"),
    retryAfterSeconds: secondsUntil(response.headers.get("retry-after")),
  };
}

/** Retry-After is a number of seconds or a date; null if it is neither. */
export function secondsUntil(retryAfter, now = Date.now()) {
  if (retryAfter === null) return null;
  if (/^\s*\d+\s*$/.test(retryAfter)) return Number(retryAfter);
  const moment = Date.parse(retryAfter);
  return Number.isNaN(moment) ? null : Math.max(0, Math.ceil((moment - now) / 1000));
}
