"""What a user may ask of the video shader."""

from typing import Literal

from inperson.shader_model.network.config import Size

ShaderChoice = Literal["off", Size, "auto"]
DEFAULT_SHADER: ShaderChoice = "off"
"""Until trained weights ship in assets/networks."""
