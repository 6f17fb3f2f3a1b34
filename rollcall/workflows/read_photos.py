"""The photos of a list on their way to embeddings: looked up, then read side by side, in their order."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final, TypeAlias

from rollcall.core.database_ports import Database
from rollcall.core.errors import InternalError, InvalidRequest, ModelNotLoaded, Overloaded, RollcallError
from rollcall.core.imports import (
    ImportedRow,
    ImportOrder,
    ListedPerson,
    PersonFaces,
    PhotoList,
    PhotoTrouble,
    RowOutcome,
    Trouble,
)
from rollcall.core.people import PersonKey
from rollcall.workflows import import_words as words
from rollcall.workflows.import_rules import Candidate, ImportRules, row_of
from rollcall.workflows.new_faces import NewFaces, ReadFace
from rollcall.workflows.pacing import QUIET_WIDTH
from rollcall.workflows.patience import Patience

# People looked up together, by one statement each; so many bytes of their photos are kept meanwhile.
PEOPLE_A_LOOK: Final = 32
BYTES_A_LOOK: Final = 16 * 1024 * 1024
PAUSE_AFTER_FAULT_SECONDS: Final = 2.0

Turn: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPhoto:
    """A photo whose face may be enrolled."""

    candidate: Candidate
    read: ReadFace


Item: TypeAlias = ImportedRow | ReadPhoto
_Looked: TypeAlias = ImportedRow | Candidate


class ReadPhotos:
    """`width`: photos in flight at a time, each with its bytes. `turn` is around the reading of each."""

    def __init__(
        self,
        *,
        new_faces: NewFaces,
        database: Database,
        patience: Patience,
        turn: Turn = nullcontext,
        width: int = QUIET_WIDTH,
    ) -> None:
        self._new_faces = new_faces
        self._database = database
        self._patience = patience
        self._turn = turn
        self._width = width

    async def all(self, order: ImportOrder, rules: ImportRules) -> AsyncGenerator[Item, None]:
        """A row or a face for each row of the list, in its order.

        Raises:
            InvalidRequest: the list cannot be read.
            ModelNotLoaded, Overloaded, DatabaseError: after a while of patience.
        """
        window = deque[asyncio.Task[Item]]()
        try:
            async with aclosing(self._looked_up(order, rules)) as looked:
                async for item in looked:
                    window.append(asyncio.create_task(self._read(order.photos, item)))
                    if len(window) >= self._width:
                        yield await window.popleft()
            while window:
                yield await window.popleft()
        finally:
            for task in window:
                task.cancel()
            await asyncio.gather(*window, return_exceptions=True)

    async def _looked_up(self, order: ImportOrder, rules: ImportRules) -> AsyncGenerator[_Looked, None]:
        """Without what is known to be enrolled: nothing need be read of those."""
        async for looked in _look(order):
            candidates = [item for item in looked if isinstance(item, Candidate)]
            people = list({item.person: None for item in candidates})
            stored = await self._patience.run(partial(self._stored, people))
            for item in looked:
                if isinstance(item, Candidate):
                    yield rules.refusal(item, stored[item.person]) or item
                else:
                    yield item

    async def _stored(self, people: Sequence[PersonKey]) -> Mapping[PersonKey, PersonFaces]:
        return await self._database.run(lambda records: records.imported.of(people))

    async def _read(self, photos: PhotoList, item: _Looked) -> Item:
        if isinstance(item, ImportedRow):
            return item
        async with self._turn():
            try:
                candidate, picture = await self._with_picture(photos, item)
            except PhotoTrouble as error:
                return item.row(RowOutcome.FAILED, error.trouble)
            try:
                read = await self._patience.run(partial(self._read_twice, candidate, picture))
            except (ModelNotLoaded, Overloaded):
                raise
            except RollcallError as error:
                return candidate.row(RowOutcome.FAILED, words.trouble_of(error))
        return ReadPhoto(candidate=candidate, read=read)

    async def _with_picture(self, photos: PhotoList, item: Candidate) -> tuple[Candidate, bytes]:
        """Read again where the bytes were not kept; it may be another photo by now."""
        if item.picture is not None:
            return item, item.picture
        picture, sha256 = await asyncio.to_thread(_bytes_of, photos, item.photo)
        return replace(item, sha256=sha256), picture

    async def _read_twice(self, of: Candidate, picture: bytes) -> ReadFace:
        """A fault of the moment, such as too little memory, is not the photo's."""
        # A file's name may be no Unicode, which databases refuse.
        name = of.photo.rpartition("/")[2].encode("utf-8", "replace").decode()
        try:
            return await self._new_faces.read(of.person, picture, name)
        except InternalError:
            await asyncio.sleep(PAUSE_AFTER_FAULT_SECONDS)
            return await self._new_faces.read(of.person, picture, name)


async def _look(order: ImportOrder) -> AsyncIterator[Sequence[_Looked]]:
    """Some people at a time, without the rows that were done before."""
    people = await asyncio.to_thread(order.photos.people)
    to_skip = order.begin_at
    while some := await asyncio.to_thread(lambda: list(islice(people, PEOPLE_A_LOOK))):
        rows = sum(person.rows for person in some)
        if to_skip >= rows:
            to_skip -= rows
            continue
        looked = await asyncio.to_thread(_rows_of, order, some)
        yield looked[to_skip:]
        to_skip = 0


def _rows_of(order: ImportOrder, people: Sequence[ListedPerson]) -> Sequence[_Looked]:
    """One for each photo, or one for a person without any."""
    look = _Look(order)
    return [row for person in people for row in look.rows(person)]


class _Look:
    """A first look at the photos of some people."""

    def __init__(self, order: ImportOrder) -> None:
        self._order = order
        self._room = BYTES_A_LOOK

    def rows(self, listed: ListedPerson) -> Iterator[_Looked]:
        person, trouble = _person(self._order, listed)
        if person is None:
            for photo in listed.photos or (None,):
                yield row_of(listed, photo, listed.outcome, trouble)
            return
        found = {photo: self._seen(photo) for photo in listed.photos}
        siblings = frozenset(seen[1] for seen in found.values() if not isinstance(seen, Trouble))
        for photo, seen in found.items():
            if isinstance(seen, Trouble):
                yield row_of(listed, photo, RowOutcome.FAILED, seen)
                continue
            picture, sha256 = seen
            yield Candidate(
                person=person,
                listed=listed,
                photo=photo,
                sha256=sha256,
                siblings=siblings,
                picture=picture,
            )

    def _seen(self, photo: str) -> tuple[bytes | None, str] | Trouble:
        """Its bytes as well, as long as there is room for them."""
        try:
            picture, sha256 = _bytes_of(self._order.photos, photo)
        except PhotoTrouble as error:
            return error.trouble
        if len(picture) > self._room:
            return None, sha256
        self._room -= len(picture)
        return picture, sha256


def _person(order: ImportOrder, listed: ListedPerson) -> tuple[PersonKey | None, Trouble | None]:
    if listed.trouble is not None:
        return None, listed.trouble
    if not listed.photos:
        return None, words.NO_PHOTO
    try:
        return PersonKey(type=order.person_type, code=listed.code), None
    except InvalidRequest:
        return None, words.WRONG_CODE


def _bytes_of(photos: PhotoList, photo: str) -> tuple[bytes, str]:
    picture = photos.read(photo)
    return picture, hashlib.sha256(picture).hexdigest()
