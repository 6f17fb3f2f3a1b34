"""The real app in this process, called without HTTP, with single layers taken out between requests.

What does not change between the variants is left out where it can be: uvicorn, the hop and the networks.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TextIO

from fastapi import FastAPI

from bench.calls import Call, get, post
from bench.costs import Cost, compared, shuffled
from bench.school import enrol
from bench.stand_ins import CannedReader, FreeGate, NoDeadline
from bench.synthetic_school import build
from bench.visitors import PICTURE_SIZE
from rollcall import compose
from rollcall.core.faces import ReadRequest, Subjects
from rollcall.core.observing import UNOBSERVED
from rollcall.core.settings import Settings
from rollcall.telemetry.logs import configure_server_logs
from rollcall.telemetry.observer import OBSERVER
from tests.live_app import LiveApp
from tests.packs import picture

BLOCK = 20  # requests of one variant before the next has its turn
CONTROL: Final = "nothing, once more"  # what this saves is the error of measurement
ENROLLED = 1000
# These are neither metrics nor logs nor limits, and stay.
KEPT: Final = frozenset({"Cors", "LastNet"})
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
class Overhead:
    """For each kind of request the costs: of everything, of the control, of single layers, of nothing."""

    costs: Mapping[str, Sequence[Cost]]
    lines: Mapping[str, float]  # of the log, for each request of the kind
    middlewares: Sequence[str]  # as the app has them, the outermost first


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
        self._observe(variant.observed)

    def _stack(self, without: frozenset[str]) -> Any:
        everything = self._app.user_middleware
        self._app.user_middleware = [one for one in everything if _name(one) not in without]
        try:
            return self._app.build_middleware_stack()
        finally:
            self._app.user_middleware = everything

    def _observe(self, wanted: bool) -> None:
        for name in [name for name in dir(UNOBSERVED) if not name.startswith("_")]:
            if wanted:
                vars(OBSERVER).pop(name, None)
            else:
                setattr(OBSERVER, name, getattr(UNOBSERVED, name))


def measure(folder: Path, requests: int) -> Overhead:
    """So many requests of each kind and variant. For a fresh process: its stderr goes to `log_of`."""
    with log_of(folder).open("w") as log, _logging_to(log):
        return asyncio.run(_measure(folder, requests))


def log_of(folder: Path) -> Path:
    """Where the lines of all requests are."""
    return folder / "server.log"


async def _measure(folder: Path, requests: int) -> Overhead:
    pack = build(folder)
    # Each request is counted, none refused.
    settings = _settings(folder, pack.model_dir, pack.name, rate_limit_per_minute=1_000_000)
    unlimited = _settings(folder, pack.model_dir, pack.name, rate_limit_per_minute=0)
    enrol(settings.database_url.get_secret_value(), pack.name, pack.dimensions, ENROLLED)
    photo, real = picture(0, size=PICTURE_SIZE), compose.local_reader(settings)
    reading = await real.read(ReadRequest(picture=photo, model=pack.name, embed=Subjects.ALL))
    canned = CannedReader(real, reading, OBSERVER)
    app = LiveApp(settings, canned).app
    names = [_name(middleware) for middleware in app.user_middleware]
    variants = variants_of(names)
    kinds = {
        "a list": get("/api/face/list/student?limit=1"),
        "a recognition": post("/api/face/recognize", photo),
    }
    async with app.router.lifespan_context(app):
        await _ready(app)
        board = Switchboard(app, LiveApp(unlimited, canned).app, variants)
        costs = {kind: await _costs(board, app, variants, one, requests) for kind, one in kinds.items()}
        board.turn_to(variants[0])
        lines = {kind: await _lines(log_of(folder), app, one) for kind, one in kinds.items()}
        await _require_counts(app)
    return Overhead(costs=costs, lines=lines, middlewares=names)


def variants_of(names: Sequence[str]) -> list[Variant]:
    """With everything, the same once more, without each of these middlewares and so on, without all of it."""
    return [
        Variant(name="everything"),
        Variant(name=CONTROL),
        *(Variant(name=f"middleware {name}", without=frozenset({name})) for name in names),
        Variant(name="log lines", logs=False),
        Variant(name="counting and timing", observed=False),
        Variant(name="rate limit and queue", limited=False),
        Variant(
            name="metrics, logs and limits",
            without=frozenset(names) - KEPT,
            logs=False,
            observed=False,
            limited=False,
        ),
    ]


async def _costs(
    board: Switchboard, app: FastAPI, variants: Sequence[Variant], request: Call, requests: int
) -> list[Cost]:
    """The variants take turns, so that whatever else this machine does meets all of them."""
    rounds = max(2, requests // BLOCK)
    spent: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for turns in shuffled(variants, rounds + 1):
        for variant in turns:
            board.turn_to(variant)
            begun = time.process_time()
            for _ in range(BLOCK):
                await request.send(app)
            spent[variant.name].append(1e6 * (time.process_time() - begun) / BLOCK)
    return compared({name: of[1:] for name, of in spent.items()})  # the first round warms up


async def _lines(log: Path, app: FastAPI, request: Call) -> float:
    """How many a request writes. Raises RuntimeError if there is none: then the figures would be wrong."""
    before = log.read_bytes().count(b"\n")
    for _ in range(BLOCK):
        await request.send(app)
    lines = (log.read_bytes().count(b"\n") - before) / BLOCK
    if lines < 1:
        raise RuntimeError("the log has no line for each request")
    return lines


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
def _logging_to(log: TextIO) -> Iterator[None]:
    """Log lines as a server writes them."""
    former, sys.stderr = sys.stderr, log
    configure_server_logs("INFO", "json", "api")
    try:
        yield
    finally:
        sys.stderr = former
