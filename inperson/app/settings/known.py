"""The commands whose options the settings file may hold."""

from inperson.app.commands.calibrate import Calibrate
from inperson.app.commands.export import Export
from inperson.app.commands.live import Live
from inperson.app.commands.render import Render
from inperson.app.commands.replay import Replay
from inperson.app.commands.track import Track
from inperson.app.settings.catalogue import Section, sections_of

SETTABLE: dict[str, type] = {
    "live": Live,
    "replay": Replay,
    "render": Render,
    "export": Export,
    "track": Track,
    "calibrate": Calibrate,
}


def known_sections() -> dict[str, Section]:
    """All sections of the settings file."""
    return sections_of(SETTABLE)
