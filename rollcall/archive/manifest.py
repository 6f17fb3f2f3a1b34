"""The manifest as JSON, with a hash of its own."""

import hashlib
import json
from datetime import datetime
from typing import Any, Final

from rollcall.core.backup import Contents, Manifest, Origin, Part, Section
from rollcall.core.errors import InvalidRequest

NAME: Final = "manifest.json"
FORMAT: Final = "rollcall-backup"
VERSION: Final = 1
MAX_BYTES: Final = 8 * 2**20  # 40,000 parts


def encode(manifest: Manifest) -> bytes:
    """The content of the manifest's file.

    Raises:
        InvalidRequest: it is more than `decode` is given.
    """
    origin, contents = manifest.origin, manifest.contents
    told = {
        "format": FORMAT,
        "version": VERSION,
        "created": origin.created.isoformat(),
        "rollcall": origin.version,
        "database": origin.database,
        "includes": {
            "images": contents.images,
            "attendance": contents.attendance,
            "logs": contents.logs,
        },
        "counts": manifest.counts,
        "parts": [_told(part) for part in manifest.parts],
    }
    content = json.dumps({**told, "sha256": _hash(told)}, indent=1).encode("ascii")
    if len(content) > MAX_BYTES:
        raise InvalidRequest("This is more than one archive can hold.")
    return content


def decode(content: bytes) -> Manifest:
    """The inverse.

    Raises:
        InvalidRequest: it is damaged, or a newer version's.
    """
    try:
        told = json.loads(content)
        digest = told.pop("sha256")
        if told["format"] == FORMAT and told["version"] > VERSION:
            raise InvalidRequest("The archive was made by a newer version of Rollcall; restore it with that.")
        manifest = _manifest(told)
        whole = digest == _hash(told) and encode(manifest) == content
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise InvalidRequest("The archive's manifest is damaged.")
    return manifest


def _told(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "section": part.section,
        "rows": part.rows,
        "bytes": part.size_bytes,
        "sha256": part.sha256,
    }


def _manifest(told: dict[str, Any]) -> Manifest:
    return Manifest(
        origin=Origin(
            created=datetime.fromisoformat(told["created"]),
            version=told["rollcall"],
            database=told["database"],
        ),
        contents=Contents(**told["includes"]),
        parts=tuple(
            Part(
                name=part["name"],
                section=Section(part["section"]),
                rows=part["rows"],
                size_bytes=part["bytes"],
                sha256=part["sha256"],
            )
            for part in told["parts"]
        ),
    )


def _hash(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("ascii")).hexdigest()
