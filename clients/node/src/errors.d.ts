/** Everything that a call can reject with. */

/** Base of all errors of this client. A code that it does not know comes as this class itself. */
export class RollcallError extends Error {
  static code: string;
  constructor(message: string, about?: {
    code?: string;
    status?: number | null;
    details?: Record<string, unknown>;
    requestId?: string | null;
    retryAfterSeconds?: number | null;
    cause?: unknown;
  });
  /** The `error_code`. */
  readonly code: string;
  /** The HTTP status; null if no server answered. */
  readonly status: number | null;
  /** What to do, where something is known. */
  readonly suggestion: string | null;
  readonly details: Record<string, unknown>;
  /** The X-Request-ID, by which the server's log knows the call. */
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  /** True where a call that changes something may have been carried out all the same. */
  readonly mayBeDone: boolean;
}

/** Whether this is an error of this client and, with a code, of this one. */
export function isRollcallError(error: unknown, code?: string): error is RollcallError;

/** The classes of what the server answers, by `error_code`. */
export const ERRORS_BY_CODE: Readonly<Record<string, typeof RollcallError>>;

/** 422: no face passed the detector. */
export class NoFaceDetectedError extends RollcallError {}
/** 422: several faces, and the server is set to refuse those. */
export class MultipleFacesError extends RollcallError {}
/** 422: the face is not good enough to enrol; `details.reasons` says why. */
export class LowQualityImageError extends RollcallError {}
/** 409: the person has a face already. */
export class DuplicateEnrollmentError extends RollcallError {}
/** 404: no such person, or no face of that person. */
export class PersonNotFoundError extends RollcallError {}
/** 422: fields are missing or wrong; `details.fields` names them. */
export class ValidationError extends RollcallError {}
/** 400: not a picture that can be decoded. */
export class InvalidImageError extends RollcallError {}
/** 415: not JPEG, PNG or WebP. */
export class UnsupportedImageFormatError extends RollcallError {}
/** 413, or `status` null where the client itself refused to send it. */
export class ImageTooLargeError extends RollcallError {}
/** 429: too many requests; `retryAfterSeconds` says when to ask again. */
export class RateLimitedError extends RollcallError {}
/** 503: the server is busy; `retryAfterSeconds` says when to ask again. */
export class OverloadedError extends RollcallError {}
/** 503: no model can answer. */
export class ModelNotLoadedError extends RollcallError {}
/** 404: there is no model of this name. */
export class ModelNotFoundError extends RollcallError {}
/** 422: a model that cannot be loaded. */
export class ModelUnusableError extends RollcallError {}
/** 409: models cannot be changed in this way now. */
export class ModelConflictError extends RollcallError {}
/** 503: the database did not answer. */
export class DatabaseError extends RollcallError {}
/** 507: the server's disk has no room for an import. */
export class StorageFullError extends RollcallError {}
/** 401: the server wants an API key. */
export class UnauthorizedError extends RollcallError {}
/** 403: the key is wrong, or its role does not allow this. */
export class ForbiddenError extends RollcallError {}
/** 404: no such row or path. */
export class NotFoundError extends RollcallError {}
/** 405: the path does not take this method. */
export class MethodNotAllowedError extends RollcallError {}
/** 500: a fault of the server. */
export class InternalError extends RollcallError {}
/** The server cannot be reached, or the connection broke. */
export class NetworkError extends RollcallError {}
/** The call took longer than `timeoutMs`. */
export class TimeoutError extends RollcallError {}
/** Something else than Rollcall answered, such as a proxy. */
export class UnexpectedAnswerError extends RollcallError {}
/** The file or stream that was given as a picture cannot be read. */
export class PictureUnreadableError extends RollcallError {}
/** What was waited for ended, but failed or was cancelled; `details` has the switch or the job. */
export class NotDoneError extends RollcallError {}
