"""A take as a movie: MP4, WebM, or a folder of PNGs; through the same pose, render and shade path as `render`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float

from inperson.app.exporting.options import OWN_CAMERAS, MovieOptions
from inperson.app.exporting.resampling import resampled
from inperson.app.exporting.spaces import facing_the_viewer, in_one_space
from inperson.app.exporting.take import Take
from inperson.app.motion.played import performer_of
from inperson.app.pictures.named_cameras import NamedCamera, load_camera
from inperson.app.pictures.playback import Camera, Playback
from inperson.app.shading.offline import open_offline_shader
from inperson.app.shading.opening import open_view_shader
from inperson.app.writers import FrameWriter, Mp4Writer, PngFolderWriter, Soundtrack, WebmWriter
from inperson.app.writers.soundtrack import SAMPLE_RATE
from inperson.avatar.body import load_body
from inperson.avatar.gaussians import GaussianAvatar
from inperson.render.backends import make_rasterizer
from inperson.tracking.motion_file import MotionClip
from inperson.workers import available_cores


def write_movie(
    take: Take,
    avatar: GaussianAvatar,
    body: str | None,
    out: Path,
    options: MovieOptions,
    *,
    fps: float | None = None,
    say: Callable[[str], None],
    watch: Callable[[Iterator, int], Iterator] = lambda pictures, total: pictures,
) -> None:
    """Draw and write every frame.

    Args:
        body: the body the avatar was made for, if it is not a shipped one.
        out: .mp4, .webm, or a folder.
        fps: steady frames a second; None for a frame of each state, shown when it was captured.
        say: told in words what is going on.
        watch: sees every picture pass and knows how many there are: a progress bar.

    Raises:
        BadInputError: nothing to show, or options that contradict each other.
        OutputError: it cannot be written; found out before the work.
    """
    model = load_body(body or avatar.body_name)
    camera = _camera(options)
    motion = take.motion()
    performer = performer_of(motion, model)
    motion = in_one_space(take, motion, performer or model)
    if camera in ("mirror", "orbit"):
        motion = facing_the_viewer(take, motion, performer or model)
    if fps is not None:
        motion = resampled(motion, fps)
    with ExitStack() as stack:
        rasterizer = make_rasterizer(options.backend)
        stack.callback(rasterizer.close)
        shader = open_view_shader(options.shader, rasterizer, eyes=1 + options.stereo, say=say, stack=stack)
        teacher = None
        if options.quality == "teacher":
            teacher = open_offline_shader(options.teacher, rasterizer, available_cores())
            stack.callback(teacher.close)
        playback = Playback(
            *(motion, performer, avatar, model, rasterizer),
            camera=camera,
            size=options.size,
            stereo=options.stereo,
            shader=shader,
            teacher=teacher,
            on_pass=lambda done, total: say(f"the teacher's pass {done} of {total}"),
            split=options.split,
            transparent=options.transparent,
        )
        soundtrack = None if options.mute else soundtrack_of(take, motion)
        with _writer(out, playback.picture_size, motion.framerate, soundtrack, options) as writer:
            for picture, time_s in watch(playback.pictures(), len(motion)):
                writer.write(picture, time_s)
        for stage, row in playback.times.table().items():
            say(f"{stage} {row['median_ms']:.1f} ms a picture (median)")


def soundtrack_of(take: Take, motion: MotionClip) -> Soundtrack | None:
    """What the participant said from the first picture until the last has been shown; None if nothing."""
    sound = take.sound()
    if sound is None:
        return None
    begin_ns = int(motion.times_ns[0])
    shown = (int(motion.times_ns[-1]) - begin_ns) / 1e9 + 1.0 / motion.framerate
    late = round((sound.start_ns - begin_ns) * SAMPLE_RATE / 1e9)
    return Soundtrack(_moved(sound.samples, late, round(shown * SAMPLE_RATE)))


def _moved(samples: Float[np.ndarray, " N"], late: int, length: int) -> Float[np.ndarray, " L"]:
    """The samples after `late` ones of silence, or without the first `-late`; cut off at `length`."""
    aligned = samples[-late:] if late < 0 else np.concatenate([np.zeros(min(late, length), np.float32), samples])
    return aligned[:length]


def _camera(options: MovieOptions) -> Camera | NamedCamera:
    if options.camera in OWN_CAMERAS:
        return cast(Camera, options.camera)
    assert options.camera_file is not None  # `MovieOptions.check` saw to it
    return load_camera(options.camera_file, options.camera)


def _writer(
    out: Path, size: tuple[int, int], fps: float, soundtrack: Soundtrack | None, options: MovieOptions
) -> FrameWriter:
    match out.suffix.lower():
        case ".mp4":
            return Mp4Writer(out, *size, fps=fps, soundtrack=soundtrack)
        case ".webm":
            return WebmWriter(out, *size, fps=fps, alpha=options.transparent, soundtrack=soundtrack)
        case _:
            return PngFolderWriter(out)
