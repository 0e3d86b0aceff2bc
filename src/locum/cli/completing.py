"""Names of what a plane has, for the completion of shells. The plane that runs is asked; without one there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from locum.cli.home import default_home

Completed = Callable[[click.Context, click.Parameter, str], list[Any]]


def names_of(kind: str) -> Completed:
    """Complete the names of `instances`, `profiles` or `roles`."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from locum.cli.planes import names  # late: only a completion needs it

        data = ctx.params.get("data")
        found = names(data if isinstance(data, Path) else default_home(), kind)
        return [CompletionItem(name) for name in found if name.startswith(incomplete)]

    return complete
