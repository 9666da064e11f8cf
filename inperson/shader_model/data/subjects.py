"""A synthetic person and the avatar that one picture of them gives."""

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.gaussians import GaussianAvatar
from inperson.reconstruct.create import CreateSettings, create_from_fit
from inperson.reconstruct.training.people import PersonSeed, PersonShots
from inperson.reconstruct.training.recipe import FitErrorRecipe
from inperson.reconstruct.training.snapshot_fit import snapshot
from inperson.shader_model.data.recipe import DataRecipe
from inperson.synthetic.dressing import DressedPerson, Dresser
from inperson.synthetic.lights import Light
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.snapshots import sample_light_on_snapshot, sample_state, snapshot_view
from inperson.synthetic.stage import Stage
from inperson.synthetic.variety import HELD_OUT, TRAINING, sample_from
from inperson.tracking.fit.skeleton import SkeletonModel

_ASPECTS = ((1.0, 1.0), (4 / 3, 1.0), (1.0, 4 / 3))
"""Widths and heights of input pictures, in short sides."""
_NOTHING = np.zeros((0, 1, 1), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Somebody whom the shader is trained on."""

    person: DressedPerson
    light: Light
    """That of the picture, and of the truth."""
    avatar: GaussianAvatar
    """Made from one picture as `avatar create --fast` does, but with the person's true betas: what is learned is the
    appearance and not the errors of the fit."""


class SubjectMaker:
    """Dresses people, takes one picture of each and makes their avatars.

    Args:
        dresser: their clothes.
        stage: where they stand.
        how: what pictures are taken, and how well they are fitted.
    """

    def __init__(self, dresser: Dresser, stage: Stage, how: DataRecipe) -> None:
        self._dresser, self._stage, self._how = dresser, stage, how
        self.body: BodyModel = load_body("neutral")
        self._skeleton = SkeletonModel.from_body(self.body, self.body.num_betas)

    def make(self, who: PersonSeed) -> Subject:
        """One person. The same seed gives the same avatar.

        Raises:
            MissingModelError: the reconstruction network's weights are not there.
        """
        rng = np.random.default_rng(who.seed)
        spec = sample_from(HELD_OUT if who.held_out else TRAINING, rng, who.name)
        person = bake_occlusion(self._dresser.dress(spec), self._stage, directions=24)
        light = sample_light_on_snapshot(rng)
        shots = self._input_picture(person, light, rng)
        fit, matte = snapshot(self.body, self._skeleton, shots, 0, self._fit_error(rng), rng)
        created = create_from_fit(fit, matte, CreateSettings(fast=True, seed=who.seed))
        return Subject(person, light, replace(created.avatar, betas=np.asarray(person.betas, np.float32)))

    def _fit_error(self, rng: np.random.Generator) -> FitErrorRecipe:
        """How wrong the fit of one person is."""
        share = float(rng.uniform(self._how.least_fit, 1.0))
        largest = self._how.fit
        return FitErrorRecipe(**{f.name: share * getattr(largest, f.name) for f in fields(largest)})

    def _input_picture(self, person: DressedPerson, light: Light, rng: np.random.Generator) -> PersonShots:
        """One picture as somebody takes it, without target views."""
        posed = person.posed(sample_state(person, rng))
        self._stage.set_scene(posed, light)
        framing: Literal["upper", "body"] = "upper" if rng.random() < self._how.subjects.upper_body else "body"
        width, height = (
            round(self._how.subjects.input_size * side) for side in _ASPECTS[rng.integers(len(_ASPECTS))]
        )
        view = snapshot_view(posed.pose, framing, rng, width, height)
        picture = self._stage.shoot(view)
        assert picture.geometry is not None
        return PersonShots(
            name=person.name,
            states=(posed.state,),
            input_rgba=(np.concatenate([picture.rgb, picture.mask[..., None]], axis=-1),),
            input_part=(picture.geometry.part,),
            input_views=(view,),
            input_state=np.zeros(1, np.int32),
            target_rgba=np.zeros((0, 1, 1, 4), np.uint8),
            target_part=_NOTHING,
            target_depth=np.zeros((0, 1, 1), np.float32),
            target_views=(),
            target_state=np.zeros(0, np.int32),
        )
