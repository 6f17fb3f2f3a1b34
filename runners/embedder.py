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
    """A recogniser network and its preprocessing.

    `scales_itself`: the graph begins by scaling pixels, so it wants them as they are, 0..255; otherwise
    -1..1.
    """

    def __init__(self, session: Session, *, scales_itself: bool) -> None:
        self._session = session
        self._mean, self._std = (0.0, 1.0) if scales_itself else (127.5, 127.5)
        # Some official graphs have their batch dimension fixed at 1.
        self._crops_per_run = min(session.input_shape[0] or MAX_CROPS_PER_RUN, MAX_CROPS_PER_RUN)

    def embed(self, crops: Sequence[Pixels]) -> Embeddings:
        """One unit vector for each (112, 112, 3) crop; a network that answers zeros gives not-a-number."""
        if not crops:
            return np.empty((0, 0), np.float32)
        step = self._crops_per_run
        runs = [self._session.run(self._blob(crops[i : i + step]))[0] for i in range(0, len(crops), step)]
        vectors = np.vstack(runs).astype(np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit: Embeddings = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _blob(self, crops: Sequence[Pixels]) -> Blob:
        mean = (self._mean, self._mean, self._mean)
        blob = cv2.dnn.blobFromImages(list(crops), 1 / self._std, (CROP_SIDE, CROP_SIDE), mean, swapRB=True)
        return np.asarray(blob, np.float32)
