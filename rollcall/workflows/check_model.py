"""Is a loaded model the one that made the embeddings of its name?"""

import asyncio
from collections.abc import Callable

from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError, ModelNotLoaded
from rollcall.core.models import Fingerprint, LoadedModel
from rollcall.workflows.announce import UP_SECONDS


class CheckModel:
    """Compares the recogniser with the one that the database remembers; the first one is remembered, until it
    has left no embedding and another comes.

    Embeddings of two recognisers cannot be compared, and nothing would tell but wrong answers.
    """

    def __init__(
        self,
        *,
        database: Database,
        sha256: Callable[[str, str], str | None],
        why_not_prepared: Callable[[], str | None],
    ) -> None:
        """`sha256` is that of a file of a pack, and blocks; None where it cannot be read."""
        self._database = database
        self._why_not_prepared = why_not_prepared
        self._sha256 = sha256

    async def run(self, model: LoadedModel) -> None:
        """Raises ModelNotLoaded if it is another, DatabaseError if that cannot be told."""
        if model.recogniser is None:
            return
        sha256 = await asyncio.to_thread(self._sha256, model.name, model.recogniser)
        if sha256 is None:
            raise ModelNotLoaded(f"The recogniser of model pack {model.name} cannot be read.")
        if (problem := self._why_not_prepared()) is not None:
            raise DatabaseError(problem)
        found = Fingerprint(recogniser=sha256, dimension=model.dimension)

        def accept(records: Records) -> None:
            records.changes.lock()
            known = records.fingerprints.of(model.name)
            if known == found:
                return
            if known is not None:
                if not _is_unused(records, model.name):
                    raise ModelNotLoaded(_another(model.name, known, found), model=model.name)
                records.faces.forget_problems(model.name)
            records.fingerprints.put(model.name, found)

        known = await self._database.run(lambda records: records.fingerprints.of(model.name))
        if known != found:
            await self._database.run(accept)


def _is_unused(records: Records, model: str) -> bool:
    """Whether no face has an embedding by it, nor a server the model loaded that may be making one."""
    servers = records.servers.up(within_seconds=UP_SECONDS)
    return not records.faces.has_embedding(model) and all(model not in server.models for server in servers)


def _another(model: str, known: Fingerprint, found: Fingerprint) -> str:
    numbers = f", which gives {found.dimension} numbers where that one gave {known.dimension}"
    return (
        f"The files of {model} are not those that made its embeddings in the database: the recogniser is "
        f"another{numbers if found.dimension != known.dimension else ''}. Put the former files back, or give "
        "the folder another name and switch to that."
    )
