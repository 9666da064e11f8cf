"""What the shader's data is: the part of a recipe that rendering reads."""

from dataclasses import dataclass, field

from inperson.reconstruct.training.recipe import FitErrorRecipe, PeopleRecipe


@dataclass(frozen=True, slots=True)
class SubjectsRecipe:
    """Which people are rendered."""

    train: int = 400
    held_out: int = 20
    first_seed: int = 100_000
    """Training person n is drawn with seed first_seed + n: nobody whom the avatar network was trained on, or their
    avatars would be better than those of the people the shader meets."""
    held_out_seed: int = 2_000_000
    """Likewise, and nobody whom evaluation shows: held-out windows choose between checkpoints."""
    windows: int = 4
    """Of each training person."""
    held_out_windows: int = 1
    per_shard: int = 10
    """People."""
    input_size: int = 640
    """Short side of the one picture that an avatar is made from, pixels."""
    upper_body: float = 0.85
    """Share of these pictures that show the upper body, as a webcam does; the rest show the whole person."""

    def split(self) -> PeopleRecipe:
        """The same counts and seeds, as `reconstruct.training.people.all_people` reads them."""
        return PeopleRecipe(self.train, self.held_out, self.first_seed, self.held_out_seed, self.per_shard)


@dataclass(frozen=True, slots=True)
class MotionRecipe:
    """What happens in a window."""

    still_body: float = 0.25
    """Share of windows in which nothing about the person moves."""
    turning: float = 0.15
    """Share in which the whole person turns."""
    turning_speed: float = 0.8
    """Radians a second, standard deviation."""
    still_camera: float = 0.4
    """Share in which the camera stands still."""
    camera_speed: float = 0.25
    """Metres a second along each axis, standard deviation: a head that moves."""
    camera_turning: float = 0.3
    """Radians a second about the person, standard deviation."""


@dataclass(frozen=True, slots=True)
class FramingRecipe:
    """Where the eyes are."""

    stereo: float = 0.25
    """Share of windows with two eyes."""
    eye_distance: float = 0.063
    """Metres."""
    least_across: float = 0.3
    """Metres that a crop covers at the person, at least (a face) ..."""
    most_across: float = 1.3
    """... and at most (the upper body); the logarithm is uniform."""
    nearest: float = 0.6
    """Metres from the eyes to the person."""
    farthest: float = 2.2
    sideways: float = 0.5
    """Radians from the person's front, standard deviation."""
    all_round: float = 0.1
    """Share of windows seen from anywhere, the back included."""
    height: float = 0.15
    """Radians above or below the person, standard deviation."""


@dataclass(frozen=True, slots=True)
class TrackingErrorRecipe:
    """Errors of a tracker, standard deviations: the avatar is posed with them, the truth is not."""

    exact: float = 0.5
    """Share of windows without any."""
    body_pose: float = 0.006
    """Radians, each axis of each joint."""
    hand_pose: float = 0.03
    transl: float = 0.002
    """Metres."""
    jaw: float = 0.01
    expression: float = 0.03
    fastest: float = 4.0
    """Hertz: errors wander slower than this."""
    jitter: float = 0.1
    """Share of each that is new in every frame."""


@dataclass(frozen=True, slots=True)
class WindowRecipe:
    """One window."""

    frames: int = 8
    fps: float = 30.0
    size: int = 256
    """Side of the crops, pixels; a multiple of `interface.MULTIPLE`."""
    motion: MotionRecipe = field(default_factory=MotionRecipe)
    framing: FramingRecipe = field(default_factory=FramingRecipe)
    tracking: TrackingErrorRecipe = field(default_factory=TrackingErrorRecipe)


@dataclass(frozen=True, slots=True)
class FootageRecipe:
    """Windows of one clip of a real person."""

    windows: int = 16
    frames: int = 8
    """In a row, at the clip's own rate."""
    size: int = 256
    """Side of the crops, pixels: each shows a square of the clip that is no smaller."""


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """Everything that rendering needs to know."""

    subjects: SubjectsRecipe = field(default_factory=SubjectsRecipe)
    fit: FitErrorRecipe = field(default_factory=FitErrorRecipe)
    """Largest errors of the fit to the picture that an avatar is made from."""
    least_fit: float = 0.2
    """Each person's errors are a share of the largest, drawn evenly from here to 1: some fits are good."""
    window: WindowRecipe = field(default_factory=WindowRecipe)
    footage: FootageRecipe = field(default_factory=FootageRecipe)
    """Of every clip that is given."""
