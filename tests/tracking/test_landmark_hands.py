"""Keeping two hands apart, told by a network that sees painted hands: red is a right hand, blue a left one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.tracking.landmarkers_hand_network import HandGuess, Side, square_around
from inperson.tracking.landmarkers_hand_search import (
    HandSettings,
    PaintedOver,
    body_size,
    carried,
    judge,
    same_hand,
    squares_beside,
    wrist_squares,
)
from inperson.tracking.landmarkers_hands import HandTracker

COLOURS = {Side.RIGHT: (255, 0, 0), Side.LEFT: (0, 0, 255)}
SHAPE = np.array(
    [[0, 0], [-12, -8], [-18, -16], [-22, -22], [-26, -27]]  # wrist and thumb, pixels, fingers upward
    + [[x, y] for x in (-9, -3, 3, 9) for y in (-26, -36, -42, -47)],
    dtype=float,
)


def hand_at(wrist, right=1.0, presence=0.95):
    pixels = SHAPE * ([1, 1] if right > 0.5 else [-1, 1]) + np.asarray(wrist, float)
    return HandGuess(pixels, np.column_stack([SHAPE, np.zeros(21)]) * 0.002, presence, right)


def body_at(left_wrist, right_wrist):
    body = np.zeros((33, 2))
    body[11], body[12] = (370, 150), (270, 150)
    body[23], body[24] = (350, 320), (290, 320)
    body[13], body[14] = (390, 230), (250, 230)
    for side, wrist in ((Side.LEFT, left_wrist), (Side.RIGHT, right_wrist)):
        body[side.value] = wrist
        body[side.value + 2] = body[side.value + 4] = np.add(wrist, (0, -26))
    return body


def picture(**wrists):
    """A black picture with coloured hands, the later one in front."""
    image = np.zeros((480, 640, 3), np.uint8)
    for name, wrist in wrists.items():
        side = Side[name.upper()]
        painted = PaintedOver.of(image, hand_at(wrist, float(side is Side.RIGHT)))
        image[painted.paint > 0] = COLOURS[side]
    return image


class ColourNetwork:
    """Sees the hand whose colour fills most of a square, and says which it is; counts its looks.

    With `sides_known` off it cannot tell left from right, as with a fist or a hand seen edge-on.
    """

    sides_known = True
    prefers: Side | None = None
    """The hand it sees whenever there is any of it, as the real network prefers the one in front."""

    def __init__(self):
        self.looks = 0

    def look(self, image, square):
        self.looks += 1
        cut = square.cut(image, 64)
        amounts = {side: (cut == colour).all(axis=2).mean() for side, colour in COLOURS.items()}
        side = max(amounts, key=amounts.get)
        if self.prefers is not None and amounts[self.prefers] > 0.5 * amounts[side]:
            side = self.prefers
        colour = (image == COLOURS[side]).all(axis=2)
        if amounts[side] < 0.002:
            return hand_at(square.center, 0.5, presence=0.01)
        ys, xs = np.nonzero(colour)
        bottom = ys.max()
        seen = hand_at((xs[ys > bottom - 8].mean(), bottom - 3), float(side is Side.RIGHT))
        return seen if self.sides_known else replace(seen, right=0.5)


@pytest.fixture
def tracker():
    with ThreadPoolExecutor(2) as executor:
        networks = {side: ColourNetwork() for side in Side}
        made = HandTracker(networks, executor)
        made.networks = networks
        yield made


def step(tracker, image, body):
    return tracker.settle(image, body, tracker.follow(image))


def off(observation, wrist):
    return np.linalg.norm(observation.pixels[0] - wrist)


def test_hands_are_found_from_the_wrists_and_then_followed_without_searching(tracker):
    for i in range(6):
        left, right = (420 - 6 * i, 300), (220, 300 - 5 * i)
        hands = step(tracker, picture(left=left, right=right), body_at(left, right))
        assert off(hands[Side.LEFT], left) < 8
        assert off(hands[Side.RIGHT], right) < 8
        if i == 0:
            first = [network.looks for network in tracker.networks.values()]
    assert [network.looks for network in tracker.networks.values()] == [n + 5 for n in first]


def test_crossed_hands_keep_their_sides(tracker):
    for i in range(13):
        left, right = (420 - 16 * i, 300), (220 + 16 * i, 300)
        hands = step(tracker, picture(left=left, right=right), body_at(left, right))
    assert off(hands[Side.LEFT], (228, 300)) < 8
    assert off(hands[Side.RIGHT], (412, 300)) < 8


def test_a_wrist_beside_the_other_hand_does_not_take_that_hand(tracker):
    hands = step(tracker, picture(left=(330, 300)), body_at((330, 300), (300, 300)))
    assert off(hands[Side.LEFT], (330, 300)) < 8
    assert hands[Side.RIGHT] is None


def test_fast_hands_are_followed_by_their_momentum(tracker):
    for i in range(7):
        left, right = (570 - 70 * i, 300), (40, 300)
        step(tracker, picture(left=left, right=right), body_at(left, right))
        if i == 1:
            before = tracker.networks[Side.LEFT].looks
    assert tracker.networks[Side.LEFT].looks == before + 5, "one look a frame: it is where it was expected"


def test_one_hand_claimed_by_both_wrists_goes_to_the_nearer(tracker, monkeypatch):
    monkeypatch.setattr(ColourNetwork, "sides_known", False)
    hands = step(tracker, picture(left=(330, 300)), body_at((335, 300), (300, 310)))
    assert hands[Side.LEFT] is not None
    assert hands[Side.RIGHT] is None


def test_a_hand_behind_the_other_is_found_by_painting_that_one_over(tracker, monkeypatch):
    monkeypatch.setattr(ColourNetwork, "prefers", Side.LEFT)
    left, right = (330, 300), (308, 300)
    body = body_at(left, right)
    step(tracker, picture(right=right, left=left), body)  # both are searched at once: only the front one shows
    for i in range(4):
        hands = step(tracker, picture(right=right, left=left), body)
        assert off(hands[Side.LEFT], left) < 8
        assert off(hands[Side.RIGHT], right) < 15
        assert not hands[Side.RIGHT].carried
        if i == 0:
            first = [network.looks for network in tracker.networks.values()]
    assert [network.looks for network in tracker.networks.values()] == [n + 3 for n in first], (
        "followed, not searched"
    )


def test_a_hand_that_cannot_be_read_is_carried_by_the_wrist_then_dropped(tracker):
    left, right = (420, 300), (220, 300)
    step(tracker, picture(left=left, right=right), body_at(left, right))
    settings = HandSettings()
    confidences = []
    for i in range(settings.carry_frames):
        right = (220 + 4 * i, 300 - 6 * i)
        hand = step(tracker, picture(left=left), body_at(left, right))[Side.RIGHT]
        assert hand.carried
        assert off(hand, right) < 8
        confidences.append(hand.confidence)
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] <= settings.carry_confidence
    assert step(tracker, picture(left=left), body_at(left, right))[Side.RIGHT] is None


def test_a_carried_hand_is_read_again_when_it_shows(tracker):
    left, right = (420, 300), (220, 300)
    step(tracker, picture(left=left, right=right), body_at(left, right))
    step(tracker, picture(left=left), body_at(left, right))
    hand = step(tracker, picture(left=left, right=right), body_at(left, right))[Side.RIGHT]
    assert not hand.carried
    assert hand.confidence > 0.5


def test_a_hand_below_the_picture_is_neither_searched_nor_carried(tracker):
    left, right = (420, 300), (220, 300)
    step(tracker, picture(left=left, right=right), body_at(left, right))
    looks = tracker.networks[Side.RIGHT].looks
    hands = step(tracker, picture(left=left), body_at(left, (220, 620)))
    assert hands[Side.RIGHT] is None
    assert tracker.networks[Side.RIGHT].looks <= looks + 1


def test_forgetting_drops_both(tracker):
    step(tracker, picture(left=(420, 300), right=(220, 300)), body_at((420, 300), (220, 300)))
    tracker.forget()
    assert tracker.follow(picture(left=(420, 300))) == {Side.LEFT: None, Side.RIGHT: None}


def test_judging_prefers_the_right_kind_of_hand_on_the_right_wrist():
    settings, body = HandSettings(), body_at((420, 300), (220, 300))
    good = judge(settings, hand_at((220, 300)), Side.RIGHT, body)
    assert good > 0.9
    assert judge(settings, hand_at((220, 300), right=0.0), Side.RIGHT, body) < settings.keep
    assert judge(settings, hand_at((420, 300)), Side.RIGHT, body) < settings.keep
    assert judge(settings, hand_at((220, 300), presence=0.1), Side.RIGHT, body) < settings.keep
    assert judge(settings, hand_at((420, 300)), Side.RIGHT, None) > 0.9, "no body, no opinion on the place"


place = st.tuples(st.floats(50, 500), st.floats(100, 400))


@given(place, place, st.floats(-3, 3))
def test_carrying_hangs_a_hand_on_the_wrist_along_its_fingers_and_keeps_its_shape(before, now, angle):
    body = body_at((0, 0), now)
    direction = np.array([np.sin(angle), -np.cos(angle)])
    body[18] = body[20] = np.add(now, 30 * direction)
    guess = hand_at(before)
    moved = carried(guess, Side.RIGHT, body)
    np.testing.assert_allclose(moved.pixels[0], now, atol=1e-6)
    palm = moved.pixels[9] - moved.pixels[0]
    np.testing.assert_allclose(palm / np.linalg.norm(palm), direction, atol=1e-6)
    for shape, last in ((moved.pixels, guess.pixels), (moved.world, guess.world)):
        distances = np.linalg.norm(shape[:, None] - shape, axis=-1)
        np.testing.assert_allclose(distances, np.linalg.norm(last[:, None] - last, axis=-1), atol=1e-6)


def test_a_foreshortened_hand_is_carried_along_the_forearm():
    body = body_at((0, 0), (300, 300))
    body[18] = body[20] = (302, 300)
    body[14] = (200, 300)
    palm = np.diff(carried(hand_at((100, 100)), Side.RIGHT, body).pixels[[0, 9]], axis=0)[0]
    np.testing.assert_allclose(palm / np.linalg.norm(palm), (1, 0), atol=1e-6)


def test_a_followed_hands_square_has_its_fingers_up_and_all_of_it_inside():
    for angle in (0.0, 1.0, -2.5):
        c, s = np.cos(angle), np.sin(angle)
        pixels = SHAPE @ np.array([[c, -s], [s, c]]).T + 200
        square = square_around(pixels)
        inside = square.from_image(pixels)
        assert inside.min() > 0
        assert inside.max() < 1
        assert inside[9, 1] < inside[0, 1], "the knuckles are above the wrist"
        assert abs(inside[9, 0] - inside[0, 0]) < 0.1


def test_searched_squares_scale_with_the_body():
    body = body_at((420, 300), (220, 300))
    for near, far in zip(wrist_squares(body, Side.LEFT), wrist_squares(0.5 * body, Side.LEFT), strict=True):
        assert far.size == pytest.approx(0.5 * near.size)
    assert body_size(0.5 * body) == pytest.approx(0.5 * body_size(body))


def test_the_hand_beside_is_looked_for_on_its_own_elbows_side():
    other = hand_at((310, 300), right=0.0)
    body = body_at((310, 300), (290, 300))
    assert all(square.center[0] < other.center[0] for square in squares_beside(other, body, Side.RIGHT))
    body[Side.RIGHT.value - 2] = (600, 230)
    assert all(square.center[0] > other.center[0] for square in squares_beside(other, body, Side.RIGHT))


def test_paint_hides_the_painted_hand_only():
    left = hand_at((330, 300), right=0.0)
    painted = PaintedOver.of(picture(left=(330, 300), right=(220, 300)), left)
    assert painted.hides(left, 0.9)
    assert not painted.hides(hand_at((220, 300)), 0.1)
    assert not (painted.image == COLOURS[Side.LEFT]).all(axis=2).any()
    assert (painted.image == COLOURS[Side.RIGHT]).all(axis=2).any()


def test_same_hand_needs_all_landmarks_close():
    settings = HandSettings()
    assert same_hand(settings, hand_at((200, 200)), hand_at((204, 200)))
    assert not same_hand(settings, hand_at((200, 200)), hand_at((240, 200)))
