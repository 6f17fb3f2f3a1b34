"""What two models said of the same pictures, counted."""

import pytest

from rollcall.core.comparisons import Comparison, Outcome, tally
from rollcall.core.people import PersonKey, PersonType

ADA = PersonKey(type=PersonType.STUDENT, code="A1")
ADA_TOO = PersonKey(type=PersonType.STUDENT, code="a1 ")
BOB = PersonKey(type=PersonType.TEACHER, code="A1")


def said(model: str, person: PersonKey | None, similarity: float | None, accepted: bool) -> Outcome:
    return Outcome(model=model, person=person, similarity=similarity, accepted=accepted, milliseconds=5)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ((ADA, 0.9, True), (ADA_TOO, 0.8, True), "same_person"),
        ((ADA, 0.9, True), (BOB, 0.8, True), "different_persons"),
        ((ADA, 0.9, True), (ADA, 0.3, False), "only_old"),
        ((ADA, 0.9, True), (None, None, False), "only_old"),
        ((ADA, 0.3, False), (BOB, 0.8, True), "only_new"),
        ((ADA, 0.3, False), (BOB, 0.2, False), "neither"),
        ((None, None, False), (None, None, False), "neither"),
    ],
)
@pytest.mark.parametrize("answered", ["old", "new"])
def test_each_pair_of_outcomes_counts_once_whichever_model_answered(
    old: tuple[PersonKey | None, float | None, bool],
    new: tuple[PersonKey | None, float | None, bool],
    verdict: str,
    answered: str,
) -> None:
    first, second = said("old", *old), said("new", *new)
    if answered == "new":
        first, second = second, first
    found = tally("old", "new", [Comparison(answer=first, shadow=second)])
    assert found is not None
    counts = {
        name: getattr(found, name)
        for name in ("same_person", "different_persons", "only_old", "only_new", "neither")
    }
    assert {name for name, count in counts.items() if count} == {verdict}
    assert found.count == 1
    assert found.agreed == (verdict in ("same_person", "neither"))


def test_each_model_keeps_its_own_similarities_and_times() -> None:
    comparisons = [
        Comparison(
            answer=Outcome(model="old", person=ADA, similarity=0.9, accepted=True, milliseconds=50),
            shadow=Outcome(model="new", person=ADA, similarity=0.7, accepted=True, milliseconds=20),
        ),
        Comparison(
            answer=Outcome(model="new", person=BOB, similarity=0.2, accepted=False, milliseconds=21),
            shadow=Outcome(model="old", person=None, similarity=None, accepted=False, milliseconds=51),
        ),
    ]
    found = tally("old", "new", comparisons)
    assert found is not None
    old, new = found.old, found.new
    assert (old.model, old.accepted.tolist(), old.refused.tolist(), old.nobody) == ("old", [0.9], [], 1)
    assert (new.model, new.accepted.tolist(), new.refused.tolist(), new.nobody) == ("new", [0.7], [0.2], 0)
    assert (old.milliseconds.tolist(), new.milliseconds.tolist()) == ([50, 51], [20, 21])


def test_without_comparisons_there_is_no_tally() -> None:
    assert tally("old", "new", []) is None
