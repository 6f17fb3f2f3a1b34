"""What a bulk import tells people: what is wrong with a row, and what to do."""

from collections.abc import Sequence
from typing import Final

from rollcall.core import errors as e
from rollcall.core.imports import Trouble
from rollcall.core.people import MAX_CODE_LENGTH, MAX_NAME_LENGTH, PersonKey
from rollcall.workflows.probes import MULTIPLE_FACES_WARNING

SAME_FACE: Final = "SAME_FACE_AS"
_ONE_PERSON: Final = "Cut the photo so that it shows this person alone, and import again."

ALREADY: Final = Trouble(
    code="ALREADY_IMPORTED", reason="This photo is enrolled already.", what_to_do="Nothing is to be done."
)
ENROLLED_BEFORE: Final = Trouble(
    code=e.DuplicateEnrollment.code,
    reason="The person was enrolled already, with other photos than those of this list.",
    what_to_do="To enrol this photo too, import with mode add; to replace the old faces, with mode replace.",
)
UNKNOWN_PERSON: Final = Trouble(
    code=e.PersonNotFound.code,
    reason="There is no person of this code, and UNKNOWN_PERSON_POLICY forbids to create one.",
    what_to_do="Correct the code, or add the person to the school's table first.",
)
NO_NAME: Final = Trouble(
    code="NAME_MISSING",
    reason=f"The person is new, and the list has no name of 1 to {MAX_NAME_LENGTH} characters.",
    what_to_do="Write the name into the list, and import again.",
)
NO_PHOTO: Final = Trouble(
    code="PHOTO_MISSING",
    reason="There is no photo of this code.",
    what_to_do="Name the photo after the code, such as S001.jpg, or put the photos into a folder of that "
    "name; then import again.",
)
WRONG_CODE: Final = Trouble(
    code=e.InvalidRequest.code,
    reason=f"The code must have 1 to {MAX_CODE_LENGTH} printable characters.",
    what_to_do="Correct the code, and import again.",
)
LARGEST_TAKEN: Final = Trouble(
    code=MULTIPLE_FACES_WARNING,
    reason="The photo shows several faces; the largest one was taken.",
    what_to_do="See whether the largest face is this person. If not, delete this face and import a photo "
    "of this person alone.",
)
_OF_ERRORS: Final[dict[type[e.RollcallError], tuple[str, str]]] = {
    e.NoFaceDetected: (
        "No face was found in the photo.",
        "Take a photo with the whole face, from the front and upright, and import again.",
    ),
    e.MultipleFaces: ("The photo shows several faces.", _ONE_PERSON),
    e.InvalidImage: (
        "The photo is broken or no picture.",
        "See whether it opens on your computer; save it anew as JPEG, or take it again.",
    ),
    e.UnsupportedImageFormat: (
        "The photo is not a JPEG, PNG or WebP picture, whatever its name says.",
        "Save it as JPEG. On iPhones choose Settings, Camera, Formats, Most Compatible.",
    ),
    e.ImageTooLarge: ("The photo is too large.", "Save it smaller, with at most 10 MB and 64 megapixels."),
}


def trouble_of(error: e.RollcallError) -> Trouble:
    """What an error means for a row."""
    if isinstance(error, e.LowQualityImage):
        reason = f"The face is not good enough to be recognised by. {error.message}"
        return Trouble(code=error.code, reason=reason, what_to_do="Take a better photo, and import again.")
    reason, what_to_do = _OF_ERRORS.get(type(error), (error.message, error.suggestion))
    return Trouble(code=error.code, reason=reason, what_to_do=what_to_do)


def same_face(other: PersonKey, of: PersonKey, similarity: float) -> Trouble:
    """Another person's face is as like this one as one person's are."""
    kind = "" if other.type is of.type else f"{other.type.value} "
    return Trouble(
        code=SAME_FACE,
        reason=f"The face looks like that of {kind}{other.code} (similarity {similarity:.2f}).",
        what_to_do="See whether one of the two has the other's photo, or one person has two codes. "
        "Of twins nothing is to be done.",
    )


def together(troubles: Sequence[Trouble]) -> Trouble | None:
    """Several as one."""
    if len(troubles) < 2:
        return troubles[0] if troubles else None
    return Trouble(
        code=", ".join(trouble.code for trouble in troubles),
        reason=" ".join(trouble.reason for trouble in troubles),
        what_to_do=" ".join(trouble.what_to_do for trouble in troubles),
    )
