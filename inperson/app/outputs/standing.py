"""Where a person stands, so that other programs' avatars stand on their floor and not at a webcam's height."""

import numpy as np
from jaxtyping import Float

from inperson.app.outputs.humanoid import ANKLES_AND_FEET, PELVIS, Humanoid, HumanoidPose

SETTLING_STATES = 60
"""The place is the mean of so many states, then stays: a webcam's first seconds still move in depth."""


class StandingPlace:
    """The point on the floor below the pelvis, in the mean of the first states.

    A webcam's world has its origin in the camera and knows no floor. A body stands on the lowest of its soles; legs
    that nobody sees hang down as if standing, so somebody at a desk stands, too.

    Args:
        humanoid: whose poses are placed.
    """

    def __init__(self, humanoid: Humanoid) -> None:
        self._sole = humanoid.sole
        self._place = np.zeros(3)
        self._settled = 0

    def settle_anew(self) -> None:
        """Find the place again from the poses that follow."""
        self._settled = 0

    def __call__(self, pose: HumanoidPose) -> Float[np.ndarray, "3"]:
        """The place, in the pose's world, metres; what is at this point goes to the other program's origin."""
        if self._settled < SETTLING_STATES:
            x, _, z = pose.joints[PELVIS]
            floor = pose.joints[list(ANKLES_AND_FEET), 1].min() - self._sole
            self._settled += 1
            self._place = self._place + (np.array([x, floor, z]) - self._place) / self._settled
        return self._place
