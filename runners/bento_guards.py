"""Faults of BentoML 1.4.39 and their cures; its version is pinned because most of them mend private code.

docs/architecture.md has what was measured. Take them out when a later BentoML no longer needs them: the tests
in tests/e2e/test_bento_guards.py and tests/unit/runners/test_dispatcher.py tell.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from bentoml._internal.marshal.dispatcher import CorkDispatcher, Job, NonBlockSema, Optimizer
from bentoml._internal.server.http.traffic import TimeoutMiddleware

if TYPE_CHECKING:
    from _bentoml_sdk.service.config import RunnerConnectionSchema

# The proxy renews its HTTP session after so many calls or seconds, and drops the calls that are in flight
# (bentoml issue 5540): never let it.
KEEP_CONNECTION: "Final[RunnerConnectionSchema]" = {"max_requests": 10**9, "max_age": 1e9}

_optimizers: WeakSet[Optimizer] = WeakSet()


def watch_dispatchers() -> None:
    """Remember every dispatcher's optimizer, so that `remembered_wait_seconds` can look at it."""
    created = Optimizer.__init__

    def init(self: Optimizer, *args: Any, **kwargs: Any) -> None:
        created(self, *args, **kwargs)
        _optimizers.add(self)

    Optimizer.__init__ = init  # type: ignore[method-assign]


def forget_queueing() -> None:
    """Keep the dispatcher from making a lone caller wait as long as callers of the last burst queued.

    Its `wait` is the average time that past requests queued; it holds each new request back for as long,
    hoping for company. After a burst that is 200 to 300 ms for 20 s and more. Batches form well without it:
    whatever arrives while all streams are busy makes up the next.
    """
    refresh = Optimizer.trigger_refresh

    def trigger_refresh(self: Optimizer) -> None:
        refresh(self)
        self.wait = 0

    Optimizer.trigger_refresh = trigger_refresh  # type: ignore[method-assign]


def skip_training() -> None:
    """Keep the dispatcher from holding its first requests back, to see how batches of 2 and 3 do."""

    async def train_optimizer(self: CorkDispatcher[Any, Any], *_: int) -> None:
        """Learn nothing: what is learnt only serves to hold requests back and to shed load."""

    CorkDispatcher.train_optimizer = train_optimizer  # type: ignore[method-assign, assignment]


def run_batches_side_by_side(streams: int) -> None:
    """Let every dispatcher have so many batches in the network at a time, instead of one.

    While one batch is in the network, the next is decoded; and streams of one thread each do more than all
    threads on one picture after the other.
    """
    created = CorkDispatcher.__init__

    def init(self: CorkDispatcher[Any, Any], *args: Any, **kwargs: Any) -> None:
        created(self, *args, **kwargs)
        self._sema = NonBlockSema(streams)

    CorkDispatcher.__init__ = init  # type: ignore[method-assign]


def watch_queue(tell: Callable[[int], None]) -> None:
    """Have `tell` called with how many calls wait for a batch, whenever one comes and a batch goes.

    BentoML counts none of that. A process has one dispatcher, for it has one batched method.
    """
    comes, goes = CorkDispatcher.inbound_call, CorkDispatcher.outbound_call

    async def inbound_call(self: CorkDispatcher[Any, Any], data: Any) -> Any:
        tell(len(self._queue) + 1)
        return await comes(self, data)

    async def outbound_call(
        self: CorkDispatcher[Any, Any], inputs_info: tuple[Job[Any, Any], ...], training: bool = False
    ) -> None:
        # The dispatcher has taken them out of the queue by now.
        tell(len(self._queue))
        await goes(self, inputs_info, training)

    CorkDispatcher.inbound_call = inbound_call  # type: ignore[method-assign]
    CorkDispatcher.outbound_call = outbound_call  # type: ignore[method-assign]


def let_requests_go() -> None:
    """Keep no answered request in memory until its time limit would have passed.

    BentoML's limit is a timer that nobody cancels. It holds the request with all that belongs to it, 18 kB in
    both processes together, for as long as the limit is. Requests have our own limits.
    """

    async def pass_on(self: TimeoutMiddleware, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    TimeoutMiddleware.__call__ = pass_on  # type: ignore[method-assign]


def remembered_wait_seconds() -> float | None:
    """How long a dispatcher of this process would hold a lone request back; None if there is none."""
    return max((float(optimizer.wait) for optimizer in _optimizers), default=None)
