"""Where a face looks, against heads turned by known angles."""

import numpy as np
import pytest

from rollcall.core.faces import Landmarks
from runners.pose import ARCFACE, DLIB, NOSE_BASE_DEPTH, NOSE_DEPTH, NOSE_LEVEL, Layout

# (x, y, z): to the right, down and towards the camera; the eyes are 1 apart.
ARCFACE_HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, NOSE_LEVEL, NOSE_DEPTH], [-0.45, 1, 0], [0.45, 1, 0]])
DLIB_HEAD = np.array(
    [[0.7, 0, 0], [0.3, 0, 0], [-0.7, 0, 0], [-0.3, 0, 0], [0, 0.75, NOSE_BASE_DEPTH]],
)
HEADS = {"arcface": (ARCFACE, ARCFACE_HEAD), "dlib": (DLIB, DLIB_HEAD)}


def landmarks_of(name: str, *, yaw: float = 0, pitch: float = 0, roll: float = 0) -> tuple[Layout, Landmarks]:
    """A far camera's view of a head: 60 pixels between the eyes, anywhere in the picture."""
    layout, head = HEADS[name]
    a, b, c = np.radians([yaw, pitch, roll])
    aside = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    down = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    clockwise = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned = head @ (clockwise @ down @ aside).T
    return layout, (60 * turned[:, :2] + (300, 200)).astype(np.float32)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("angle", [-75, -40, -10, 0, 25, 60, 89])
def test_yaw_is_how_far_a_head_is_turned_to_the_side(name: str, angle: float) -> None:
    layout, landmarks = landmarks_of(name, yaw=angle)
    assert layout.pose(landmarks).yaw == pytest.approx(angle, abs=0.1)


@pytest.mark.parametrize("angle", [-60, -20, 0, 30, 50])
def test_pitch_is_how_far_a_head_looks_down(angle: float) -> None:
    layout, landmarks = landmarks_of("arcface", pitch=angle)
    assert layout.pose(landmarks).pitch == pytest.approx(angle, abs=0.1)


def test_without_a_mouth_there_is_no_pitch() -> None:
    layout, landmarks = landmarks_of("dlib", pitch=30)
    assert layout.pose(landmarks).pitch == 0


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("angle", [-170, -90, -35, 0, 15, 60, 135])
def test_roll_is_how_far_a_head_leans_and_changes_nothing_else(name: str, angle: float) -> None:
    layout, landmarks = landmarks_of(name, yaw=30, roll=angle)
    pose = layout.pose(landmarks)
    assert pose.roll == pytest.approx(angle, abs=0.1)
    assert pose.yaw == pytest.approx(30, abs=0.1)
    assert pose.pitch == pytest.approx(0, abs=0.1)


def test_a_head_turned_every_way_is_estimated_to_about_ten_degrees() -> None:
    for yaw in (-40, 0, 40):
        for pitch in (-20, 0, 20):
            layout, landmarks = landmarks_of("arcface", yaw=yaw, pitch=pitch, roll=25)
            pose = layout.pose(landmarks)
            assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, 25), abs=10)


@pytest.mark.parametrize("name", HEADS)
def test_where_crops_have_the_landmarks_is_a_frontal_face(name: str) -> None:
    layout, _ = HEADS[name]
    pose = layout.pose(layout.template)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((0, 0, 0), abs=6)


def test_both_layouts_have_the_eyes_in_the_same_place() -> None:
    corners = DLIB.template[:4].reshape(2, 2, 2).mean(axis=1)
    np.testing.assert_allclose(corners[::-1], ARCFACE.template[:2], atol=0.3)


@pytest.mark.parametrize("layout", [ARCFACE, DLIB])
def test_landmarks_that_coincide_are_no_error(layout: Layout) -> None:
    pose = layout.pose(np.full((5, 2), 7, np.float32))
    assert np.isfinite((pose.yaw, pose.pitch, pose.roll)).all()
