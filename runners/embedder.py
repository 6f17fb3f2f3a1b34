"""Aligned faces → embeddings: ArcFace (Deng et al. 2019) and its relatives."""

from collections.abc import Sequence

import cv2
import numpy as np

from rollcall.core.faces import Embeddings
from runners.aligner import CROP_SIDE
from runners.backends import Blob, Session
from runners.picture import Pixels

# The widest layers of a 50-layer recogniser are 64 x 112 x 112 numbers, 3.2 MB a crop, and several live at
# once; a batch of class photos in one run would break the 2 GB limit, and beyond eight crops a run is no
# faster per crop.
MAX_CROPS_PER_RUN = 16


class Embedder:
    """A recogniser network and its preprocessing; `scales_itself`: see crop_blob."""

    def __init__(self, session: Session, *, scales_itself: bool) -> None:
        self._session = session
        self._scales_itself = scales_itself
        # A graph whose batch dimension is fixed at 1 and could not be opened.
        self._crops_per_run = min(session.input_shape[0] or MAX_CROPS_PER_RUN, MAX_CROPS_PER_RUN)

    def embed(self, crops: Sequence[Pixels], *, alone: bool = False) -> Embeddings:
        """One unit vector for each (112, 112, 3) crop; a network that answers zeros gives not-a-number.

        `alone`: see Session.run.
        """
        if not crops:
            return np.empty((0, 0), np.float32)
        step = self._crops_per_run
        blob = crop_blob(crops, scales_itself=self._scales_itself)
        runs = [self._session.run(blob[i : i + step], alone=alone)[0] for i in range(0, len(crops), step)]
        vectors = np.vstack(runs).astype(np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit: Embeddings = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def crop_blob(crops: Sequence[Pixels], *, scales_itself: bool) -> Blob:
    """(n, 3, 112, 112) RGB: as they are, 0..255, for a graph that scales them itself; otherwise -1..1."""
    mean, std = (0.0, 1.0) if scales_itself else (127.5, 127.5)
    size = (CROP_SIDE, CROP_SIDE)
    blob = cv2.dnn.blobFromImages(list(crops), 1 / std, size, (mean, mean, mean), swapRB=True)
    return np.asarray(blob, np.float32)
