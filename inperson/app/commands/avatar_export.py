"""`inperson avatar export`: an avatar for other people's viewers of Gaussian splats."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from inperson.errors import BadInputError

if TYPE_CHECKING:
    from inperson.avatar.body import BodyModel
    from inperson.avatar.gaussians import GaussianAvatar
    from inperson.avatar.state import BodyState


@dataclass(frozen=True)
class Export:
    """Write an avatar in one pose as Gaussian splats that other viewers open: PLY, or SPZ, some ten times smaller.

    Metres, y up; in T-pose the person faces +z. (Viewers that take a PLY's y as down show it upside down: turn it by
    180 degrees about x there.)
    """

    avatar: tyro.conf.Positional[str]
    """A shipped avatar's name or an .avatar file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The file to write: .ply or .spz."""
    pose: Path | None = None
    """A motion to take the pose from (MOTION.npz); without it the T-pose."""
    at: float = 0.0
    """When in the motion, seconds from its start."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""

    def run(self, console: Console) -> None:
        """Pose, convert and write."""
        from inperson.app.writers import check_writable
        from inperson.avatar.atomic_file import write_atomically
        from inperson.avatar.body import load_body
        from inperson.avatar.file import load_avatar
        from inperson.avatar.posing import AvatarPoser
        from inperson.avatar.splat_ply import ply_bytes
        from inperson.avatar.splat_spz import spz_bytes
        from inperson.avatar.splats import splat_scene

        formats = {".ply": ply_bytes, ".spz": spz_bytes}
        if self.out.suffix.lower() not in formats:
            raise BadInputError(f"--out {self.out}", "name a file ending in .ply or .spz")
        check_writable(self.out)
        avatar = load_avatar(self.avatar)
        body = load_body(self.body or avatar.body_name)
        scene = splat_scene(avatar, AvatarPoser(avatar, body).pose(self._state(avatar, body)))
        write_atomically(self.out, formats[self.out.suffix.lower()](scene))
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False, markup=False)

    def _state(self, avatar: "GaussianAvatar", body: "BodyModel") -> "BodyState":
        """The pose that was asked for."""
        from inperson.app.motion.played import PlayedMotion
        from inperson.avatar.state import BodyState

        if self.pose is None:
            if self.at != 0.0:
                raise BadInputError("--at without --pose", "name the motion whose pose to take with --pose")
            return BodyState.rest(body.num_betas, body.num_expression)
        motion = PlayedMotion.open(self.pose, body, avatar.betas)
        if not 0.0 <= self.at < motion.seconds:
            raise BadInputError(
                f"--at {self.at:g} is not within {self.pose}", f"choose from 0 to below {motion.seconds:g} seconds"
            )
        return motion.state_at(self.at, time_ns=0)
