"""What one may ask of an export, and which file takes which of it. Light: every start of the program reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inperson.app.shading.choice import DEFAULT_SHADER, ShaderChoice
from inperson.errors import BadInputError

OWN_CAMERAS = ("mirror", "orbit", "source")
MOVIES = (".mp4", ".webm", "")
"""The last one is a folder of PNGs."""
ON_AVATAR = (*MOVIES, ".glb")
WITH_FRAMES = (*MOVIES, ".npz", ".bvh", ".glb", ".vrma")
WITH_BODY = (*MOVIES, ".bvh", ".glb", ".vrma", ".rrd")
OF_EVERYBODY = (".json",)
ENDINGS = (".mp4", ".webm", ".npz", ".bvh", ".glb", ".vrma", ".rrd", ".wav", ".json")


@dataclass(frozen=True)
class MovieOptions:
    """What a movie shows."""

    camera: str = "mirror"
    """mirror shows head to waist reflected; orbit walks around once; source is the camera they were tracked with; or
    a name in --camera-file."""
    camera_file: Path | None = None
    """Cameras by name, a TOML or JSON file: position, look_at, vertical_fov."""
    stereo: bool = False
    """A stereo pair side by side."""
    size: tuple[int, int] | None = None
    """Width and height of one view, pixels; by default the source's own, or 512 512."""
    transparent: bool = False
    """The person alone, with alpha: in a .webm or a folder of PNGs."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""
    shader: ShaderChoice = DEFAULT_SHADER
    """The video shader: a size, or auto for the largest there is."""
    quality: Literal["live", "teacher"] = "live"
    """teacher: the video shader's offline model in place of --shader, seconds a picture on a CPU."""
    teacher: Path | None = None
    """Weights for --quality teacher; by default those that come with the program."""
    split: bool = False
    """The left half of each view without the shader, the right half with it."""
    mute: bool = False
    """Without the participant's voice."""

    def check(self, ending: str) -> None:
        """Raise BadInputError where options contradict each other or the file's ending."""
        if ending not in MOVIES:
            if self != MovieOptions():
                raise BadInputError(
                    f"{self._given()} shows in movies, not in {ending}", "leave it out, or write a .mp4 or .webm"
                )
            return
        taught = self.quality == "teacher"
        if self.split and self.shader == "off" and not taught:
            raise BadInputError("--split shows the picture without the shader beside it", "add --shader SIZE or auto")
        if self.split and self.transparent:
            raise BadInputError("--split draws on the picture, --transparent leaves it alone", "give one of them")
        if taught and self.shader != "off":
            raise BadInputError("--quality teacher shades in place of --shader", "give one of them")
        if self.teacher is not None and not taught:
            raise BadInputError("--teacher is for --quality teacher", "add it, or leave --teacher out")
        if self.transparent and ending == ".mp4":
            raise BadInputError("MP4 has no alpha", "write a .webm or a folder of PNGs, or leave --transparent out")
        if self.camera not in OWN_CAMERAS and self.camera_file is None:
            known = ", ".join(OWN_CAMERAS)
            raise BadInputError(f"--camera {self.camera}", f"name one of {known}, or add --camera-file FILE")
        if self.camera in OWN_CAMERAS and self.camera_file is not None:
            raise BadInputError(f"--camera {self.camera} is not in a file", "leave --camera-file out")

    def _given(self) -> str:
        """The first option that is not as it would be by itself."""
        plain = MovieOptions()
        names = (name for name in self.__dataclass_fields__ if getattr(self, name) != getattr(plain, name))
        return f"--{next(names).replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export is made of."""

    participant: str | None
    avatar: str | None
    body: str | None
    fps: float | None
    movie: MovieOptions

    def check(self, out: Path) -> None:
        """Raise BadInputError for an ending nobody knows, or an option that would not show in the file."""
        ending = out.suffix.lower()
        if ending not in ENDINGS and ending != "":
            endings = ", ".join(ENDINGS)
            raise BadInputError(f"output {out}", f"name a file ending in {endings}, or a new folder for PNGs")
        for option, given, takes in (
            ("--avatar", self.avatar, ending in ON_AVATAR),
            ("--body", self.body, ending in WITH_BODY),
            ("--fps", self.fps, ending in WITH_FRAMES),
            ("--participant", self.participant, ending not in OF_EVERYBODY),
        ):
            if given is not None and not takes:
                raise BadInputError(f"{option} means nothing for {ending}", "leave it out")
        if self.fps is not None and not 0.0 < self.fps <= 1000.0:
            raise BadInputError(f"--fps {self.fps:g}", "give frames a second, above 0, 1000 at most")
        self.movie.check(ending)
