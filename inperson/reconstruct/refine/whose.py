"""Is the person in the clip the one of the avatar? The avatar is drawn as the clip shows its person, in some of the
frames, and the two faces are compared: pose, expression and size are the same in both."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.reconstruct.identity import LIMIT, describe_faces, face_distance
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.refine.preparing import SeenFace
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.tracking.landmarkers_chatter import native_chatter_muted
from inperson.tracking.landmarkers_face import FaceLandmarker
from inperson.tracking.models import FACE, model_path
from inperson.tracking.observation import FaceObservation

_BACKGROUND = 0.5
_LEAST_FACES = 2
_MEND = "give a clip of the avatar's person with the face in view, or say --any-person"


def check_same_person(
    name: str,
    avatar: GaussianAvatar,
    body: BodyModel,
    faces: Sequence[SeenFace],
    states: Sequence[BodyState],
    rasterizer: Rasterizer,
    perceptual: Perceptual,
) -> float:
    """The distance between the clip's face and the avatar's.

    Args:
        name: of the clip.
        faces: frames in which the person's face was seen.
        states: of those frames, tracked with the avatar's betas.

    Raises:
        BadInputError: it is somebody else, or there are too few faces to tell.
    """
    drawn = _drawn_faces(AvatarPoser(avatar, body), faces, states, rasterizer)
    if len(faces) < _LEAST_FACES or len(drawn) < _LEAST_FACES:
        whose = "the person" if len(faces) < _LEAST_FACES else "the avatar"
        raise BadInputError(f"clip {name}: the face of {whose} is not seen well enough to tell who it is", _MEND)
    real = [(seen.image, seen.observation.face) for seen in faces if seen.observation.face is not None]
    distance = face_distance(describe_faces(drawn, perceptual), describe_faces(real, perceptual))
    if distance > LIMIT:
        differ = f"their faces differ by {distance:.2f}, {LIMIT:.2f} at most is taken for one person"
        raise BadInputError(f"clip {name} shows someone else than the avatar ({differ})", _MEND)
    return distance


def _drawn_faces(
    poser: AvatarPoser, faces: Sequence[SeenFace], states: Sequence[BodyState], rasterizer: Rasterizer
) -> list[tuple[UInt8[np.ndarray, "H W 3"], FaceObservation]]:
    """The avatar in the frames' states, where the landmarker finds its face."""
    found = []
    with native_chatter_muted():
        landmarker = FaceLandmarker(model_path(FACE))
    for seen, state in zip(faces, states, strict=True):
        view = EyeView.from_intrinsics(seen.observation.intrinsics)
        buffer = rasterizer.render_color(poser.pose(state, view.T_world_from_eye[:3, 3]), [view])
        image = buffer.rgb[0] + (1 - buffer.alpha[0][..., None]) * np.float32(_BACKGROUND)
        picture = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        landmarker.forget()
        face = landmarker.detect(
            picture, seen.observation.intrinsics, seen.observation.time_ns, seen.observation.body_pixels
        )
        if face is not None:
            found.append((picture, face))
    return found
