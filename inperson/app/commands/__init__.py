"""One module a command. Each command is a frozen dataclass: its fields are the options, `run` does the work.

Heavy imports (torch, mediapipe, numba, GL) belong inside `run`, so that `inperson --help` answers at once and
`inperson doctor` works on a machine where they cannot be imported.
"""
