"""How the server stands when somebody asks, as metrics."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollcall.core.figures import Figures, HealthStatus, Turns


class State(Collector):
    """Labels are names of models and of parts of ours, never what a caller sent."""

    def __init__(self, figures: Figures, turns: Turns, memory: Mapping[str, int], version: str) -> None:
        self._figures = figures
        self._turns = turns
        self._memory = memory
        self._version = version

    def collect(self) -> Iterator[Metric]:
        yield from self._health()
        yield from self._models()
        yield from self._jobs()
        yield from self._work()

    def _health(self) -> Iterator[Metric]:
        figures = self._figures
        yield _gauge(
            "rollcall_health_status",
            "1 for how the server stands now.",
            ["status"],
            (([status.value], status is figures.status) for status in HealthStatus),
        )
        yield _one(
            "rollcall_database_up", "1 if the database answers and has its tables.", figures.database_up
        )
        yield _one("rollcall_enrolled_faces", "Faces in the database.", figures.enrolled_faces)
        build = ([self._version], True)
        yield _gauge("rollcall_build_info", "1 for the version that runs.", ["version"], [build])
        yield _gauge(
            "rollcall_process_memory_bytes",
            "Memory by process, in proportional set size: what processes share counts once.",
            ["process"],
            (([process], held) for process, held in self._memory.items()),
        )

    def _models(self) -> Iterator[Metric]:
        figures = self._figures
        yield _gauge(
            "rollcall_model_active",
            "1 for the model that answers, 0 for others in memory.",
            ["model"],
            (([model.name], model.name == figures.active_model) for model in figures.loaded_models),
        )
        yield _gauge(
            "rollcall_model_info",
            "1 for each model in memory, with what runs it and how many numbers its embeddings have.",
            ["model", "backend", "dimension"],
            (([model.name, model.backend, str(model.dimension)], True) for model in figures.loaded_models),
        )
        yield _by_model("rollcall_gallery_faces", "Faces with an embedding.", figures.faces)
        downloads = "Bytes that have come of packs that are being downloaded."
        yield _by_model("rollcall_download_bytes", downloads, figures.downloads)

    def _jobs(self) -> Iterator[Metric]:
        figures = self._figures
        done, total = dict[str, int](), dict[str, int]()
        if figures.switch is not None:
            model, done[model], total[model] = figures.switch
        yield _by_model("rollcall_switch_faces_done", "Faces gone through by the switch under way.", done)
        yield _by_model("rollcall_switch_faces", "Faces that the switch under way goes through.", total)
        jobs = {
            "switch": figures.switch is not None,
            "embed": figures.embedding,
            "import": figures.importing,
            "download": len(figures.downloads),
        }
        yield _gauge(
            "rollcall_jobs_running",
            "Background work of this server that is under way.",
            ["kind"],
            (([kind], running) for kind, running in jobs.items()),
        )

    def _work(self) -> Iterator[Metric]:
        working, waiting = self._turns.working, self._turns.waiting
        yield _one("rollcall_requests_in_flight", "Requests that are being worked on.", working)
        yield _one("rollcall_queue_depth", "Requests that wait for their turn.", waiting)
        pools = self._figures.pools
        yield _gauge(
            "rollcall_database_connections_in_use",
            "Connections to the database that a transaction holds.",
            ["pool"],
            (([name], pool.in_use) for name, pool in pools.items()),
        )
        yield _gauge(
            "rollcall_database_connections_max",
            "Connections to the database that there can be.",
            ["pool"],
            (([name], pool.limit) for name, pool in pools.items()),
        )


def _gauge(name: str, text: str, labels: list[str], values: Iterable[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


def _by_model(name: str, text: str, values: Mapping[str, float]) -> Metric:
    return _gauge(name, text, ["model"], (([model], value) for model, value in values.items()))


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
