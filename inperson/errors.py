"""The one kind of error a user sees: what is wrong with which thing, and the mend.

Anything raised as `InPersonError` reaches the terminal as one line and an honest exit code, never as a
traceback. Programming errors stay ordinary exceptions.
"""


class InPersonError(Exception):
    """A problem the user can act on.

    Args:
        what: names the thing (file, device, option) and what is wrong with it.
        mend: what to do about it, as an instruction.
        exit_code: the process's exit status when this ends a command.
    """

    def __init__(self, what: str, mend: str, *, exit_code: int = 1) -> None:
        super().__init__(f"{what}: {mend}")
        self.what = what
        self.mend = mend
        self.exit_code = exit_code


class BadInputError(InPersonError):
    """A file, option or value the user gave cannot be used (exit code 2)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend, exit_code=2)


class DeviceError(InPersonError):
    """A camera, window, GPU or headset is missing or went away (exit code 3)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend, exit_code=3)


class MissingModelError(InPersonError):
    """A model file is missing or has the wrong hash (exit code 4)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend, exit_code=4)


class OutputError(InPersonError):
    """Something could not be written (exit code 5)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend, exit_code=5)
