"""The settings file: what counts, what is refused and where, a file to begin with, the words of the command."""

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import tyro
from hypothesis import given
from hypothesis import strategies as st

from inperson.app import cli
from inperson.app.commands.live import Live
from inperson.app.commands.render import Render
from inperson.app.commands.replay import Replay
from inperson.app.outputs.options import Outputs
from inperson.app.settings.catalogue import sections_of
from inperson.app.settings.defaults import with_settings
from inperson.app.settings.document import Document, lines_of, read_document, settings_path
from inperson.app.settings.known import SETTABLE, known_sections
from inperson.app.settings.layers import Settings, read_settings
from inperson.app.settings.profile_choice import choose_profile
from inperson.app.settings.template import completed
from inperson.errors import BadInputError


@dataclass(frozen=True)
class Lamp:
    """A lamp. It shines.

    More of it.
    """

    wall: tyro.conf.Positional[Path]
    """Where it hangs."""
    plug: str
    """Which plug."""
    bright: float = 1.0
    """How bright
    it is."""
    shade: Literal["paper", "glass"] | None = None
    """Around it."""
    size: tuple[int, int] = (3, 4)
    """Of it."""
    begin: Annotated[str | None, tyro.conf.arg(name="turn-on")] = None
    """When."""
    profile: str | None = None
    """Whose."""
    outputs: Annotated[Outputs, tyro.conf.OmitArgPrefixes] = field(default_factory=Outputs)


SECTIONS = sections_of({"lamp": Lamp})


def settings_of(text: str) -> Settings:
    return read_settings(Document(Path("s.toml"), text, tomllib.loads(text)), SECTIONS)


def test_the_options_are_those_of_the_commands() -> None:
    assert [*SECTIONS] == ["lamp", "outputs.vmc", "outputs.vrchat", "outputs.arkit", "outputs.virtual_camera"]
    assert [*SECTIONS["lamp"].options] == ["bright", "shade", "size", "turn_on", "profile"]
    assert SECTIONS["lamp"].about == "A lamp. It shines."
    assert SECTIONS["lamp"].options["bright"].help == "How bright it is."
    assert [*SECTIONS["outputs.vmc"].options] == ["address", "blendshapes"]
    assert SECTIONS["outputs.vmc"].about.startswith("Motion to programs")


def test_a_file_a_profile_over_it_and_where_each_comes_from() -> None:
    settings = settings_of(
        """\
[lamp]
bright = 0.5  # evenings
size = [
  1,
  2,
]
turn_on = "6:00"

[outputs.vmc]
address = "on"

[profiles.studio.lamp]
bright = 3
[profiles.studio.outputs.vmc]
blendshapes = ["arkit"]
"""
    )
    assert {key: (s.value, s.line, s.profile) for key, s in settings.chosen(None).items()} == {
        ("lamp", "bright"): (0.5, 2, None),
        ("lamp", "size"): ((1, 2), 3, None),
        ("lamp", "turn_on"): ("6:00", 7, None),
        ("outputs.vmc", "address"): ("on", 10, None),
    }
    assert settings.chosen("nobody's") == settings.chosen(None)
    studio = settings.chosen("studio")
    assert (studio["lamp", "bright"].value, studio["lamp", "bright"].profile) == (3.0, "studio")
    assert studio["lamp", "size"].value == (1, 2)
    lamp = with_settings("lamp", Lamp, studio)
    assert (lamp.bright, lamp.size, lamp.begin, lamp.shade) == (3.0, (1, 2), "6:00", None)
    assert (lamp.outputs.vmc.address, lamp.outputs.vmc.blendshapes) == ("on", ("arkit",))
    assert lamp.wall is lamp.plug is tyro.MISSING


