"""Count what a picture was answered with, once that is written down."""

from collections.abc import Sequence

from rollcall.core.matching import Match
from rollcall.core.observing import Observer, RecognitionKind, RecognitionOutcome
from rollcall.workflows.search import Query


def note_outcomes(
    observer: Observer,
    kind: RecognitionKind,
    query: Query,
    model: str,
    chosen: Sequence[Match | None],
    rows: Sequence[Sequence[Match]],
) -> None:
    """Count each face of a picture, or a picture without any.

    `model` answered; `chosen`: whom each face was taken for; `rows`: for each the persons that are likest.
    """
    for match, row in zip(chosen, rows, strict=True):
        observer.recognized(kind, RecognitionOutcome.MATCH if match else RecognitionOutcome.NO_MATCH)
        observer.known_by(model, match.model if match else None)
        likest = match or next(iter(row), None)
        # Whoever is stricter than the server, or less strict, would move the mean of all matches.
        if likest and query.min_similarity is None:
            observer.similarity(likest.model, likest.similarity, matched=match is not None)
    if not chosen:
        observer.recognized(kind, RecognitionOutcome.NO_FACE)
