"""What people choose of live outputs and inputs: flags of commands and sections of the settings file."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from inperson.app.outputs.addresses import OFF, ON, split_address
from inperson.errors import BadInputError

BlendshapeNames = Literal["vrm0", "vrm1", "arkit"]
TrackerName = Literal["hip", "chest", "feet", "knees", "elbows"]
PartName = Literal["body", "left_hand", "right_hand", "face", "eyes"]

VMC_PORT, VMC_INPUT_PORT = 39539, 39540
"""Where a Marionette listens, and where a Performer listens to Assistants (https://protocol.vmc.info/specification)."""
VRCHAT_PORT = 9000
ARKIT_PORT = 9009
"""Nobody's in particular: there is no standard."""
TALLEST, SMALLEST = 2.6, 0.5
"""Metres of people."""


def _address(default_port: int) -> PrimitiveConstructorSpec[str]:
    """An option that may stand alone (on), or with an address."""

    def check(words: list[str]) -> str:
        text = " ".join(words) or ON
        split_address(text, default_port)
        return text

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar="[on|off|HOST:PORT]",
        instance_from_str=check,
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value],
    )


_DEVICE = PrimitiveConstructorSpec[str](
    nargs="*",
    metavar="[on|off|DEVICE]",
    instance_from_str=lambda words: " ".join(words) or ON,
    is_instance=lambda value: isinstance(value, str),
    str_from_instance=lambda value: [value],
)


@dataclass(frozen=True)
class VmcOutput:
    """Motion to programs that read the VMC protocol: VSeeFace, Warudo, VNyan, Unity, Blender and others."""

    address: Annotated[str, _address(VMC_PORT), tyro.conf.arg(name="vmc")] = OFF
    """Send VMC: on is 127.0.0.1:39539."""
    blendshapes: Annotated[tuple[BlendshapeNames, ...], tyro.conf.arg(name="vmc-blendshapes")] = (
        *("vrm0", "vrm1", "arkit"),
    )
    """Under which names the face is sent over VMC. Leave some out if the avatar blinks or speaks twice as much."""


@dataclass(frozen=True)
class VrchatOutput:
    """Trackers to VRChat over OSC."""

    address: Annotated[str, _address(VRCHAT_PORT), tyro.conf.arg(name="vrchat")] = OFF
    """Send VRChat its OSC trackers: on is 127.0.0.1:9000."""
    trackers: Annotated[tuple[TrackerName, ...], tyro.conf.arg(name="vrchat-trackers")] = (
        *("hip", "chest", "feet", "knees", "elbows"),
    )
    """Which trackers VRChat gets besides the head: fewer leave more to its own guess."""
    height: Annotated[float | None, tyro.conf.arg(name="vrchat-height")] = None
    """How tall you are, in metres, for VRChat; by default what the camera found."""


@dataclass(frozen=True)
class ArkitOutput:
    """The face as ARKit's 52 blendshapes over OSC."""

    address: Annotated[str, _address(ARKIT_PORT), tyro.conf.arg(name="arkit-osc")] = OFF
    """Send ARKit's blendshapes: on is 127.0.0.1:9009."""
    prefix: Annotated[str, tyro.conf.arg(name="arkit-osc-prefix")] = "/"
    """What goes before each blendshape's name, such as /avatar/parameters/ for a VRChat avatar's own parameters."""


@dataclass(frozen=True)
class VirtualCameraOutput:
    """The mirror as a camera of other programs."""

    device: Annotated[str, _DEVICE, tyro.conf.arg(name="virtual-camera")] = OFF
    """Show the mirror's pictures to other programs as a camera: on takes the first virtual camera there is."""


@dataclass(frozen=True)
class Outputs:
    """Everything that can be sent to other programs while a session runs."""

    vmc: VmcOutput = field(default_factory=VmcOutput)
    vrchat: VrchatOutput = field(default_factory=VrchatOutput)
    arkit: ArkitOutput = field(default_factory=ArkitOutput)
    virtual_camera: VirtualCameraOutput = field(default_factory=VirtualCameraOutput)

    @property
    def wanted(self) -> bool:
        """Whether any of them is on."""
        addresses = (self.vmc.address, self.vrchat.address, self.arkit.address, self.virtual_camera.device)
        return any(where != OFF for where in addresses)

    def check(self) -> None:
        """Refuse values that cannot be.

        Raises:
            BadInputError: a height or a prefix is none.
        """
        height, prefix = self.vrchat.height, self.arkit.prefix
        if height is not None and not SMALLEST <= height <= TALLEST:
            raise BadInputError(f"--vrchat-height {height}", f"give metres between {SMALLEST} and {TALLEST}")
        if not (prefix.startswith("/") and prefix.endswith("/") and prefix.isprintable() and prefix.isascii()):
            raise BadInputError(f"--arkit-osc-prefix {prefix}", "begin and end it with a slash")


@dataclass(frozen=True)
class VmcInput:
    """Parts of the body from another program, by the VMC protocol."""

    address: Annotated[str, _address(VMC_INPUT_PORT), tyro.conf.arg(name="vmc-input")] = OFF
    """Take parts of the body from another program that sends VMC here: on listens on 127.0.0.1:39540."""
    parts: Annotated[tuple[PartName, ...], tyro.conf.arg(name="vmc-input-parts")] = (
        *("body", "left_hand", "right_hand", "face", "eyes"),
    )
    """Which parts come over VMC; the camera gives the others."""


@dataclass(frozen=True)
class Inputs:
    """Everything that other programs can send to a session."""

    vmc: VmcInput = field(default_factory=VmcInput)
