"""`inperson models fetch`: get the landmark models into the per-user cache."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Fetch:
    """Get MediaPipe's model files, check their sha256 and keep them in the per-user cache."""

    def run(self, console: Console) -> None:
        """Fetch what is missing; quick when everything is there."""
        from inperson.tracking.models import fetch_models

        paths = fetch_models(lambda line: console.print(line, soft_wrap=True))
        folder = next(iter(paths.values())).parent
        console.print(f"{len(paths)} model files in {folder}", soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Models:
    """The model files tracking needs."""

    action: Annotated[Fetch, tyro.conf.subcommand("fetch")] | Annotated[None, tyro.conf.Suppress]

    def run(self, console: Console) -> None:
        """Run the chosen action."""
        assert self.action is not None
        self.action.run(console)
