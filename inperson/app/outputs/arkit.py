"""ARKit's 52 blendshapes over OSC: one message `/NAME value` each, in ARKit's spelling, 0 to 1.

There is no standard. One address a shape is what programs that map any OSC address to anything want (TouchDesigner,
Max, Unity, Blender), and with the prefix `/avatar/parameters/` it is the form in which VRChat sets an avatar's
parameters (https://docs.vrchat.com/docs/osc-avatar-parameters). Programs for VTubers read the same names in VMC.
"""

from inperson.app.outputs.blendshapes import ARKIT, ArkitFace
from inperson.app.outputs.osc import FloatMessage, bundles
from inperson.app.outputs.shown import Shown
from inperson.avatar.body import BodyModel


class ArkitBlendshapes:
    """States as ARKit's blendshapes.

    Args:
        body: whose states are sent.
        prefix: what goes before each name; begins and ends with a slash.
    """

    def __init__(self, body: BodyModel, prefix: str) -> None:
        self._face = ArkitFace(body)
        self._messages = {name: FloatMessage(f"{prefix}{name}", floats=1) for name in ARKIT}

    def __call__(self, shown: Shown) -> list[bytes]:
        """The datagrams of one state."""
        values = self._face.values(shown.state)
        return bundles(message(values[name]) for name, message in self._messages.items())
