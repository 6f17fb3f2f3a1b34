"""A share of the requests is answered by a second model."""

from collections.abc import Callable, Sequence

import pytest

from rollcall.core.calibration import GENERIC
from rollcall.core.errors import ModelNotLoaded
from rollcall.core.models import ActiveModel
from rollcall.workflows.ab_test import AbTest


class Loaded:
    """core.ports.Models of which the first one answers."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def active(self) -> ActiveModel:
        if not self._names:
            raise ModelNotLoaded
        return _model(self._names[0])

    def named(self, name: str) -> ActiveModel | None:
        return _model(name) if name in self._names else None


def _model(name: str) -> ActiveModel:
    return ActiveModel(name=name, backend="none", min_similarity=0.4, calibration=GENERIC)


def picked(
    models: Loaded,
    draws: Sequence[float],
    share: float = 0.25,
    is_complete: Callable[[str], bool] = lambda _model: True,
) -> list[str]:
    drawn = iter(draws)
    test = AbTest(models=models, second="b", share=share, is_complete=is_complete, draw=lambda: next(drawn))
    return [test.pick().name for _ in draws]


def test_the_share_of_requests_goes_to_the_second_model() -> None:
    assert picked(Loaded("a", "b"), [0.0, 0.249, 0.25, 0.999]) == ["b", "b", "a", "a"]


@pytest.mark.parametrize(("share", "name"), [(0.0, "a"), (1.0, "b")])
def test_none_and_all_are_shares_too(share: float, name: str) -> None:
    assert picked(Loaded("a", "b"), [0.0, 0.5, 0.999], share) == [name] * 3


def test_the_second_model_waits_until_it_knows_every_face() -> None:
    assert picked(Loaded("a", "b"), [0.0], is_complete=lambda model: model != "b") == ["a"]


def test_the_second_model_waits_until_it_is_loaded() -> None:
    assert picked(Loaded("a"), [0.0]) == ["a"]


def test_where_no_model_can_answer_none_is_picked() -> None:
    with pytest.raises(ModelNotLoaded):
        picked(Loaded(), [0.0])