@pytest.mark.parametrize(
    ("text", "line", "what", "mend"),
    [
        ("[lamp]\n\nbrite = 1", 3, "unknown option brite in [lamp]", "did you mean bright? [lamp] has bright, shade"),
        ("[lamp]\nwall = 'x'", 2, "unknown option wall in [lamp]", "[lamp] has"),
        ("[lampe]\nbright = 1", 1, "unknown section [lampe]", "did you mean lamp?"),
        ("[outputs.vcm]", 1, "unknown section [outputs.vcm]", "did you mean outputs.vmc?"),
        ("lamp = 1", 1, "lamp is a section", "write [lamp]"),
        ("bright = 1", 1, "unknown section [bright]", "sections are lamp, outputs.vmc"),
        ("[lamp]\nbright = 'very'", 2, "[lamp] bright = very", "give a number"),
        ("[lamp]\nshade = 'papper'", 2, "[lamp] shade = papper", 'did you mean paper? give "paper" or "glass"'),
        ("[lamp]\n# a\nsize = [1,\n'b']", 3, "[lamp] size", "give a whole number"),
        ("outputs.vmc.address = 'x y'", 1, "[outputs.vmc] address = x y", 'not HOST:PORT: give "on"'),
        ("[profiles.a.lamp]\nbrihgt = 1", 2, "unknown option brihgt in [lamp]", "did you mean bright?"),
        ("[profiles.a.lamp]\nprofile = 'b'", 2, "unknown option profile in [lamp]", ""),
        ("[profiles.a.lmp]", 1, "unknown section [lmp]", "did you mean lamp?"),
        ("[profiles]\na = 1", 2, "profile a is no table", "write [profiles.a.live]"),
        ("profiles = 1", 1, "profiles is no table", "write [profiles.NAME.live]"),
    ],
)
def test_mistakes_name_their_line_and_what_is_allowed(text: str, line: int, what: str, mend: str) -> None:
    with pytest.raises(BadInputError) as refused:
        settings_of(text)
    assert refused.value.what.startswith(f"settings s.toml, line {line}: {what}")
    assert refused.value.mend.startswith(mend)


