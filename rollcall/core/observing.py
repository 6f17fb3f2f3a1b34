"""What is counted and timed while the work is done. `rollcall.telemetry` does it; all others know this."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Final, Protocol

from rollcall.core.imports import RowOutcome


class Step(StrEnum):
    """What a request's time goes into."""

    DECODE = "decode"
    DETECT = "detect"
    ALIGN = "align"
    EMBED = "embed"
    SEARCH = "search"
    DATABASE = "database"


class RecognitionKind(StrEnum):
    """Which endpoint looked for a face."""

    RECOGNIZE = "recognize"
    RECOGNIZE_ALL = "recognize_all"
    SCAN = "scan"


class RecognitionOutcome(StrEnum):
    """How looking for a face ended; `NO_FACE` is a picture's."""

    MATCH = "match"
    NO_MATCH = "no_match"
    NO_FACE = "no_face"


class ComparisonOutcome(StrEnum):
    """What became of a picture that was taken for the shadow model."""

    STORED = "stored"
    DROPPED = "dropped"
    FAILED = "failed"


class FeedbackOutcome(StrEnum):
    """What a recognition was, by those who know."""

    TRUE_MATCH = "true_match"
    FALSE_MATCH = "false_match"
    TRUE_NON_MATCH = "true_non_match"
    FALSE_NON_MATCH = "false_non_match"


class Observer(Protocol):
    """Told by those who do the work. Safe to call from any thread; never raises, never waits."""

    def step(self, step: Step) -> AbstractContextManager[None]:
        """Time the block as this step, also when it raises."""
        ...

    def batch(self, size: int) -> None:
        """The runner took so many pictures at once."""
        ...

    def runner_queue(self, pictures: int) -> None:
        """So many pictures now wait in the runner for a batch."""
        ...

    def recognized(self, kind: RecognitionKind, outcome: RecognitionOutcome) -> None:
        """A face was looked for, or there was none in the picture."""
        ...

    def known_by(self, model: str, matched_by: str | None) -> None:
        """The same face: which model answered, and which one knew it, None if none did."""
        ...

    def similarity(self, model: str, similarity: float, *, matched: bool) -> None:
        """The likest person's similarity to it, by the model that compared them.

        `matched`: by the server's own threshold; of requests that bring another one nothing is told.
        """
        ...

    def compared(self, outcome: ComparisonOutcome) -> None:
        """A picture was compared by the shadow model, or was to be."""
        ...

    def feedback(self, model: str, outcome: FeedbackOutcome) -> None:
        """Somebody told whether a recognition was right."""
        ...

    def imported(self, outcome: RowOutcome) -> None:
        """A row of a bulk import is done."""
        ...


class RequestObserver(Protocol):
    """Told by the HTTP API. No argument may be what a caller sent: each becomes a label."""

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is its template."""
        ...

    def refused(self, code: str) -> None:
        """A request was answered with this error code."""
        ...


class Unobserved:
    """Nobody watches, as on the command line."""

    def step(self, step: Step) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def batch(self, size: int) -> None: ...

    def runner_queue(self, pictures: int) -> None: ...

    def recognized(self, kind: RecognitionKind, outcome: RecognitionOutcome) -> None: ...

    def known_by(self, model: str, matched_by: str | None) -> None: ...

    def similarity(self, model: str, similarity: float, *, matched: bool) -> None: ...

    def compared(self, outcome: ComparisonOutcome) -> None: ...

    def feedback(self, model: str, outcome: FeedbackOutcome) -> None: ...

    def imported(self, outcome: RowOutcome) -> None: ...

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None: ...

    def refused(self, code: str) -> None: ...


UNOBSERVED: Final = Unobserved()
