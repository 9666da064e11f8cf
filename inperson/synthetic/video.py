"""Writing rendered frames as H.264 in MP4, the same bytes for the same frames."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from inperson.errors import OutputError


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "H W 3"]], fps: int, quality: float = 23.0) -> int:
    """Encodes RGB frames; returns how many. The file appears only when it is whole.

    Args:
        quality: x264's constant rate factor; lower is better and bigger.

    Raises:
        OutputError: the file cannot be written, or there are no frames.
    """
    partial = path.with_name(f"{path.stem}.part{path.suffix}")
    count = 0
    try:
        with av.open(str(partial), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=fps, options={"crf": str(quality), "preset": "slow"})
            stream.pix_fmt = "yuv420p"
            stream.time_base = Fraction(1, fps)
            stream.codec_context.thread_count = 1
            for frame in frames:
                if count == 0:
                    stream.height, stream.width = frame.shape[:2]
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                picture.pts = count
                container.mux(stream.encode(picture))
                count += 1
            container.mux(stream.encode())
        if count == 0:
            raise OutputError(f"{path} would be empty", "render at least one frame")
        partial.replace(path)
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(f"{path} cannot be written ({error})", "choose a writable folder") from error
    finally:
        partial.unlink(missing_ok=True)
    return count
