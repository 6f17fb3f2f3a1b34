"""A server's figures in Prometheus' text format."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollcall.core.figures import Figures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def exposition(figures: Figures) -> bytes:
    """All figures; labels are names of models, never what a caller sent."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._models()
        yield from self._switch()
        recognitions = CounterMetricFamily(
            "rollcall_recognitions",
            "Faces looked for, by the model that answered and the model that knew the face.",
            labels=["model", "matched_by"],
        )
        for (model, matched_by), count in self._figures.recognitions.items():
            recognitions.add_metric([model, matched_by or "none"], count)
        yield recognitions
        if (shadow := self._figures.shadow) is not None:
            compared = CounterMetricFamily(
                "rollcall_shadow_comparisons", "Pictures for the shadow model.", labels=["outcome"]
            )
            for outcome in ("stored", "dropped", "failed"):
                compared.add_metric([outcome], getattr(shadow, outcome))
            yield compared

    def _models(self) -> Iterator[Metric]:
        figures = self._figures
        active = GaugeMetricFamily(
            "rollcall_model_active", "1 for the model that answers, 0 for others in memory.", labels=["model"]
        )
        for model in figures.loaded_models:
            active.add_metric([model], model == figures.active_model)
        yield active
        faces = GaugeMetricFamily("rollcall_gallery_faces", "Faces with an embedding.", labels=["model"])
        for model, count in figures.faces.items():
            faces.add_metric([model], count)
        yield faces
        downloads = GaugeMetricFamily(
            "rollcall_download_bytes", "Bytes of packs that are being downloaded.", labels=["model"]
        )
        for model, count in figures.downloads.items():
            downloads.add_metric([model], count)
        yield downloads

    def _switch(self) -> Iterator[Metric]:
        done = GaugeMetricFamily(
            "rollcall_switch_faces_done", "Faces gone through by the switch under way.", labels=["model"]
        )
        total = GaugeMetricFamily("rollcall_switch_faces", "Faces it goes through.", labels=["model"])
        if (switch := self._figures.switch) is not None:
            model, faces_done, faces = switch
            done.add_metric([model], faces_done)
            total.add_metric([model], faces)
        yield done
        yield total
