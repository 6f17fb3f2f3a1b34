"""How much of a face lies beyond the border of the picture."""

import numpy as np
import pytest

from rollcall.core.faces import Box
from runners.aligner import ARCFACE_LANDMARKS, align
from runners.framing import Visible, share_outside, visible, within


def seen_at(x: float, y: float, *, scale: float = 1.0, width: int = 640, height: int = 480) -> Visible:
    """An upright face whose crop's upper left corner lies at (x, y)."""
    landmarks = ARCFACE_LANDMARKS * np.float32(scale) + np.array([x, y], np.float32)
    return visible(landmarks=landmarks, template=ARCFACE_LANDMARKS, width=width, height=height)


def test_of_a_face_within_the_picture_everything_is_visible() -> None:
    assert seen_at(0, 0).all()
    assert seen_at(528, 368).all()


def test_what_lies_beyond_a_border_is_not_visible() -> None:
    assert not seen_at(-30, 0)[:, :30].any()
    assert seen_at(-30, 0)[:, 30:].all()
    assert not seen_at(640 - 2 * 60, 0, scale=2.0)[:, 60:].any()
    assert not seen_at(0, 480 - 50)[50:].any()


def test_visible_is_what_alignment_does_not_leave_black() -> None:
    turned = (ARCFACE_LANDMARKS - 56) @ np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32) + 20
    crop = align(np.full((200, 300, 3), 255, np.uint8), turned)
    seen = visible(landmarks=turned, template=ARCFACE_LANDMARKS, width=300, height=200)
    assert 0.2 < seen.mean() < 0.8
    assert ((crop[:, :, 0] > 127) == seen).mean() > 0.99


def test_nothing_of_a_face_within_the_picture_is_outside() -> None:
    box = Box(x=16, y=9, width=78, height=110)
    assert share_outside(box=box, seen=seen_at(0, 0), width=640, height=480) == 0


def test_the_box_or_the_landmarks_tell_what_is_outside() -> None:
    box = Box(x=-20, y=0, width=80, height=100)
    assert share_outside(box=box, seen=seen_at(0, 0), width=640, height=480) == pytest.approx(0.25)
    trimmed = Box(x=0, y=0, width=60, height=100)
    assert share_outside(box=trimmed, seen=seen_at(-36, 0), width=640, height=480) == pytest.approx(0.25)


def test_a_box_is_trimmed_to_the_picture() -> None:
    assert within(Box(x=-10, y=470, width=30, height=30), width=640, height=480) == Box(
        x=0, y=470, width=20, height=10
    )
    assert within(Box(x=700, y=0, width=30, height=30), width=640, height=480).area == 0
    empty = Box(x=5, y=5, width=0, height=0)
    assert share_outside(box=empty, seen=seen_at(0, 0), width=640, height=480) == 0
