"""Whether a photo of a list is to be enrolled, by what is stored of its person."""

from dataclasses import dataclass, replace

from rollcall.core.imports import ImportedRow, ImportMode, ListedPerson, PersonFaces, RowOutcome, Trouble
from rollcall.core.people import MAX_NAME_LENGTH, PersonKey
from rollcall.workflows import import_words as words


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A photo of the list that can be read. `siblings` are the SHA-256 of all of the person's photos.

    `picture` has its bytes, where they were kept since it was looked at.
    """

    person: PersonKey
    listed: ListedPerson
    photo: str
    sha256: str
    siblings: frozenset[str]
    picture: bytes | None = None

    def row(
        self, outcome: RowOutcome, trouble: Trouble | None = None, same_face_as: str | None = None
    ) -> ImportedRow:
        return row_of(self.listed, self.photo, outcome, trouble, same_face_as)


def row_of(
    listed: ListedPerson,
    photo: str | None,
    outcome: RowOutcome,
    trouble: Trouble | None = None,
    same_face_as: str | None = None,
) -> ImportedRow:
    return ImportedRow(
        line=listed.line,
        code=listed.code,
        name=listed.name,
        photo=photo,
        outcome=outcome,
        trouble=trouble,
        same_face_as=same_face_as,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRules:
    """How an import treats people. `create_people` as UNKNOWN_PERSON_POLICY says."""

    mode: ImportMode
    create_people: bool

    def refusal(self, of: Candidate, stored: PersonFaces) -> ImportedRow | None:
        """What becomes of a photo that is not to be enrolled; None for one that is."""
        if of.sha256 in stored.imported:
            return of.row(RowOutcome.SKIPPED, words.ALREADY)
        if stored.name is None and not self.create_people:
            return of.row(RowOutcome.FAILED, words.UNKNOWN_PERSON)
        if stored.name is None and not 1 <= len(name_of(of)) <= MAX_NAME_LENGTH:
            return of.row(RowOutcome.FAILED, words.NO_NAME)
        begun = bool(stored.imported.keys() & of.siblings)
        if self.mode is ImportMode.REJECT and stored.has_faces and not begun:
            return of.row(RowOutcome.SKIPPED, words.ENROLLED_BEFORE)
        return None


def name_of(candidate: Candidate) -> str:
    """A new person's: the code, where there is no list."""
    return candidate.listed.name if candidate.listed.line is not None else candidate.person.code


def with_face(stored: PersonFaces, of: Candidate, face_id: int) -> PersonFaces:
    """The same once this photo is enrolled."""
    name = name_of(of) if stored.name is None else stored.name
    return replace(stored, name=name, has_faces=True, imported={**stored.imported, of.sha256: face_id})
