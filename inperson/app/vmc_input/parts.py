"""Parts of a body that another program gives, put in place of the camera's."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from inperson.app.outputs.blendshapes import ArkitFace, arkit_from
from inperson.app.outputs.humanoid import BONES, PELVIS, Humanoid
from inperson.app.outputs.options import PartName
from inperson.app.vmc_input.heard import VmcHeard
from inperson.avatar.body import NUM_JOINTS, BodyModel
from inperson.avatar.state import PARTS, BodyState, Source
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.parts import HoldTiming, PartKeeper

FRESH_NS = 500_000_000
"""What was not heard for so long is lost."""
LONGEST_STEP_S = 1.0
"""Between two states, for whatever moves by time."""
JOINTS: dict[str, slice] = {
    "body": slice(0, 22),
    "left_hand": slice(25, 40),
    "right_hand": slice(40, 55),
    "face": slice(22, 23),
    "eyes": slice(23, 25),
}
"""SMPL-X's joints of each of `PARTS`."""
_BODY = "body"


@dataclass(frozen=True, slots=True)
class _Given:
    """What the other program gives of a whole body now; the camera's where it gives nothing."""

    rotations: Float[np.ndarray, "55 3 3"]
    transl: Float[np.ndarray, "3"]
    expression: Float[np.ndarray, " E"]
    fresh: dict[str, bool]
    """By part: whether anything of it was heard lately."""


class ExternalParts:
    """Takes parts from VMC for as long as they come; holds and eases them when they stop, as lost parts are.

    Bones of the body that the other program does not send stay the camera's: some send a head and nothing else. The
    blendshapes that say where the eyes look belong to the eyes, all others to the face.

    Args:
        body: whose states these are.
        parts: which come from the other program.
        timing: how lost parts are held.
    """

    def __init__(self, body: BodyModel, parts: tuple[PartName, ...], timing: HoldTiming | None = None) -> None:
        self._humanoid, self._face = Humanoid(body), ArkitFace(body)
        names = body.expr_names or ("",) * body.num_expression
        looks = np.array([name.startswith("eyeLook") for name in names], bool)
        self._expression_of = {"face": np.flatnonzero(~looks), "eyes": np.flatnonzero(looks)}
        rest = exp_all(rest_pose(pose_prior(body)))
        sizes = {_BODY: 3, **{part: len(index) for part, index in self._expression_of.items()}}
        self._keepers = {
            part: PartKeeper(rest[JOINTS[part]], np.zeros(sizes.get(part, 0)), timing or HoldTiming())
            for part in PARTS
            if part in parts
        }
        self._last_ns: int | None = None
        self._root, self._transl = np.eye(3), np.zeros(3)

    def __call__(self, camera: BodyState, heard: VmcHeard, now_ns: int) -> BodyState:
        """The camera's state with the other program's parts in it.

        Args:
            camera: of the moment; its time, its shape and the other parts stay.
            heard: what the other program has said.
            now_ns: monotonic; what was heard `FRESH_NS` before is lost.
        """
        dt = 1 / 30 if self._last_ns is None else (now_ns - self._last_ns) * 1e-9
        self._last_ns = now_ns
        given = self._given(camera, heard, now_ns)
        pose = exp_all(camera.full_pose.astype(np.float64))
        transl, expression = camera.transl.astype(np.float64), camera.expression.astype(np.float64)
        confidence, source = camera.confidence.copy(), list(camera.source)
        for part, keeper in self._keepers.items():
            joints, fresh, at = JOINTS[part], given.fresh[part], PARTS.index(part)
            vector = given.transl if part == _BODY else given.expression[self._expression_index(part)]
            seen = (given.rotations[joints], vector) if fresh else None
            pose[joints], shown = keeper.update(seen, min(max(dt, 1e-3), LONGEST_STEP_S))
            if part == _BODY:
                transl = self._show_root(pose, shown, fresh)
            else:
                expression[self._expression_index(part)] = shown
            confidence[at] = keeper.presence
            source[at] = Source.EXTERNAL if fresh else Source.HELD
        return replace(
            camera.with_full_pose(log_all(pose)),
            transl=transl.astype(np.float32),
            expression=expression.astype(np.float32),
            confidence=confidence,
            source=tuple(source),
        )

    def _expression_index(self, part: str) -> np.ndarray:
        return self._expression_of.get(part, np.zeros(0, np.int64))

    def _show_root(
        self, pose: Float[np.ndarray, "55 3 3"], transl: Float[np.ndarray, "3"], fresh: bool
    ) -> Float[np.ndarray, "3"]:
        """A lost body eases to rest where it stands: its place and its heading stay."""
        if fresh:
            self._root, self._transl = pose[PELVIS].copy(), transl.copy()
        else:
            pose[PELVIS] = self._root
        return self._transl

    def _given(self, camera: BodyState, heard: VmcHeard, now_ns: int) -> _Given:
        since_ns = now_ns - FRESH_NS
        local = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))
        there: Bool[np.ndarray, 55] = np.zeros(NUM_JOINTS, bool)
        for joint, bone in enumerate(BONES):
            transform = heard.bones.get(bone)
            if transform is not None and transform.heard_ns > since_ns:
                local[joint], there[joint] = transform.rotation, True
        transl = camera.transl.astype(np.float64)
        if there[PELVIS]:
            place = heard.bones[BONES[PELVIS]].place
            if heard.root is not None:
                local[PELVIS] = heard.root.rotation @ local[PELVIS]
                place = heard.root.place + heard.root.rotation @ place
            transl = place - self._humanoid.rest_pelvis(camera.betas)
        rotations = self._humanoid.joint_rotations(local)
        told = arkit_from(heard.blendshapes) if heard.blendshapes_ns > since_ns else {}
        face = self._face.face(told)
        from_face = exp_all(np.stack([face.jaw_pose, face.leye_pose, face.reye_pose]))
        mine = exp_all(camera.full_pose.astype(np.float64))
        if told:
            mine[22:25] = from_face
        fresh = {part: heard.tracking and bool(there[joints].any()) for part, joints in JOINTS.items()}
        fresh["face"] |= heard.tracking and bool(told)
        fresh["eyes"] |= heard.tracking and any(name.startswith("eyeLook") for name in told)
        expression = face.expression if told else camera.expression.astype(np.float64)
        return _Given(np.where(there[:, None, None], rotations, mine), transl, expression, fresh)
