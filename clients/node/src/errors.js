/** Everything that a call can reject with: one class for each `error_code`, and a few of the client's own. */

// Not `instanceof` alone: a program may have two copies of this package.
const MARK = Symbol.for("rollcall.error");

/** Base of all errors of this client. A code that it does not know comes as this class itself. */
export class RollcallError extends Error {
  /** The `error_code` that the class stands for. */
  static code = "UNKNOWN";

  /**
   * @param {string} message what went wrong, for people
   * @param {object} [about]
   * @param {string} [about.code] the `error_code`, where it is not the class's own
   * @param {number | null} [about.status] the HTTP status; null if no server answered
   * @param {Record<string, unknown>} [about.details] the answer's `details`
   * @param {string | null} [about.requestId] the answer's X-Request-ID
   * @param {number | null} [about.retryAfterSeconds] how long the server asks to wait
   * @param {unknown} [about.cause] the error behind it
   */
  constructor(message, { code, status = null, details = {}, requestId = null, retryAfterSeconds = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code ?? new.target.code;
    this.status = status;
    this.details = details;
    this.suggestion = typeof details.suggestion === "string" ? details.suggestion : null;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
    /** True where a call that changes something may have been carried out all the same. */
    this.mayBeDone = details.may_be_done === true;
    Object.defineProperty(this, MARK, { value: true });
  }
}

/** Whether this is an error of this client and, with a code, of this one. */
export function isRollcallError(error, code) {
  return error?.[MARK] === true && (code === undefined || error.code === code);
}

/** 422: no face passed the detector. */
export class NoFaceDetectedError extends RollcallError { static code = "NO_FACE_DETECTED"; }
/** 422: several faces, and the server is set to refuse those. */
export class MultipleFacesError extends RollcallError { static code = "MULTIPLE_FACES"; }
/** 422: the face is not good enough to enrol; `details.reasons` says why. */
export class LowQualityImageError extends RollcallError { static code = "LOW_QUALITY_IMAGE"; }
/** 409: the person has a face already. */
export class DuplicateEnrollmentError extends RollcallError { static code = "DUPLICATE_ENROLLMENT"; }
/** 404: no such person, or no face of that person. */
export class PersonNotFoundError extends RollcallError { static code = "PERSON_NOT_FOUND"; }
/** 422: fields are missing or wrong; `details.fields` names them. */
export class ValidationError extends RollcallError { static code = "VALIDATION_ERROR"; }
/** 400: not a picture that can be decoded. */
export class InvalidImageError extends RollcallError { static code = "INVALID_IMAGE"; }
/** 415: not JPEG, PNG or WebP. */
export class UnsupportedImageFormatError extends RollcallError { static code = "UNSUPPORTED_IMAGE_FORMAT"; }
/** 413, or `status` null where the client itself refused to send it. */
export class ImageTooLargeError extends RollcallError { static code = "IMAGE_TOO_LARGE"; }
/** 429: too many requests; `retryAfterSeconds` says when to ask again. */
export class RateLimitedError extends RollcallError { static code = "RATE_LIMITED"; }
/** 503: the server is busy; `retryAfterSeconds` says when to ask again. */
export class OverloadedError extends RollcallError { static code = "OVERLOADED"; }
/** 503: no model can answer. */
export class ModelNotLoadedError extends RollcallError { static code = "MODEL_NOT_LOADED"; }
/** 404: there is no model of this name. */
export class ModelNotFoundError extends RollcallError { static code = "MODEL_NOT_FOUND"; }
/** 422: a model that cannot be loaded. */
export class ModelUnusableError extends RollcallError { static code = "MODEL_UNUSABLE"; }
/** 409: models cannot be changed in this way now. */
export class ModelConflictError extends RollcallError { static code = "MODEL_CONFLICT"; }
/** 503: the database did not answer. */
export class DatabaseError extends RollcallError { static code = "DATABASE_ERROR"; }
/** 507: the server's disk has no room for an import. */
export class StorageFullError extends RollcallError { static code = "STORAGE_FULL"; }
/** 401: the server wants an API key. */
export class UnauthorizedError extends RollcallError { static code = "UNAUTHORIZED"; }
/** 403: the key is wrong, or its role does not allow this. */
export class ForbiddenError extends RollcallError { static code = "FORBIDDEN"; }
/** 404: no such row or path. */
export class NotFoundError extends RollcallError { static code = "NOT_FOUND"; }
/** 405: the path does not take this method. */
export class MethodNotAllowedError extends RollcallError { static code = "METHOD_NOT_ALLOWED"; }
/** 500: a fault of the server. */
export class InternalError extends RollcallError { static code = "INTERNAL_ERROR"; }

/** The classes of what the server answers, by `error_code`. */
export const ERRORS_BY_CODE = Object.freeze(
  Object.fromEntries(
    [
      NoFaceDetectedError, MultipleFacesError, LowQualityImageError, DuplicateEnrollmentError, PersonNotFoundError,
      ValidationError, InvalidImageError, UnsupportedImageFormatError, ImageTooLargeError, RateLimitedError,
      OverloadedError, ModelNotLoadedError, ModelNotFoundError, ModelUnusableError, ModelConflictError,
      DatabaseError, StorageFullError, UnauthorizedError, ForbiddenError, NotFoundError, MethodNotAllowedError, InternalError,
    ].map((kind) => [kind.code, kind]),
  ),
);

/** The server cannot be reached, or the connection broke. */
export class NetworkError extends RollcallError { static code = "NETWORK_ERROR"; }
/** The call took longer than `timeoutMs`. */
export class TimeoutError extends RollcallError { static code = "TIMEOUT"; }
/** Something else than Rollcall answered, such as a proxy. */
export class UnexpectedAnswerError extends RollcallError { static code = "UNEXPECTED_ANSWER"; }
/** The file or stream that was given as a picture cannot be read. */
export class PictureUnreadableError extends RollcallError { static code = "PICTURE_UNREADABLE"; }
/** What was waited for ended, but failed or was cancelled; `details` has the switch or the job. */
export class NotDoneError extends RollcallError { static code = "NOT_DONE"; }
