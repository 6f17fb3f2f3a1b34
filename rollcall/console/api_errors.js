// What can go wrong with a call, in the user's words.

export class ApiError extends Error {
  constructor({ code, status, message, suggestion = "", details = {}, retryAfter = null, requestId = null }) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { code, status, suggestion, details, retryAfter, requestId });
  }

  /** The server wants a key, or does not know the one it got. */
  get asksForKey() {
    return this.status === 401 || (this.status === 403 && !this.details.required_role);
  }

  /** Another key could do it. */
  get needsOtherKey() {
    return this.status === 401 || this.status === 403;
  }
}

// What the server says of these is meant for programs that call it.
const FOR_PEOPLE = {
  UNAUTHORIZED: "Enter the key that the administrator gave you.",
  NOT_FOUND: "It may have been deleted meanwhile. Check the number, or load the page again.",
  RATE_LIMITED: "There were too many requests from here within a minute.",
  OVERLOADED: "The server has too much to do.",
  MODEL_NOT_LOADED: "Wait until the model is loaded; the Overview says how it stands.",
  MODEL_NOT_FOUND: "The page of models lists those that there are.",
  MODEL_CONFLICT: "The page of models says how it stands.",
  INVALID_IMAGE:
    "See whether it opens on this device. If so, save it anew as JPEG; if not, take another picture.",
  UNSUPPORTED_IMAGE_FORMAT: "Save it as JPEG, PNG or WebP.",
  PERSON_NOT_FOUND: "Check who it is, and the code.",
  DATABASE_ERROR: "Try again in a moment; the Overview says whether the database is reachable.",
};

// Uploads of several kinds can be too large, and the server says of each what to do.
const REWORDED = { "Send a picture of at most 10 MB.": "Use a picture of at most 10 MB." };

/** The error of an answer; `header(name)` gives its headers. */
export function errorOf({ status, text }, header) {
  const { error_code: code, message, details = {} } = parsed(text) ?? {};
  if (!code) return notUnderstood(status);
  const retryAfter = Number(header("Retry-After")) || null;
  return new ApiError({
    code,
    status,
    retryAfter,
    message: status === 403 && details.required_role === "admin" ? "This page needs an admin key." : message,
    suggestion: suggestionOf(code, details, retryAfter),
    details,
    requestId: header("X-Request-ID"),
  });
}

function suggestionOf(code, details, retryAfter) {
  const said = FOR_PEOPLE[code] ?? REWORDED[details.suggestion] ?? details.suggestion ?? "";
  if (retryAfter === null) return said;
  return `${said} Try again in ${retryAfter === 1 ? "a second" : `${retryAfter} seconds`}.`;
}

/** The value of a JSON text; null if it is none. */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function unreachable() {
  return new ApiError({
    code: "UNREACHABLE",
    status: 0,
    message: "The server cannot be reached.",
    suggestion: "Check this device's network, and whether the server is running. Then try again.",
  });
}

export function tooLate(timeoutMs) {
  return new ApiError({
    code: "TIMEOUT",
    status: 0,
    message: `The server did not answer within ${Math.round(timeoutMs / 1000)} seconds.`,
    suggestion: "It may be busy, or the network slow. Try again in a moment.",
  });
}

export function notUnderstood(status = 0) {
  return new ApiError({
    code: "NOT_UNDERSTOOD",
    status,
    message: "The answer is not one of Rollcall's.",
    suggestion:
      "Something between this page and the server may have answered, such as a proxy. Ask your administrator.",
  });
}

export function left() {
  return new DOMException("The page was left.", "AbortError");
}
