"""Colours and sizes of the room: calm, mid-grey, lighter towards the horizon and ahead. sRGB-encoded, metres."""

HAZE_AHEAD = (0.640, 0.662, 0.690)
"""At the horizon, looking along -z; anywhere between it and `HAZE_BEHIND` otherwise."""
HAZE_BEHIND = (0.545, 0.560, 0.590)
ZENITH = (0.330, 0.372, 0.440)
FLOOR = (0.452, 0.440, 0.430)
JOINT = (0.392, 0.384, 0.378)
"""Between the floor's tiles."""
TILE = 0.6
"""Side of a tile with one joint."""
JOINT_WIDTH = 0.012
HAZE_DISTANCE = 7.0
"""Where half of the floor's colour is haze."""
SHADOW = 0.34
"""How much of the floor's light is lost in the middle of the avatar's shadow."""
SHADOW_RADIUS = 0.55
GLASS_TINT = (0.925, 0.955, 0.950)
"""What is left of light that a mirror reflects."""
WOOD = (0.285, 0.232, 0.192)
"""Of the mirror's frame."""
