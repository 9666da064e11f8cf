"""Who may appear: avatars with the bodies they were made for."""

from dataclasses import dataclass

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar, shipped_avatars
from inperson.avatar.gaussians import GaussianAvatar
from inperson.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Performer:
    """An avatar and the body it was made for."""

    avatar: GaussianAvatar
    body: BodyModel


def cast_of(wanted: str | None) -> tuple[str, ...]:
    """Names or files of avatars, the wanted one first.

    Raises:
        BadInputError: none is wanted and none is shipped.
    """
    shipped = shipped_avatars()
    if wanted is not None:
        return (wanted, *(name for name in shipped if name != wanted))
    if not shipped:
        raise BadInputError("no avatar is shipped with this copy", "give one: --avatar FILE.avatar")
    return shipped


def load_performer(name: str, body: str | None) -> Performer:
    """An avatar by name or file, with its own body or the one at `body`.

    Raises:
        BadInputError: no such avatar or body.
    """
    avatar = load_avatar(name)
    return Performer(avatar, load_body(body or avatar.body_name))
