"""The real app in this process, called without HTTP, with single layers taken out between requests.

What does not change between the variants is left out where it can be: uvicorn, the hop and the networks.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from fastapi import FastAPI

from bench.calls import Call, get, post
from bench.school import enrol
from bench.synthetic_school import build
from bench.visitors import PICTURE_SIZE
from rollcall import compose
from rollcall.core.faces import Reading, ReadRequest, Subjects
from rollcall.core.figures import Turns
from rollcall.core.models import LoadedModel
from rollcall.core.observing import UNOBSERVED, Step
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.telemetry.logs import configure_server_logs
from rollcall.telemetry.observer import OBSERVER
from tests.live_app import LiveApp
from tests.packs import picture

BLOCK = 20  # requests of one variant before the next has its turn
ENROLLED = 1000
# These are neither metrics nor logs nor limits, and stay.
KEPT: Final = frozenset({"CORSMiddleware", "LastNet"})
_OUR_LOGGERS = ("rollcall", "runners", "db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The app without these middlewares, and without log lines, observations or limits where it says so."""

    name: str
    without: frozenset[str] = frozenset()
    logs: bool = True
    observed: bool = True
    limited: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU microseconds a request, of all threads of the process: the median of the rounds."""

    variant: str
    all_in: float
    saved: float  # by this variant, against everything in place in the same round


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """For each kind of request the costs, of which the first is with everything and the last with nothing."""

    costs: Mapping[str, Sequence[Cost]]
    middlewares: Sequence[str]  # as the app has them, the outermost first


class CannedReader:
    """core.ports.FaceReader that always sees the same, and tells of the steps as the runner does."""

    def __init__(self, real: FaceReader, reading: Reading) -> None:
        self._real, self._reading = real, reading

    async def read(self, request: ReadRequest) -> Reading:  # noqa: ARG002
        OBSERVER.runner_queue(1)
        OBSERVER.runner_queue(0)
        OBSERVER.batch(1)
        for step in (Step.DECODE, Step.DETECT, Step.ALIGN, Step.EMBED):
            with OBSERVER.step(step):
                pass
        return self._reading

    async def load(self, model: str) -> LoadedModel:
        return await self._real.load(model)

    async def unload(self, model: str) -> None:
        await self._real.unload(model)


class FreeGate:
    """In place of api.security.Gate: lets everybody through."""

    turns = Turns(working=0, waiting=0)

    def refuse_if_full(self) -> None:
        pass

    @asynccontextmanager
    async def turn(self, *_: object) -> AsyncIterator[None]:
        yield


class NoDeadline:
    """In place of api.deadlines.Deadline."""

    @asynccontextmanager
    async def of(self, *_: object) -> AsyncIterator[None]:
        yield


class Switchboard:
    """Puts the app into each variant."""

    def __init__(self, app: FastAPI, unlimited: FastAPI, variants: Sequence[Variant]) -> None:
        self._app = app
        self._guards = app.state.guards
        free: dict[str, Any] = {"gate": FreeGate(), "deadline": NoDeadline()}
        known = {field.name for field in fields(self._guards)}
        free = {name: guard for name, guard in free.items() if name in known}
        self._unlimited = replace(unlimited.state.guards, **free)
        self._stacks = {variant.name: self._stack(variant.without) for variant in variants}

    def turn_to(self, variant: Variant) -> None:
        self._app.middleware_stack = self._stacks[variant.name]
        self._app.state.guards = self._guards if variant.limited else self._unlimited
        for name in _OUR_LOGGERS:
            logging.getLogger(name).setLevel("INFO" if variant.logs else "CRITICAL")
        _observe(variant.observed)

    def _stack(self, without: frozenset[str]) -> Any:
        everything = self._app.user_middleware
        self._app.user_middleware = [one for one in everything if _name(one) not in without]
        try:
            return self._app.build_middleware_stack()
        finally:
            self._app.user_middleware = everything


def _observe(wanted: bool) -> None:
    for name in [name for name in dir(UNOBSERVED) if not name.startswith("_")]:
        if wanted:
            vars(OBSERVER).pop(name, None)
        else:
            setattr(OBSERVER, name, getattr(UNOBSERVED, name))


def measure(folder: Path, requests: int) -> Overhead:
    """So many requests of each kind and variant. For a fresh process: it writes stderr to a file."""
    log = folder / "server.log"
    with _log_file(log):
        found = asyncio.run(_measure(folder, requests))
    if "Access" in found.middlewares and log.read_text().count("\n") < requests:
        raise RuntimeError("the log has no line for each request: then the figures would be wrong")
    return found


async def _measure(folder: Path, requests: int) -> Overhead:
    pack = build(folder)
    # Each request is counted, none refused.
    settings = _settings(folder, pack.model_dir, pack.name, rate_limit_per_minute=1_000_000)
    unlimited = _settings(folder, pack.model_dir, pack.name, rate_limit_per_minute=0)
    enrol(settings.database_url.get_secret_value(), pack.name, pack.dimensions, ENROLLED)
    photo, real = picture(0, size=PICTURE_SIZE), compose.local_reader(settings)
    reading = await real.read(ReadRequest(picture=photo, model=pack.name, embed=Subjects.ALL))
    canned = CannedReader(real, reading)
    app = LiveApp(settings, canned).app
    names = [_name(middleware) for middleware in app.user_middleware]
    variants = _variants(names)
    kinds = {
        "a list": get("/api/face/list/student?limit=1"),
        "a recognition": post("/api/face/recognize", photo),
    }
    async with app.router.lifespan_context(app):
        await _ready(app)
        board = Switchboard(app, LiveApp(unlimited, canned).app, variants)
        costs = {kind: await _costs(board, app, variants, one, requests) for kind, one in kinds.items()}
        board.turn_to(variants[0])
        await _require_counts(app)
    return Overhead(costs=costs, middlewares=names)


def _variants(names: Sequence[str]) -> list[Variant]:
    found = [Variant(name="everything")]
    found += [Variant(name=f"middleware {name}", without=frozenset({name})) for name in names]
    found.append(Variant(name="log lines", logs=False))
    found.append(Variant(name="counting and timing", observed=False))
    found.append(Variant(name="rate limit and queue", limited=False))
    without = frozenset(names) - KEPT
    all_out = Variant(
        name="metrics, logs and limits", without=without, logs=False, observed=False, limited=False
    )
    return [*found, all_out]


async def _costs(
    board: Switchboard, app: FastAPI, variants: Sequence[Variant], request: Call, requests: int
) -> list[Cost]:
    """The variants take turns, so that whatever else this machine does meets all of them."""
    rounds = max(1, requests // BLOCK)
    spent: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for _ in range(rounds + 1):
        for variant in variants:
            board.turn_to(variant)
            begun = time.process_time()
            for _ in range(BLOCK):
                await request.send(app)
            spent[variant.name].append(1e6 * (time.process_time() - begun) / BLOCK)
    full, *_ = (spent[variant.name][1:] for variant in variants)  # the first round warms up
    return [
        Cost(
            variant=variant.name,
            all_in=median(spent[variant.name][1:]),
            saved=median(a - b for a, b in zip(full, spent[variant.name][1:], strict=True)),
        )
        for variant in variants
    ]


def _settings(folder: Path, model_dir: Path, model: str, *, rate_limit_per_minute: int) -> Settings:
    chosen: dict[str, Any] = {
        "model_dir": model_dir,
        "insightface_model": model,
        "database_url": f"sqlite:///{folder}/rollcall.db",
        "rate_limit_per_minute": rate_limit_per_minute,
        "auto_download_models": False,
    }
    return Settings(_env_file=None, **chosen)


async def _ready(app: FastAPI) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if b'"healthy"' in await get("/api/health").send(app):
                return
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


async def _require_counts(app: FastAPI) -> None:
    """What nobody counts costs nothing: then the figures would be wrong."""
    text = (await get("/metrics").send(app)).decode()
    for name in ("rollcall_requests_total{", "rollcall_step_duration_seconds_bucket{"):
        if not any(line.startswith(name) and not line.endswith(" 0.0") for line in text.splitlines()):
            raise RuntimeError(f"{name} was not counted")


def _name(middleware: Any) -> str:
    return str(middleware.cls.__name__)


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Log lines as a server writes them, to a file."""
    former = sys.stderr
    with path.open("w") as sys.stderr:
        configure_server_logs("INFO", "json", "api")
        try:
            yield
        finally:
            sys.stderr = former
