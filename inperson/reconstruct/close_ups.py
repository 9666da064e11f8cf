"""Captures beyond the common session: what an avatar must get right close up, in more states than the session has.

The session shows every part in a few states. Faces that speak and smile, mouths that open by jaw and by lips,
fists and arms before the chest are where people look and where Gaussians learned from few states fall apart.
"""

from dataclasses import dataclass, replace

import numpy as np

from inperson.synthetic.avatar_captures import SessionPose, session_state
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.captures import CaptureSet, write_index, write_picture
from inperson.synthetic.dressing import DressedPerson
from inperson.synthetic.lights import capture_light
from inperson.synthetic.stage import Stage


@dataclass(frozen=True, slots=True)
class CloseUp:
    """One more state, and the framings it is seen in, from the front half."""

    pose: SessionPose
    framings: tuple[Framing, ...]


_FACE: tuple[Framing, ...] = ("head", "head", "mouth", "mouth")
_ARMS: tuple[Framing, ...] = ("upper", "upper", "upper", "left_hand", "right_hand", "body")

CLOSE_UPS: tuple[CloseUp, ...] = (
    CloseUp(SessionPose("ah", "relaxed", "relaxed", "down", gaze=(0.0, 0.3)), _FACE),
    CloseUp(SessionPose("neutral", "loose", "open", "down", jaw=0.15, gaze=(-0.2, -0.1)), _FACE),
    CloseUp(SessionPose("oh", "relaxed", "relaxed", "down", gaze=(0.15, 0.0)), _FACE),
    CloseUp(SessionPose("open", "relaxed", "relaxed", "down", jaw=0.1, head_turn=(-0.1, 0.0, 0.0)), _FACE),
    CloseUp(SessionPose("smile", "relaxed", "relaxed", "down", jaw=0.2), _FACE),
    CloseUp(SessionPose("frown", "relaxed", "relaxed", "down", gaze=(0.0, 0.15)), _FACE),
    CloseUp(SessionPose("puff", "relaxed", "relaxed", "down"), ("head", "mouth")),
    CloseUp(SessionPose("pleasant", "fist", "point", "chest"), _ARMS),
    CloseUp(SessionPose("smile", "three", "two", "forward"), _ARMS),
    CloseUp(SessionPose("pleasant", "thumb up", "pinch", "raised"), _ARMS),
    CloseUp(SessionPose("pleasant", "open", "open", "wide", head_turn=(0.0, 0.5, 0.0)), _ARMS),
    CloseUp(SessionPose("neutral", "relaxed", "relaxed", "forward", head_turn=(0.15, -0.5, 0.1)), _ARMS),
)


def add_close_ups(person: DressedPerson, stage: Stage, captures: CaptureSet, *, size: int, seed: int) -> CaptureSet:
    """Render the close-ups into the folder of a session; the session and they together.

    The same person, size and seed give the same pictures.
    """
    rng = np.random.default_rng(seed)
    states, views, kinds = list(captures.states), list(captures.views), list(captures.kinds)
    state_of_view = list(captures.state_of_view)
    for close_up in CLOSE_UPS:
        posed = person.posed(session_state(person, close_up.pose))
        stage.set_scene(posed, capture_light())
        for framing in close_up.framings:
            reach = np.pi if framing in ("upper", "body") else 1.2
            azimuth, elevation = rng.uniform(-reach, reach), rng.uniform(-0.3, 0.4)
            zoom = rng.uniform(0.95, 1.25)
            view = framed_view(posed.pose, framing, float(azimuth), float(elevation), size, zoom=float(zoom))
            write_picture(captures.folder, len(views), stage.shoot(view, geometry=False, supersample=2))
            views.append(view)
            kinds.append(framing)
            state_of_view.append(len(states))
        states.append(posed.state)
    together = replace(
        captures,
        states=tuple(states),
        state_of_view=np.array(state_of_view),
        views=tuple(views),
        kinds=tuple(kinds),
    )
    write_index(together)
    return together
