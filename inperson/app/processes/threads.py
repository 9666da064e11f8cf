"""How many threads libraries may use that read it from the environment when they are loaded."""

import os


def one_blas_thread() -> None:
    """For commands that fit bodies; call it before numpy is loaded, in this process and those it starts.

    On matrices as small as a fit's, OpenBLAS's threads only wait for each other. Who set the variable is obeyed.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
