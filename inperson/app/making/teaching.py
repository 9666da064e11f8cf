"""Teaching the video shader the person on whom an avatar was refined."""

from collections.abc import Callable
from dataclasses import replace

from rich.table import Table

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.provenance import Provenance
from inperson.reconstruct.refine.frames import ClipFrames, ClipParts
from inperson.shader_model.data.footage import Reenacted
from inperson.shader_model.network.config import Size
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.personal.learning import LearnedPersonal, PersonalSettings, learn_personal

_ROWS = (("PSNR, dB", "psnr", ".2f"), ("perceptual distance", "perceptual", ".4f"), ("sharpness", "sharpness", ".2f"))


def teach(
    avatar: GaussianAvatar,
    body: BodyModel,
    clip: ClipParts,
    size: Size,
    told: Callable[[float], None],
    stop: Callable[[], bool],
    settings: PersonalSettings | None = None,
) -> LearnedPersonal:
    """What the shader of a size learns of a person, judged on the part of the clip that nothing is learned from.

    Args:
        avatar: refined on the clip.
        body: its body.
        clip: in the states in which it was refined.
        told: the share that is done.
        stop: whether to end with what has been learned.
        settings: how long; crops are made to fit the clip.

    Raises:
        BadInputError: weights that cannot be read, or a clip that is too small.
        MissingModelError: the perceptual distance's network has not been fetched.
    """
    learned = ClipFrames(clip.training.frames + clip.validation.frames, clip.training.view)
    settings = (settings or PersonalSettings()).for_pictures(learned.view.width, learned.view.height)
    footage, kept_back = (_reenacted(avatar, body, frames) for frames in (learned, clip.held_out))
    return learn_personal(load_shader(shipped_shader(size)), footage, kept_back, settings, told, stop)


def with_papers(avatar: GaussianAvatar, learned: LearnedPersonal) -> GaussianAvatar:
    """The avatar with what was learned, and the scores in the papers of its newest clip."""
    papers = Provenance.from_strings(avatar.provenance)
    names = [name for _, name, _ in _ROWS]
    scores = {f"shader_{when}_{n}": row[n] for when, row in _rows(learned) for n in names}
    newest = replace(papers.clips[-1], scores={**papers.clips[-1].scores, **scores})
    papers = replace(papers, clips=(*papers.clips[:-1], newest))
    return replace(avatar, personal=learned.personal, provenance=papers.to_strings())


def teaching_table(size: Size, learned: LearnedPersonal) -> Table:
    """Scores of the shader on the held-out part of the clip, before and after."""
    outcome = "kept" if learned.personal is not None else "no better, not kept"
    table = Table(title=f"{size} shader, taught the person: {outcome}", title_justify="left")
    table.add_column("")
    table.add_column("without shader", justify="right")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for label, name, form in _ROWS:
        plain = learned.before[f"plain_{name}"]
        table.add_row(label, *(format(x, form) for x in (plain, *(row[name] for _, row in _rows(learned)))))
    return table


def _rows(learned: LearnedPersonal) -> tuple[tuple[str, dict[str, float]], ...]:
    return (("before", learned.before), ("after", learned.after))


def _reenacted(avatar: GaussianAvatar, body: BodyModel, clip: ClipFrames) -> Reenacted:
    return Reenacted("clip", avatar, body, clip.view, [frame.rgba for frame in clip.frames], clip.states)
