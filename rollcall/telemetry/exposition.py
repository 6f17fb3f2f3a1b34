"""The text that Prometheus reads: what all processes counted, and how the server stands."""

import threading
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from rollcall.core.figures import Figures, Turns
from rollcall.telemetry.metrics import REGISTRY, begin
from rollcall.telemetry.processes import Family, forget_the_dead
from rollcall.telemetry.state import State


class PrometheusExposition:
    """Implements core.figures.Exposition."""

    def __init__(self, *, version: str, folder: Path | None) -> None:
        """`folder`: where the server's processes write what they count; None where this is the only one."""
        self._version = version
        self._folder = folder
        self._family = Family()
        self._one_at_a_time = threading.Lock()

    def text(self, figures: Figures, turns: Turns) -> bytes:
        begin((model.name for model in figures.loaded_models), figures.active_model)
        with self._one_at_a_time:
            state = CollectorRegistry(auto_describe=False)
            state.register(State(figures, turns, self._family.memory(), self._version))
            return self._counted() + generate_latest(state)

    def _counted(self) -> bytes:
        if self._folder is None:
            return generate_latest(REGISTRY)
        forget_the_dead(self._folder)
        counted = CollectorRegistry(auto_describe=False)
        counted.register(_AllProcesses(self._folder))
        return generate_latest(counted)


class _AllProcesses(Collector):
    """What lies in the files of prometheus_client's multi-process mode."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        # One that a process is just beginning, or died while it began, is empty and would be an error.
        files = [str(file) for file in self._folder.glob("*.db") if _has_content(file)]
        return MultiProcessCollector.merge(files)  # type: ignore[no-any-return, no-untyped-call]


def _has_content(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
