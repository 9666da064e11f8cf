"""`Capture`: one rendered picture with its exact ground truth; `CaptureSet`: many of one person, in a folder.

A folder holds `captures.npz` (states, views, person) and one lossless `NNNN.webp` (RGBA, colour over black, so
premultiplied) per view. `load_captures` is what avatar fitting reads.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from inperson.avatar.state import BodyState
from inperson.errors import BadInputError, OutputError
from inperson.render.views import EyeView

FILE_NAME = "captures.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Exact geometry, one sample per pixel."""

    depth: Float[np.ndarray, "H W"]
    """Metres along the view axis; 0 where nothing is."""
    normal: Float[np.ndarray, "H W 3"]
    """World, unit length, towards the viewer; 0 where nothing is."""
    part: UInt8[np.ndarray, "H W"]
    """`drawables.Part`; 0 where nothing is."""


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """One picture of a person and what made it."""

    rgb: UInt8[np.ndarray, "H W 3"]
    """sRGB-encoded, over the background; over black (that is, premultiplied) where there was none."""
    mask: UInt8[np.ndarray, "H W"]
    """Coverage, anti-aliased, 0..255."""
    view: EyeView
    state: BodyState
    geometry: Geometry | None


@dataclass(frozen=True, slots=True, eq=False)
class CaptureSet:
    """Many captures of one person. Pictures are read from disk when asked for."""

    folder: Path
    person: str
    body_name: str
    body_sha256: str
    states: tuple[BodyState, ...]
    """The distinct states; several views share one."""
    state_of_view: Int[np.ndarray, " N"]
    views: tuple[EyeView, ...]
    kinds: tuple[str, ...]
    """What each view looks at: `body`, `upper`, `head`, `mouth`, `left_hand`, `right_hand`, ..."""

    def __len__(self) -> int:
        return len(self.views)

    def rgba(self, index: int) -> UInt8[np.ndarray, "H W 4"]:
        """Colour premultiplied by alpha, sRGB-encoded, and alpha."""
        path = picture_path(self.folder, index)
        try:
            with Image.open(path) as image:
                return np.array(image.convert("RGBA"))
        except OSError as error:
            raise BadInputError(f"capture {path} cannot be read ({error})", "render the captures again") from error

    def __getitem__(self, index: int) -> Capture:
        rgba = self.rgba(index)
        state = self.states[int(self.state_of_view[index])]
        return Capture(np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].copy(), self.views[index], state, None)

    def __iter__(self) -> Iterator[Capture]:
        return (self[i] for i in range(len(self)))


def picture_path(folder: Path, index: int) -> Path:
    """Where view `index` of a capture folder is."""
    return folder / f"{index:04d}.webp"


def write_picture(folder: Path, index: int, capture: Capture) -> None:
    """Writes one view, lossless, transparent pixels included."""
    rgba = np.concatenate([capture.rgb, capture.mask[..., None]], axis=-1)
    try:
        Image.fromarray(rgba).save(picture_path(folder, index), lossless=True, exact=True, quality=30, method=2)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error})", "choose a writable folder") from error


def write_index(captures: CaptureSet) -> None:
    """Writes `captures.npz`: last, so that a folder without it is visibly unfinished."""
    header = {"person": captures.person, "body_name": captures.body_name, "body_sha256": captures.body_sha256}
    views = captures.views
    arrays: dict[str, Any] = {
        "header": np.array(json.dumps(header)),
        "kinds": np.array(captures.kinds),
        "state_of_view": captures.state_of_view,
        "T_world_from_eye": np.stack([v.T_world_from_eye for v in views]),
        "angles": np.array([[v.angle_left, v.angle_right, v.angle_up, v.angle_down] for v in views]),
        "clip_planes": np.array([[v.near, v.far] for v in views]),
        "size": np.array([[v.width, v.height] for v in views]),
        **states_to_arrays(captures.states),
    }
    np.savez_compressed(captures.folder / FILE_NAME, **arrays)


def load_captures(folder: str | Path) -> CaptureSet:
    """Opens a capture folder.

    Raises:
        BadInputError: no finished capture folder there.
    """
    folder = Path(folder)
    path = folder / FILE_NAME
    if not path.is_file():
        raise BadInputError(f"no finished captures in {folder}", "render them with `python -m tools.make_captures`")
    with np.load(path) as file:
        header = json.loads(str(file["header"]))
        views = tuple(
            EyeView(T, float(left), float(right), float(up), float(down), int(w), int(h), float(near), float(far))
            for T, (left, right, up, down), (w, h), (near, far) in zip(
                file["T_world_from_eye"], file["angles"], file["size"], file["clip_planes"], strict=True
            )
        )
        return CaptureSet(
            folder=folder,
            person=header["person"],
            body_name=header["body_name"],
            body_sha256=header["body_sha256"],
            states=states_from_arrays(dict(file)),
            state_of_view=file["state_of_view"],
            views=views,
            kinds=tuple(str(k) for k in file["kinds"]),
        )


def states_to_arrays(states: tuple[BodyState, ...]) -> dict[str, np.ndarray]:
    """Stacked parameters under AMASS's names, plus `expression` and `time_ns`."""
    stack: dict[str, list[Any]] = {
        "trans": [s.transl for s in states],
        "root_orient": [s.global_orient for s in states],
        "pose_body": [s.body_pose.reshape(-1) for s in states],
        "pose_hand": [np.concatenate([s.left_hand_pose, s.right_hand_pose]).reshape(-1) for s in states],
        "pose_jaw": [s.jaw_pose for s in states],
        "pose_eye": [np.concatenate([s.leye_pose, s.reye_pose]) for s in states],
        "expression": [s.expression for s in states],
        "time_ns": [s.time_ns for s in states],
    }
    return {name: np.stack(values) for name, values in stack.items()} | {"betas": states[0].betas}


def states_from_arrays(arrays: dict[str, np.ndarray]) -> tuple[BodyState, ...]:
    """The inverse of `states_to_arrays`."""
    hands = arrays["pose_hand"].reshape(-1, 2, 15, 3)
    eyes = arrays["pose_eye"].reshape(-1, 2, 3)
    return tuple(
        BodyState(
            betas=arrays["betas"],
            global_orient=arrays["root_orient"][i],
            transl=arrays["trans"][i],
            body_pose=arrays["pose_body"][i].reshape(21, 3),
            left_hand_pose=hands[i, 0],
            right_hand_pose=hands[i, 1],
            jaw_pose=arrays["pose_jaw"][i],
            leye_pose=eyes[i, 0],
            reye_pose=eyes[i, 1],
            expression=arrays["expression"][i],
            time_ns=int(arrays["time_ns"][i]),
        )
        for i in range(len(hands))
    )
