"""Before a switch: would everybody still be found?"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import metric_of
from rollcall.core.models import Rehearsal
from rollcall.core.ports import Gallery
from rollcall.core.rank_one import TOLERANCE, compare_rank1, not_finding_themselves
from rollcall.core.records import StoredEmbeddings

# The new model may find so many fewer of the faces that are looked for than the old one: 1 in 50, and two in
# a small school.
MAX_LOSS: Final = 0.02
FEW: Final = 2


def rehearse(gallery: Gallery, source: str | None, target: str, pause: Callable[[], None]) -> Rehearsal:
    """Ask the gallery with its own faces. Takes long in a large school: for a thread.

    Identification at rank 1, each face against all others, is that of NIST's FRVT 1:N. `pause` is called
    between two blocks of faces.
    """
    new = gallery.faces_of(target)
    if new is None:
        return Rehearsal(faces=0, lost=(), probes=0, old_right=0, new_right=0, agreed=0)
    old = gallery.faces_of(source) if source is not None else None
    found = Rehearsal(
        faces=len(new.people),
        lost=_lost(old, new, pause).tolist(),
        probes=0,
        old_right=0,
        new_right=0,
        agreed=0,
    )
    return found if old is None else _compared(found, old, new, pause)


def _lost(
    old: StoredEmbeddings | None, new: StoredEmbeddings, pause: Callable[[], None]
) -> NDArray[np.int64]:
    """Ids of the faces that do not find themselves by the new model, or not more than somebody else.

    To a unit vector nothing is nearer than itself, whatever made it: a model that takes everybody for one
    person shows only by faces that are all alike. Those that were already so by the old model are identical
    pictures, and those that it does not know nobody can tell.
    """
    alike = not_finding_themselves(new.people, new.vectors, metric_of(new.model), pause, by=-TOLERANCE)
    lost = not_finding_themselves(new.people, new.vectors, metric_of(new.model), pause, among=alike)
    if old is None:
        return new.face_ids[lost]
    doubtful = np.flatnonzero(np.isin(old.face_ids, new.face_ids[alike]))
    same = not_finding_themselves(
        old.people, old.vectors, metric_of(old.model), pause, among=doubtful, by=-TOLERANCE
    )
    told_apart = np.setdiff1d(old.face_ids[doubtful], old.face_ids[same])
    return np.union1d(new.face_ids[lost], told_apart)


def _compared(
    found: Rehearsal, old: StoredEmbeddings, new: StoredEmbeddings, pause: Callable[[], None]
) -> Rehearsal:
    _, in_old, in_new = np.intersect1d(old.face_ids, new.face_ids, return_indices=True)
    rank1 = compare_rank1(
        [new.people[place] for place in in_new],
        old.vectors[in_old],
        new.vectors[in_new],
        metric_of(old.model),
        metric_of(new.model),
        pause,
    )
    return Rehearsal(
        faces=found.faces,
        lost=found.lost,
        probes=rank1.probes,
        old_right=rank1.old_right,
        new_right=rank1.new_right,
        agreed=rank1.agreed,
    )


def objection(rehearsal: Rehearsal) -> str | None:
    """Why the switch should not be made; None if nothing speaks against it."""
    if rehearsal.lost:
        return f"{len(rehearsal.lost)} faces do not find themselves by the new model."
    fewer = rehearsal.old_right - rehearsal.new_right
    if fewer > max(FEW, MAX_LOSS * rehearsal.probes):
        return (
            f"The new model finds {rehearsal.new_right} of {rehearsal.probes} faces among the others, "
            f"the old one {rehearsal.old_right}."
        )
    return None
