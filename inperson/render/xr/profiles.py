"""Which parts of which controllers the actions are bound to, for every interaction profile suggested."""

from dataclasses import dataclass

from inperson.render.xr import extensions

HANDS = ("/user/hand/left", "/user/hand/right")
"""The top-level user paths of the two hands, left first."""


@dataclass(frozen=True, slots=True)
class InteractionProfile:
    """A kind of controller: its path and, per action, the component under `/user/hand/.../input/`."""

    path: str
    recenter: str | None
    """On both hands; None where nothing is pressed on purpose."""
    menu: str | None
    menu_hands: tuple[str, ...] = HANDS
    extension: str | None = None
    """The extension that defines the profile; None for those of the core specification."""

    @property
    def grips(self) -> tuple[str, ...]:
        """Where each hand holds the controller, left first."""
        return tuple(f"{hand}/input/grip/pose" for hand in HANDS)

    @property
    def recenter_buttons(self) -> tuple[str, ...]:
        """Every input that recentres."""
        return tuple(f"{hand}/input/{self.recenter}" for hand in HANDS if self.recenter)

    @property
    def menu_buttons(self) -> tuple[str, ...]:
        """Every input that is a menu button."""
        return tuple(f"{hand}/input/{self.menu}" for hand in self.menu_hands if self.menu)


PROFILES = (
    InteractionProfile("/interaction_profiles/khr/simple_controller", "select/click", "menu/click"),
    # The right Touch controller's menu button belongs to the system.
    InteractionProfile(
        "/interaction_profiles/oculus/touch_controller", "thumbstick/click", "menu/click", menu_hands=HANDS[:1]
    ),
    # An Index controller has no menu button; SteamVR gives B that role too.
    InteractionProfile("/interaction_profiles/valve/index_controller", "thumbstick/click", "b/click"),
    InteractionProfile("/interaction_profiles/htc/vive_controller", "trackpad/click", "menu/click"),
    InteractionProfile("/interaction_profiles/microsoft/motion_controller", "thumbstick/click", "menu/click"),
    # Bare hands have no buttons: people pinch and grasp while they talk.
    InteractionProfile(
        "/interaction_profiles/ext/hand_interaction_ext", None, None, extension=extensions.HAND_INTERACTION
    ),
)
"""OpenXR 1.0, section 6.4 (and XR_EXT_hand_interaction). A runtime picks the nearest for controllers not listed."""
