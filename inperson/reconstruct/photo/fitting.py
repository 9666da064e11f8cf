"""`fit_photo`: the body as it stands in a photo."""

from dataclasses import replace

from inperson.avatar.body import BodyModel
from inperson.reconstruct.stages import Matte, Photo, PhotoFit
from inperson.render.views import EyeView
from inperson.tracking.observation import Observation
from inperson.tracking.offline import track_observations

_LOOKS, _STEP_NS = 12, 250_000_000


def fit_photo(body: BodyModel, photo: Photo, observation: Observation, matte: Matte) -> PhotoFit:
    """Pose, shape, hands, expression and gaze of the person in a photo.

    Args:
        body: the body to fit.
        photo: the picture.
        observation: whom to fit (`find_person`).
        matte: the same person, cut out.
    """
    looks = [replace(observation, time_ns=k * _STEP_NS, sequence=k) for k in range(_LOOKS)]
    state = track_observations(looks, body, framerate=4.0).frames[-1].state
    return PhotoFit(body, replace(state, time_ns=0), EyeView.from_intrinsics(observation.intrinsics), observation)
