"""Before a switch: would everybody still be found?"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rollcall.core.counted import counted
from rollcall.core.errors import ImageTooLarge, InvalidImage, UnsupportedImageFormat
from rollcall.core.faces import metric_of
from rollcall.core.models import LOST_LISTED, NO_IMAGE, WAITING, LeftFace, Rehearsal
from rollcall.core.ports import Gallery
from rollcall.core.rank_one import TOLERANCE, compare_rank1, not_finding_themselves
from rollcall.core.records import StoredEmbeddings

# The new model may miss so many faces that the old one knows, and find so many fewer of those that are looked
# for: 1 in 50, and two in a small school.
MAX_LOSS: Final = 0.02
FEW: Final = 2
# No model can do better with these.
_NOBODYS_FAULT: Final = (
    NO_IMAGE,
    WAITING,
    InvalidImage.code,
    UnsupportedImageFormat.code,
    ImageTooLarge.code,
)


def unread_among(left: Iterable[LeftFace]) -> list[int]:
    """Ids of the faces that have a good image in which the model found nobody."""
    return [face.face_id for face in left if face.reason not in _NOBODYS_FAULT]


def rehearse(
    gallery: Gallery,
    source: str | None,
    target: str,
    pause: Callable[[], None],
    unread: Collection[int] = (),
) -> Rehearsal:
    """Ask the gallery with its own faces. Takes long in a large school: for a thread.

    Identification at rank 1, each face against all others, is that of NIST's FRVT 1:N. `pause` is called
    between two blocks of faces. `unread`: Ids of the faces in whose images the new model found nobody.
    """
    new = gallery.faces_of(target)
    old = gallery.faces_of(source) if source is not None else None
    found = Rehearsal(
        faces=0,
        lost=(),
        lost_count=0,
        unread=len(unread),
        missed=0 if old is None else int(np.count_nonzero(np.isin(old.face_ids, list(unread)))),
        probes=0,
        old_right=0,
        new_right=0,
        agreed=0,
    )
    if new is None:
        return found
    lost = _lost(old, new, pause)
    found = replace(found, faces=len(new.people), lost=lost[:LOST_LISTED].tolist(), lost_count=len(lost))
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
    return replace(
        found,
        probes=rank1.probes,
        old_right=rank1.old_right,
        new_right=rank1.new_right,
        agreed=rank1.agreed,
    )


def objection(rehearsal: Rehearsal) -> str | None:
    """Why the switch should not be made; None if nothing speaks against it."""
    if rehearsal.lost_count:
        lost = counted(rehearsal.lost_count, "face does not find itself", "faces do not find themselves")
        return f"{lost} by the new model."
    if rehearsal.unread and not rehearsal.faces:
        return "The new model finds no face in any picture."
    if rehearsal.missed > max(FEW, MAX_LOSS * rehearsal.faces):
        return f"The new model finds no face in {rehearsal.missed} pictures of people whom the old one knows."
    fewer = rehearsal.old_right - rehearsal.new_right
    if fewer > max(FEW, MAX_LOSS * rehearsal.probes):
        return (
            f"The new model finds {rehearsal.new_right} of {rehearsal.probes} faces among the others, "
            f"the old one {rehearsal.old_right}."
        )
    return None
