"""What `rollcall compare` prints. It names no person."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rollcall.core.comparisons import Outcomes, Recognitions
from rollcall.core.counted import counted
from rollcall.core.pairs import Separation
from rollcall.core.rank_one import Rank1
from rollcall.workflows.compare_models import GalleryComparison, ModelComparison

QUANTILES: Final = {
    "least": 0.0,
    "5%": 0.05,
    "25%": 0.25,
    "median": 0.5,
    "75%": 0.75,
    "95%": 0.95,
    "most": 1.0,
}


def report(old: str, new: str, found: ModelComparison) -> Iterator[str]:
    """The lines."""
    yield f"Comparing {old} with {new}"
    yield ""
    yield from _gallery(old, new, found.gallery)
    yield ""
    yield from _recognitions(old, new, found.recognitions)


def _gallery(old: str, new: str, gallery: GalleryComparison | None) -> Iterator[str]:
    if gallery is None:
        yield "Gallery: no face has embeddings by both models."
        yield f"Run a server with one of them as its model and SHADOW_MODEL={new}, or {old}: it makes them."
        return
    people = counted(gallery.people, "person", "people")
    yield f"Gallery: {counted(gallery.faces, 'face')} of {people}, with embeddings by both models"
    if gallery.faces < gallery.faces_by_both:
        yield f"They are all faces of people drawn at random; in all there are {gallery.faces_by_both}."
    yield ""
    yield from _rank1(old, new, gallery.rank1)
    yield ""
    kinds = {
        f"{kind}, {model.model}": values
        for model in (gallery.old, gallery.new)
        for kind, values in (("one person", model.same), ("two people", model.different))
    }
    yield from _distributions("Similarity of pairs", kinds)
    if not gallery.all_pairs:
        yield "These are not all pairs: of a kind that has too many, some are drawn at random."
    yield ""
    for model in (gallery.old, gallery.new):
        yield from _errors(model)


def _rank1(old: str, new: str, rank1: Rank1) -> Iterator[str]:
    if not rank1.probes:
        yield "Nobody has two such faces, so none can be looked for among the others."
        return
    yield f"Each of the {rank1.probes} faces of people who have several, looked for among all others:"
    counts = {
        f"own person found first, {old}": rank1.old_right,
        f"own person found first, {new}": rank1.new_right,
        "the same person found first by both": rank1.agreed,
    }
    yield from _counts(counts, rank1.probes)


def _errors(model: Separation) -> Iterator[str]:
    point = model.calibration
    errors = [
        f"{rate:.2%} of the pairs of {kind}"
        for rate, kind in (
            (model.false_reject, "one person are below it"),
            (model.false_accept, "two people reach it"),
        )
        if rate is not None
    ]
    yield (
        f"{model.model}: operating point {point.operating_point:.4g} ({point.source}); "
        f"{', '.join(errors) or 'there are no pairs'}"
    )


def _recognitions(old: str, new: str, found: Recognitions | None) -> Iterator[str]:
    if found is None:
        yield "Recognitions: none was read by both models, so the time per face is not known either."
        yield (
            f"Run a server with one of them as its model and SHADOW_MODEL={new}, or {old}: of what is "
            "recognised, it reads the share SHADOW_RATE by both."
        )
        return
    yield f"Recognitions: {counted(found.count, 'picture was', 'pictures were')} read by both models"
    yield ""
    counts = {
        "the same answer by both": found.agreed,
        "  both accepted the same person": found.same_person,
        "  neither accepted anybody": found.neither,
        "both accepted, but different persons": found.different_persons,
        f"accepted by {old} alone": found.only_old,
        f"accepted by {new} alone": found.only_new,
    }
    yield from _counts(counts, found.count)
    yield ""
    kinds = {
        f"{kind}, {model.model}": values
        for model in (found.old, found.new)
        for kind, values in (("accepted", model.accepted), ("refused", model.refused))
    }
    yield from _distributions("Similarity of the best match", kinds)
    for model in (found.old, found.new):
        if model.nobody:
            yield f"{model.model} found no face, or had nobody to compare it with, in {model.nobody}"
    yield ""
    yield from _times(found.old, found.new)


def _counts(counts: Mapping[str, int], total: int) -> Iterator[str]:
    width = max(map(len, counts))
    for label, count in counts.items():
        yield f"  {label:<{width}} {count:>9} {count / total:>8.2%}"


def _distributions(title: str, kinds: Mapping[str, NDArray[np.float64]]) -> Iterator[str]:
    """A line for each kind: how many, and the quantiles."""
    width = max(len(title), *(2 + len(label) for label in kinds))
    yield f"{title:<{width}} {'number':>9}" + "".join(f"{name:>9}" for name in QUANTILES)
    for label, values in kinds.items():
        line = f"{'  ' + label:<{width}} {len(values):>9}"
        if len(values):
            line += "".join(f"{value:>9.4f}" for value in np.quantile(values, [*QUANTILES.values()]))
        yield line


def _times(*models: Outcomes) -> Iterator[str]:
    yield "Time per face, which is that of reading the picture, waiting for the network included:"
    width = max(len(model.model) for model in models)
    for model in models:
        median, p95 = np.quantile(model.milliseconds, [0.5, 0.95])
        yield f"  {model.model:<{width}} median {median:.1f} ms, p95 {p95:.1f} ms"
