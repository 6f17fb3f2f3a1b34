"""Everything that can go wrong, as one tree. `rollcall/api/errors.py` gives each leaf its HTTP status."""

from collections.abc import Mapping
from typing import ClassVar


class RollcallError(Exception):
    """Base of all errors that callers are told about.

    `message` never holds a picture, an embedding, a key, a password or a person's name.
    `details` are plain values for the answer's `details` object.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    suggestion: ClassVar[str] = "Try again; if it happens again, tell the administrator the request id."
    summary: ClassVar[str] = "Something went wrong in the server."

    def __init__(self, message: str | None = None, **details: object) -> None:
        self.message = message or self.summary
        self.details: Mapping[str, object] = details
        super().__init__(self.message)


class InternalError(RollcallError):
    """A fault of the server itself."""


class InvalidRequest(RollcallError):
    """The request's fields are missing, unknown or out of range."""

    code = "VALIDATION_ERROR"
    suggestion = "Correct the named fields; /docs describes them."
    summary = "The request is not valid."


class NoFaceDetected(RollcallError):
    """The picture decoded, but no face passed the detector."""

    code = "NO_FACE_DETECTED"
    suggestion = "Use a picture with one clear, frontal face."
    summary = "No face was found in the picture."


class MultipleFaces(RollcallError):
    """Several faces, and MULTIPLE_FACES_POLICY=reject."""

    code = "MULTIPLE_FACES"
    suggestion = "Use a picture that shows one person only."
    summary = "The picture shows several faces."


class LowQualityImage(RollcallError):
    """The face is too small, dark, bright or blurred to enrol."""

    code = "LOW_QUALITY_IMAGE"
    suggestion = "Take a sharp, evenly lit picture from nearer by."
    summary = "The face is not good enough to enrol."


class DuplicateEnrollment(RollcallError):
    """The person has a face already, and `mode` is `reject`."""

    code = "DUPLICATE_ENROLLMENT"
    suggestion = 'Send mode "add" to keep both faces, or "replace" to replace the old ones.'
    summary = "This person is already enrolled."


class PersonNotFound(RollcallError):
    """No such person, or no face of that person."""

    code = "PERSON_NOT_FOUND"
    suggestion = "Check person_type and person_code."
    summary = "No such person."


class InvalidImage(RollcallError):
    """The bytes are not a picture that can be decoded."""

    code = "INVALID_IMAGE"
    suggestion = "Send a JPEG, PNG or WebP file, as base64 or as a form file."
    summary = "The picture cannot be decoded."


class UnsupportedImageFormat(RollcallError):
    """A picture, but not JPEG, PNG or WebP; or a request that is neither JSON nor a form."""

    code = "UNSUPPORTED_IMAGE_FORMAT"
    suggestion = "Send JPEG, PNG or WebP."
    summary = "This picture format is not supported."


class ImageTooLarge(RollcallError):
    """More bytes or pixels than the limits allow."""

    code = "IMAGE_TOO_LARGE"
    suggestion = "Send a picture of at most 10 MB."
    summary = "The picture is too large."


class RateLimited(RollcallError):
    """More requests in a minute than RATE_LIMIT_PER_MINUTE."""

    code = "RATE_LIMITED"
    suggestion = "Wait for as long as the Retry-After header says."
    summary = "Too many requests."


class Overloaded(RollcallError):
    """More requests than may wait, or larger ones than can be held, or one that waited or took too long."""

    code = "OVERLOADED"
    suggestion = "Wait for as long as the Retry-After header says."
    summary = "The server is busy."


class ModelNotLoaded(RollcallError):
    """No model can answer."""

    code = "MODEL_NOT_LOADED"
    suggestion = "Wait for the model to load; /api/health says how it stands."
    summary = "No face model is loaded."


class RunnerAway(ModelNotLoaded):
    """The model runner does not answer, which says nothing about the model."""

    summary = "The model runner is away; it is being started again."


class ModelNotFound(RollcallError):
    """Neither a pack in MODEL_DIR nor one that could be downloaded."""

    code = "MODEL_NOT_FOUND"
    suggestion = "GET /api/models names the models that there are."
    summary = "There is no model of this name."


class ModelUnusable(RollcallError):
    """A model that is there cannot be loaded."""

    code = "MODEL_UNUSABLE"
    suggestion = "Check the pack's files, with `rollcall models verify`; the running model goes on."
    summary = "This model cannot be used."


class ModelConflict(RollcallError):
    """Models cannot be changed in this way now."""

    code = "MODEL_CONFLICT"
    suggestion = "GET /api/models says how it stands."
    summary = "The model cannot be changed now."


class DatabaseError(RollcallError):
    """The database is unreachable or refused a statement."""

    code = "DATABASE_ERROR"
    suggestion = "Try again in a moment; /api/health says whether the database is reachable."
    summary = "The database did not answer."


class StorageFull(RollcallError):
    """The disk has no room for what was sent."""

    code = "STORAGE_FULL"
    suggestion = "Make room on the server's disk, where IMPORT_DIR is, or send less at a time."
    summary = "The server's disk is full."


class Unauthorized(RollcallError):
    """API_KEYS is set and the request carries no key."""

    code = "UNAUTHORIZED"
    suggestion = "Send the key in the X-API-Key header, or as a bearer token."
    summary = "An API key is needed."


class Forbidden(RollcallError):
    """The key is not one of API_KEYS, or its role does not allow this."""

    code = "FORBIDDEN"
    suggestion = "Check the key; the administrator can make another."
    summary = "This API key is not accepted."


class NotFound(RollcallError):
    """No such path or row."""

    code = "NOT_FOUND"
    suggestion = "See /docs for what there is."
    summary = "There is nothing here."


class MethodNotAllowed(RollcallError):
    """The path exists, but not with this method."""

    code = "METHOD_NOT_ALLOWED"
    suggestion = "The Allow header names the methods of this path."
    summary = "This path does not take this method."