@given(
    st.lists(
        st.sampled_from(
            ["", "# [lamp]", "bright = 1", "[lamp]", 'a.b = """', 'x = 1"""', "c = [", "1,", "]", "[[t]]"]
        )
    )
)
def test_every_key_has_a_line_that_mentions_it(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    known = lines_of(text)
    for name in tables:
        assert name in lines[known[name,] - 1]


def test_what_is_no_toml_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    assert read_document(path) is None
    for data, words in ((b"[live]\nview = mirror\n", "line 2"), (b"a = 1\nb = '\xff'", "line 2: not UTF-8")):
        path.write_bytes(data)
        with pytest.raises(BadInputError, match=words):
            read_document(path)
    path.write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(BadInputError, match="larger than"):
        read_document(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInputError, match="cannot be read"):
        read_document(path)


def test_a_new_file_holds_every_option_off_and_each_can_be_turned_on() -> None:
    sections = known_sections()
    text = completed("", sections)
    assert settings_of_known(text) == Settings()
    text, _, example = text.partition("# Profiles lie over")
    assert "# [profiles.studio.live]" in example
    switched = "\n".join(_switched_on(line) for line in text.splitlines())
    base = settings_of_known(switched).base
    assert base.keys() == {(s.name, key) for s in sections.values() for key in s.options}
    for (section, key), setting in base.items():
        default = sections[section].options[key].default
        assert default is None or setting.value == default
    assert max(map(len, text.splitlines())) <= 118


def _switched_on(line: str) -> str:
    name = line.removeprefix("# ").partition(" = ")[0]
    return line.removeprefix("# ") if line.startswith("# ") and " = " in line and name.isidentifier() else line


def settings_of_known(text: str) -> Settings:
    return read_settings(Document(Path("s.toml"), text, tomllib.loads(text)), known_sections())


def test_completing_a_file_keeps_every_line_of_it() -> None:
    mine = """\
# my own words
[outputs.vmc]
address = "on"   # to the other machine


[lamp] # evenings
  bright = 0.25
# shade = "glass"  as my aunt likes it

[profiles.a.lamp]
size = [1, 1]
"""
    whole = completed(mine, SECTIONS)
    kept = iter(whole.splitlines())
    assert all(line in kept for line in mine.splitlines())  # all of them, in their order
    assert settings_of(whole).chosen("a").keys() == settings_of(mine).chosen("a").keys()
    assert whole.count("# shade = ") == 1  # mentioned already
    assert whole.count("# blendshapes = ") == 1
    assert whole.count("[lamp]") == 1
    assert completed(whole, SECTIONS) == whole


def test_everything_settable_has_words_and_a_default_that_holds() -> None:
    for section in known_sections().values():
        assert section.about
        assert section.options
        for option in section.options.values():
            assert option.help, option
    for name, command in SETTABLE.items():
        assert dataclasses.is_dataclass(with_settings(name, command, {}))


@pytest.mark.parametrize(
    ("argv", "arguments", "named"),
    [
        (["live", "--profile", "anna", "--seconds", "3"], ["live", "--profile", "anna", "--seconds", "3"], "anna"),
        (["--profile", "anna", "live"], ["live"], "anna"),
        (["--profile=anna", "live"], ["live"], "anna"),
        (["live", "--profile=bob"], ["live", "--profile=bob"], "bob"),
        (["live", "--profile"], ["live", "--profile"], None),
        (["--help"], ["--help"], None),
        ([], [], None),
    ],
)
def test_a_profile_before_the_command_is_for_any_command(
    argv: list[str], arguments: list[str], named: str | None
) -> None:
    choice = choose_profile(argv)
    assert (choice.arguments, choice.named) == (arguments, named)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's config directory with nothing in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "inperson" / "settings.toml"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What commands would have run with."""
    commands: list[Any] = []
    for command in (Live, Render, Replay):
        monkeypatch.setattr(command, "run", lambda self, console: commands.append(self))
    return commands


def write(home: Path, text: str) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text(text)


def test_settings_are_defaults_flags_win_and_profiles_lie_over(home: Path, ran: list[Any]) -> None:
    assert settings_path() == home
    write(
        home,
        """\
[live]
view = "headset"
seconds = 9
passthrough = true
[render]
camera = "orbit"
[profiles.anna.live]
view = "headset+mirror"
[profiles.anna.render]
camera = "mirror"
""",
    )
    for argv in (
        ["live"],
        ["live", "--view", "mirror", "--no-passthrough"],
        ["live", "--profile", "anna"],
        ["--profile", "anna", "live", "--seconds", "2"],
        ["live", "--profile", "bob"],
    ):
        assert cli.main(argv) == 0
    said = [(live.view, live.seconds, live.passthrough, live.profile) for live in ran]
    assert said == [
        ("headset", 9.0, True, None),
        ("mirror", 9.0, False, None),
        ("headset+mirror", 9.0, True, "anna"),
        ("headset+mirror", 2.0, True, "anna"),
        ("headset", 9.0, True, "bob"),
    ]
    ran.clear()
    for argv in (
        ["render", "m.npz", "--avatar", "ada", "-o", "x.mp4"],
        ["--profile", "anna", "render", "m.npz", "--avatar", "ada", "-o", "x.mp4"],
    ):
        assert cli.main(argv) == 0
    assert [render.camera for render in ran] == ["orbit", "mirror"]
    with pytest.raises(SystemExit):  # what must be given still must
        cli.main(["render", "m.npz"])


def test_settings_for_another_view_are_left_out_and_said(
    home: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        home,
        """\
[live]
scene = "embodied"
passthrough = true
[replay]
scene = "mirror"
[outputs.virtual_camera]
device = "on"
[profiles.anna.live]
scene = "face-to-face"
""",
    )
    said = []
    for argv in (
        ["live"],
        ["live", "--view", "headset"],
        ["live", "--view", "headset+mirror"],
        ["live", "--profile", "anna", "--no-passthrough"],
        ["replay", "s.mcap"],
    ):
        assert cli.main(argv) == 0
        ran[-1].check()
        said.append(capsys.readouterr().out.splitlines())
    for_headset = "is for a headset; left out of this session"
    assert said == [
        [f"settings, line 2: --scene embodied {for_headset}", f"settings, line 3: --passthrough {for_headset}"],
        ["settings, line 7: --virtual-camera shows the mirror; left out of this session"],
        [],
        [f"settings, line 9: --scene face-to-face {for_headset}"],
        [f"settings, line 5: --scene mirror {for_headset}"],
    ]
    assert [(command.scene, command.passthrough, command.outputs.virtual_camera.device) for command in ran] == [
        (None, False, "on"),
        ("embodied", True, "off"),
        ("embodied", True, "on"),
        (None, False, "on"),
        (None, False, "on"),
    ]


def test_what_the_command_line_says_is_refused_whatever_the_file_says(
    home: Path, ran: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write(home, "[live]\nscene = 'embodied'\n")
    for scene in ("embodied", "mirror"):
        cli.main(["live", "--scene", scene])
        with pytest.raises(BadInputError, match=f"--scene {scene} is for a headset"):
            ran[-1].check()
    assert capsys.readouterr().out == ""


def test_a_profile_chosen_by_the_file_itself(home: Path, ran: list[Any]) -> None:
    write(home, "[live]\nprofile = 'anna'\n[profiles.anna.live]\nseconds = 5\n[profiles.bob.live]\nseconds = 6\n")
    assert cli.main(["live"]) == 0
    assert cli.main(["live", "--profile", "bob"]) == 0
    assert [(live.profile, live.seconds) for live in ran] == [("anna", 5.0), ("bob", 6.0)]


def test_help_shows_what_counts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, "[live]\nsize = [123, 456]\n[profiles.anna.live]\nseconds = 77\n")
    with pytest.raises(SystemExit):
        cli.main(["--profile", "anna", "live", "--help"])
    said = capsys.readouterr().out
    for words in ("(default: 123 456)", "(default: 77.0)", "(default: anna)"):
        assert words in said


def test_a_mistake_is_one_line_and_the_settings_command_still_works(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(home, "[live]\nveiw = 'mirror'\n")
    for argv in (["live"], ["--help"], ["settings", "check"], ["settings", "show"]):
        assert cli.main(argv) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: settings {home}, line 2: unknown option veiw in [live]: did you mean view? ")
        assert said.count("\n") == 1
    assert cli.main(["settings", "path"]) == 0
    assert capsys.readouterr().out.strip() == str(home)


def test_init_check_and_show(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["settings", "check"]) == 0
    assert "there is none" in capsys.readouterr().out
    assert cli.main(["settings", "init"]) == 0
    assert capsys.readouterr().out == f"{home}: written\n"
    text = home.read_text()
    assert cli.main(["settings", "init"]) == 0
    assert capsys.readouterr().out == f"{home}: has everything already\n"
    assert home.read_text() == text
    assert os.listdir(home.parent) == ["settings.toml"]
    write(home, "[live]\nseconds = 4\n[profiles.anna.live]\nview = 'none'\n")
    assert cli.main(["settings", "init"]) == 0
    assert capsys.readouterr().out == f"{home}: completed\n"
    assert cli.main(["settings", "check"]) == 0
    assert capsys.readouterr().out == f"{home}: 1 options set, profiles anna\n"
    assert cli.main(["settings", "show", "--profile", "anna"]) == 0
    shown = capsys.readouterr().out
    line = home.read_text().splitlines().index("view = 'none'") + 1
    assert f'view = "none"  # line {line}, profile anna\n' in shown
    assert "seconds = 4.0  # line 2\n" in shown
    assert 'backend = "auto"  # default\n' in shown
    assert "# avatar is not set\n" in shown
    tomllib.loads(shown)
