"""What several schemas share."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from rollcall.core.errors import ImageTooLarge, InvalidImage
from rollcall.core.faces import Box
from rollcall.core.people import MAX_CODE_LENGTH, MAX_NAME_LENGTH, PersonType

MAX_PICTURE_BYTES = 10 * 1024 * 1024
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(;[\w.+-]+=[\w.+-]+)*;base64,", re.IGNORECASE)
_BLANKS = re.compile(rb"\s+")
# The smallest JPEG there is, one grey pixel: an example that is short enough to read.
EXAMPLE_PICTURE = "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ..."


def decode_picture(value: object) -> object:
    """Base64, or a data URL of it, → bytes. Bytes, as they come from a form file, stay as they are.

    Raises:
        InvalidImage: it is not base64, or nothing.
        ImageTooLarge: it is more than MAX_PICTURE_BYTES.
    """
    if isinstance(value, str):
        prefix = _DATA_URL.match(value)
        value = _decode_base64(value[prefix.end() :] if prefix else value)
    if isinstance(value, bytes):
        if not value:
            raise InvalidImage("The picture is empty.")
        if len(value) > MAX_PICTURE_BYTES:
            raise ImageTooLarge(max_bytes=MAX_PICTURE_BYTES)
    return value


def _decode_base64(text: str) -> bytes:
    try:
        raw = text.encode("ascii")
        try:
            return base64.b64decode(raw, validate=True)
        except binascii.Error:
            # Some encoders break lines, which strict decoding refuses.
            return base64.b64decode(_BLANKS.sub(b"", raw), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidImage("The picture is not valid base64.") from None


Picture: TypeAlias = Annotated[
    bytes,
    BeforeValidator(decode_picture),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]


def picture_field(what: str = "The picture", *, required: bool = True) -> Any:
    return Field(
        default=... if required else None,
        description=f"{what}: a JPEG, PNG or WebP file of at most 10 MB, as base64 or as a base64 data URL.",
        examples=[EXAMPLE_PICTURE],
    )


Code: TypeAlias = Annotated[
    str,
    Field(
        max_length=MAX_CODE_LENGTH,
        min_length=1,
        description="The student's or teacher's code; case and trailing blanks do not matter.",
        examples=["S001"],
    ),
]
Name: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_LENGTH),
    Field(
        description="The full name, used when the person does not exist yet and is created.",
        examples=["Ada Lovelace"],
    ),
]
TypeOfPerson: TypeAlias = Annotated[
    PersonType, Field(description="Student or teacher.", examples=["student"])
]
Success: TypeAlias = Annotated[Literal[True], Field(description="Always true.", examples=[True])]
Similarity: TypeAlias = Annotated[
    float,
    Field(description="Cosine similarity; higher is more alike.", examples=[0.71]),
]
Confidence: TypeAlias = Annotated[
    float,
    Field(ge=0, le=1, description="Probability that the two are the same person.", examples=[0.998]),
]
Threshold: TypeAlias = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        description="Least similarity of a match; SIMILARITY_THRESHOLD if absent.",
        examples=[0.4],
    ),
]
Milliseconds: TypeAlias = Annotated[
    int, Field(ge=0, description="How long the server took, in milliseconds.", examples=[42])
]
Warnings: TypeAlias = Annotated[
    list[str],
    Field(
        description="MULTIPLE_FACES when the picture shows several faces and the largest was taken.",
        examples=[["MULTIPLE_FACES"]],
    ),
]


class SchemaIn(BaseModel):
    """A request body. Unknown fields are ignored, as the old server did."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class SchemaOut(BaseModel):
    """An answer."""

    success: Success = True


class ErrorOut(BaseModel):
    """Every error has this shape, and an X-Request-ID header."""

    success: Literal[False] = Field(default=False, description="Always false.", examples=[False])
    error_code: str = Field(description="What went wrong, for programs.", examples=["NO_FACE_DETECTED"])
    message: str = Field(
        description="What went wrong, for people.", examples=["No face was found in the picture."]
    )
    details: dict[str, Any] = Field(
        description="More about it; `suggestion` says what to do.",
        examples=[{"suggestion": "Use a picture with one clear, frontal face."}],
    )


class BoxOut(BaseModel):
    """A rectangle, in pixels of the upright picture."""

    x: float = Field(description="Left edge.", examples=[212.4])
    y: float = Field(description="Upper edge.", examples=[98.0])
    width: float = Field(description="Width.", examples=[143.2])
    height: float = Field(description="Height.", examples=[187.9])

    @classmethod
    def of(cls, box: Box) -> "BoxOut":
        return cls(
            x=round(box.x, 2), y=round(box.y, 2), width=round(box.width, 2), height=round(box.height, 2)
        )


RecognitionId: TypeAlias = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{32}$",
        description="Names this answer in POST /api/face/feedback.",
        examples=["9f0c1c5a6c1b4b0f8f5b6a3d2e1c0b9a"],
    ),
]
ModelName: TypeAlias = Annotated[
    str, Field(description="The model that compared the faces.", examples=["buffalo_l"])
]
AnsweringModel: TypeAlias = Annotated[
    str,
    Field(
        description="The model that answered. A match names its own: a face may only be known by another.",
        examples=["buffalo_l"],
    ),
]
