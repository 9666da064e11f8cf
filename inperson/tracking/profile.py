"""What is known of one user: shape, hand size and face at rest, kept as a small JSON file."""

from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.errors import BadInputError
from inperson.tracking.face_retarget import MEDIAPIPE_BLENDSHAPES
from inperson.tracking.head_pitch import USUAL_PITCH
from inperson.tracking.user_files import user_file, write_user_file

PROFILE_VERSION = 1


class UserProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One user on one body."""

    version: int = PROFILE_VERSION
    body_name: str
    body_sha256: str
    """The body whose shape coefficients `betas` are."""
    betas: tuple[float, ...]
    hand_scale: float = 1.0
    """Size of the user's hands relative to the shaped body's."""
    head_pitch: float = USUAL_PITCH
    """Radians about x from MediaPipe's face frame to the head."""
    face_neutral: tuple[float, ...] = (0.0,) * len(MEDIAPIPE_BLENDSHAPES)
    """MediaPipe's blendshape scores of the face at rest."""

    @property
    def betas_array(self) -> Float[np.ndarray, " B"]:
        return np.array(self.betas)

    @property
    def face_neutral_array(self) -> Float[np.ndarray, "52"]:
        return np.array(self.face_neutral)


def profile_path(name: str) -> Path:
    """Where the profile of a name lives. A value with a path separator or `.json` is taken as a path.

    Raises:
        BadInputError: a name that cannot be a file's.
    """
    return user_file("profile", name)


def save_profile(profile: UserProfile, path: Path) -> None:
    """Writes a profile whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    write_user_file("profile", profile, path)


def load_profile(path: Path, body: BodyModel) -> UserProfile | None:
    """The profile at a path, or None if there is none yet.

    Raises:
        BadInputError: the file is not a profile, or was made for another body.
    """
    if not path.is_file():
        return None
    mend = "delete it and let the next session make a new one"
    try:
        profile = msgspec.json.decode(path.read_bytes(), type=UserProfile)
    except msgspec.MsgspecError as error:
        raise BadInputError(f"profile {path} is not a user profile ({error})", mend) from error
    if profile.version != PROFILE_VERSION or len(profile.face_neutral) != len(MEDIAPIPE_BLENDSHAPES):
        raise BadInputError(f"profile {path} has version {profile.version}, not {PROFILE_VERSION}", mend)
    if not np.isfinite([*profile.betas, *profile.face_neutral, profile.hand_scale, profile.head_pitch]).all():
        raise BadInputError(f"profile {path} has values that are not finite", mend)
    if profile.body_sha256 != body.sha256:
        raise BadInputError(f"profile {path} was made for body '{profile.body_name}', not '{body.name}'", mend)
    return profile
