"""`locum completion`: the script by which a shell completes commands, options, and names of what the plane has."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_NAME: Final = "locum"


@click.command()
@click.argument("shell", type=click.Choice(tuple(_SHELLS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion of SHELL: eval "$(locum completion bash)", or `locum completion fish | source`."""
    made = _SHELLS[shell](ctx.find_root().command, {}, _NAME, f"_{_NAME.upper()}_COMPLETE")
    click.echo(made.source_template % made.source_vars())  # `source` itself starts a bash to look at its version
