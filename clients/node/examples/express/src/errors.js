/** Errors in the shape that Rollcall has: `{success, error_code, message, details}`. */

import { isRollcallError } from "rollcall-client";

/** What this server itself refuses. */
export class Refusal extends Error {
  retryAfterSeconds = null;

  constructor(status, code, message, suggestion) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = { suggestion };
  }
}

// Whose fault they are: this server's key is not the browser's.
const OURS = new Set(["UNAUTHORIZED", "FORBIDDEN"]);
// What the client says itself, and what a proxy would.
const STATUS = {
  NETWORK_ERROR: 502, UNEXPECTED_ANSWER: 502, TIMEOUT: 504,
  IMAGE_TOO_LARGE: 413, INVALID_IMAGE: 400, VALIDATION_ERROR: 422,
};

/** For paths that nobody serves. */
export function notFound() {
  throw new Refusal(404, "NOT_FOUND", "There is nothing here.", "The README names the routes.");
}

/** Express' error handler. Must come last. */
export function answerErrors(error, request, response, next) {
  if (response.headersSent) return next(error);
  const { status, code, message, details, retryAfterSeconds, requestId } = known(error);
  if (status >= 500) console.error(`${request.method} ${request.route?.path ?? "-"}: ${code} (request ${requestId ?? "-"})`);
  if (retryAfterSeconds != null) response.set("Retry-After", String(retryAfterSeconds));
  if (requestId) response.set("X-Request-ID", requestId);
  return response.status(status).json({ success: false, error_code: code, message, details });
}

function known(error) {
  if (error instanceof Refusal) return error;
  if (isRollcallError(error)) return fromRollcall(error);
  if (error.type === "entity.too.large") {
    return new Refusal(413, "IMAGE_TOO_LARGE", "The request is too large.", "Send a picture of at most 10 MB.");
  }
  if (error.status >= 400 && error.status < 500) {
    return new Refusal(422, "VALIDATION_ERROR", "The request cannot be read.", "Send JSON, as application/json.");
  }
  console.error(error);
  return new Refusal(500, "INTERNAL_ERROR", "Something went wrong.", "Try again; tell the administrator.");
}

function fromRollcall(error) {
  if (OURS.has(error.code)) {
    console.error("Rollcall refuses ROLLCALL_API_KEY:", error.message);
    return new Refusal(500, "INTERNAL_ERROR", "This server may not ask Rollcall.", "Tell the administrator.");
  }
  const { code, message, details, retryAfterSeconds, requestId } = error;
  return { status: error.status ?? STATUS[code] ?? 500, code, message, details, retryAfterSeconds, requestId };
}
