"""How does the service stand?"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from rollcall.core.counted import counted
from rollcall.core.database_ports import Database
from rollcall.core.errors import DatabaseError, ModelNotLoaded, RollcallError
from rollcall.core.figures import HealthStatus
from rollcall.core.models import ActiveModel
from rollcall.core.ports import FaceReader, Models

# The answer must be out within a second, whatever hangs.
MAX_WAIT_SECONDS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`model` is the one that answers now; None when there is none. `database` is its kind."""

    status: HealthStatus
    message: str
    enrolled_faces: int
    waiting_faces: int
    model: ActiveModel | None
    database: str
    database_up: bool


class _Probe:
    """A blocking question with a thread of its own: while one hangs, the next asker waits for its answer."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._pending: Future[None] | None = None

    async def ask(self, question: Callable[[], None]) -> None:
        if self._pending is None or self._pending.done():
            self._pending = self._thread.submit(question)
        answer = asyncio.wrap_future(self._pending)
        # Of an answer that comes too late nobody sees the error.
        answer.add_done_callback(lambda late: late.cancelled() or late.exception())
        await asyncio.wait_for(asyncio.shield(answer), MAX_WAIT_SECONDS)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class ReportHealth:
    """Asks the database and the runner, each with a short limit.

    `database` has connections of its own, so that busy ones do not look like an unreachable database. It is
    closed with this.
    """

    def __init__(
        self,
        *,
        models: Models,
        faces: FaceReader,
        database: Database,
        why_degraded: Callable[[], str | None],
        why_not_prepared: Callable[[], str | None],
    ) -> None:
        self._models = models
        self._faces = faces
        self._database = database
        self._why_degraded = why_degraded
        self._why_not_prepared = why_not_prepared
        self._reach = _Probe("health-reach")
        self._count = _Probe("health-count")
        self._enrolled = 0
        self._waiting = 0
        self._asking: asyncio.Task[Health] | None = None

    async def run(self) -> Health:
        """How the service stands. Who asks while that is being found out gets the same answer, so that nobody
        waits for longer than one does, and the runner and the database are asked once for all.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            # If all its askers are gone nobody is left to see the error.
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Health:
        (model, model_problem), database_problem = await asyncio.gather(self._model(), self._ask_database())
        problems = [problem for problem in (model_problem, database_problem) if problem]
        if problems:
            up = database_problem is None
            return self._health(HealthStatus.UNHEALTHY, " ".join(problems), model, database_up=up)
        warnings = []
        if reason := self._why_degraded():
            warnings.append(reason)
        if self._waiting:
            waiting = counted(self._waiting, "face still waits for its", "faces still wait for their")
            warnings.append(f"{waiting} embedding by this model.")
        if warnings:
            return self._health(HealthStatus.DEGRADED, " ".join(warnings), model)
        return self._health(HealthStatus.HEALTHY, "The service is ready.", model)

    def close(self) -> None:
        self._reach.close()
        self._count.close()
        self._database.close()

    def _health(
        self, status: HealthStatus, message: str, model: ActiveModel | None, *, database_up: bool = True
    ) -> Health:
        return Health(
            status=status,
            message=message,
            enrolled_faces=self._enrolled,
            waiting_faces=self._waiting,
            model=model,
            database=self._database.kind,
            database_up=database_up,
        )

    async def _model(self) -> tuple[ActiveModel | None, str | None]:
        try:
            model = self._models.active()
            await asyncio.wait_for(self._faces.load(model.name), MAX_WAIT_SECONDS)
        except ModelNotLoaded as error:
            return None, error.message
        except (TimeoutError, RollcallError):
            return None, "The model does not answer."
        return model, None

    async def _ask_database(self) -> str | None:
        try:
            await asyncio.gather(self._reach.ask(self._database.ping), self._ask_counts())
        except TimeoutError:
            return "The database does not answer."
        except RollcallError as error:
            return error.message
        return self._why_not_prepared()

    async def _ask_counts(self) -> None:
        """MySQL takes a second to count thousands of waiting faces; meanwhile the last counts stand.

        They also stand when it gave the counting up. Whether the database can be reached is `ping`'s matter,
        and whether the tables are there that of `why_not_prepared`.
        """
        try:
            name = self._models.active().name
        except ModelNotLoaded:
            name = None
        with suppress(TimeoutError, DatabaseError):
            await self._count.ask(lambda: self._take_counts(name))

    def _take_counts(self, model: str | None) -> None:
        # Kept here, not by the asker: it may have gone before the answer came.
        with self._database.transaction() as records:
            self._enrolled = records.faces.count()
            self._waiting = records.faces.count_lacking(model) if model else 0
