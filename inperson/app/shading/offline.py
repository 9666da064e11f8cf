"""A whole sequence shaded by the offline teacher: for `inperson render --quality teacher`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import torch

from inperson.app.shading.engines import compute_device
from inperson.app.shading.person import ahead_of
from inperson.app.shading.planes import refined
from inperson.app.shading.views import ShadedViews
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.render.gbuffer import Rasterizer
from inperson.render.scene.crop import Crop
from inperson.render.views import EyeView, common_size
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.teacher.offline import TeacherOffline
from inperson.shader_model.teacher.sequence import begin_after, steady_crops
from inperson.shader_model.teacher.weights import load_teacher, teacher_file

MOST_BYTES = 8 << 30
"""Of a sequence in memory."""
BYTES_A_PIXEL = 120
"""Of a frame: its conditions, noise and pictures, about."""
HERE = torch.device("cpu")
"""A whole sequence waits in this process's memory, wherever it is drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a sequence."""

    state: BodyState
    views: Sequence[EyeView]
    """Of one size and number in all frames."""
    angle: float
    """Of the view to the photo's, radians."""


class OfflineShader:
    """Shades sequences.

    Args:
        teacher: on its device.
        rasterizer: draws the conditions; stays the caller's to close.
        threads: that share the work outside the rasteriser.
    """

    def __init__(self, teacher: TeacherOffline, rasterizer: Rasterizer, threads: int) -> None:
        self._teacher = teacher
        self._maker = ConditionMaker(rasterizer, threads)

    def draw(
        self,
        poser: AvatarPoser,
        frames: Sequence[Frame],
        *,
        closed: bool,
        on_pass: Callable[[int, int], None],
    ) -> Iterator[ShadedViews]:
        """The person in the views of every frame. Nothing is yielded before all is shaded.

        Args:
            poser: of the avatar.
            frames: consecutive ones, at least two.
            closed: the last frame is followed by the first.
            on_pass: told how many of the teacher's passes are done, and how many there will be.

        Raises:
            BadInputError: a sequence that the memory cannot hold, or in which nobody is seen.
        """
        width, height = common_size(frames[0].views)
        _check_memory(len(frames), len(frames[0].views), width, height)
        moments = _Moments(poser, frames)
        if closed:  # the first frame knows the last, as if that had been a frame earlier
            step_ns = frames[1].state.time_ns - frames[0].state.time_ns
            begin_after(self._maker, moments.at(len(frames) - 1), frames[0].state.time_ns - step_ns)
        else:
            self._maker.forget()
        drawn, ahead = [], []
        for number in range(len(frames)):
            moment = moments.at(number)
            drawn.append(self._maker.make(moment).to(HERE))
            ahead.append(ahead_of(moment))
        told, angles = [each.conditions for each in drawn], [frame.angle for frame in frames]
        device = self._teacher.device.type
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            pictures = self._teacher.shade(told, angles, closed, on_pass)
        for each, picture, far, crop in zip(drawn, pictures, ahead, moments.crops, strict=True):
            yield ShadedViews(each.planes, refined(each.planes, picture, far), crop, (width, height))

    def close(self) -> None:
        """End the threads."""
        self._maker.close()


def open_offline_shader(weights: Path | None, rasterizer: Rasterizer, threads: int) -> OfflineShader:
    """The teacher in a file, or the largest that comes with the program.

    Raises:
        BadInputError: there is none, or it cannot be read.
    """
    torch.set_num_threads(threads)
    teacher = load_teacher(teacher_file(weights, "--teacher")).to(compute_device())
    return OfflineShader(TeacherOffline(teacher), rasterizer, threads)


def _check_memory(frames: int, eyes: int, width: int, height: int) -> None:
    most = MOST_BYTES // (eyes * width * height * BYTES_A_PIXEL)
    if frames > most:
        raise BadInputError(
            f"{frames} frames of {width} x {height} are more than the teacher can hold in memory",
            f"draw {most} of them at a time, or smaller ones with --size",
        )


class _Moments:
    """What the conditions are made of, posed when it is needed: all Gaussians at once would fill the memory."""

    def __init__(self, poser: AvatarPoser, frames: Sequence[Frame]) -> None:
        self._poser, self._frames = poser, frames
        try:
            self.crops: tuple[Crop, ...] = steady_crops(_Posed(poser, frames))
        except ValueError as error:
            what = f"the teacher has nobody to shade ({error})"
            raise BadInputError(what, "try another --camera") from error

    def at(self, number: int) -> Moment:
        """A frame's moment."""
        state = self._frames[number].state
        return Moment(self._poser, state, self._poser.pose(state), self.crops[number].views, state.time_ns)


class _Posed(Sequence[tuple[PosedGaussians, Sequence[EyeView]]]):
    """Every frame posed anew whenever it is asked for."""

    def __init__(self, poser: AvatarPoser, frames: Sequence[Frame]) -> None:
        self._poser, self._frames = poser, frames

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, number: int) -> tuple[PosedGaussians, Sequence[EyeView]]: ...
    @overload
    def __getitem__(self, number: slice) -> "_Posed": ...
    def __getitem__(self, number: int | slice) -> "tuple[PosedGaussians, Sequence[EyeView]] | _Posed":
        if isinstance(number, slice):
            return _Posed(self._poser, self._frames[number])
        frame = self._frames[number]
        return self._poser.pose(frame.state), frame.views
