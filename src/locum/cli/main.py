"""The `locum` command. Each subcommand is a module that is imported when it is called."""

from __future__ import annotations

import gc
import importlib
from typing import Final

import click

from locum import __version__
from locum.core.errors import LocumError

COMMANDS: Final = {
    "up": "start the plane: gateway and metadata service",
    "env": 'print the exports for a shell: eval "$(locum env)"',
    "aws": "run the AWS CLI, of any version, on the plane: locum aws -- s3 ls",
    "run": "launch an instance with an instance profile and run a command inside it",
    "exec": "run another command in a running instance",
    "activate": "print the code with which another machine becomes an instance",
    "agent": "be an instance: serve metadata service and gateway of a plane elsewhere",
    "credential-process": "print credentials of IAM Roles Anywhere for a certificate, as SDKs read them",
    "console": "open the console, signed in",
    "explain": "tell why a call was allowed or denied",
    "who-can": "tell who can do something, and under which conditions",
    "what-can": "tell what a user or role can do",
    "check": "run decision cases: unit tests for policies",
    "lint": "tell what is wrong with policies, as IAM Access Analyzer does",
    "policy": "write policies from what was done, and try policies on it",
    "audit": "tell what is wrong with the identities of the plane, and what mends it",
    "migrate": "tell how a program does with a role in place of an access key",
    "plan": "tell which permissions a deployment takes, and which of them lack",
    "import": "make the users, roles and policies of a real account here",
    "export": "write the users, roles and policies of the plane for other tools",
    "init": "carry out scripts, templates and lists of roles in a directory",
    "fault": "have calls, metadata, credentials or instances fail on request",
    "snapshot": "save the state of the plane under a name, load it, or make a new plane of it",
    "backup": "write the state of the plane to a file, also while it runs",
    "restore": "make a data directory of a backup, as it was then or earlier",
    "journal": "move the journal between the data directory and a database",
    "archive": "query the records that a plane has archived",
    "reset": "have the plane, or a service in it, begin anew",
    "clock": "move the plane's time, to see rotation and expiry in seconds",
    "ls": "list the planes that run, and what runs in them",
    "doctor": "tell what is missing on this machine or leads clients astray, and what to do",
    "completion": 'print the completion of a shell: eval "$(locum completion bash)"',
    "tour": "live the whole story on real clients, step by step",
    "lab": "mend broken worlds: labs, each with a goal, hints and a check",
    "quiz": "fifty questions, each answer shown on the plane",
}


class Commands(click.Group):
    """The group of subcommands, which imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # what is imported stays: to look for cycles in it takes a tenth of a start
        command: click.Command = importlib.import_module(f"locum.cli.commands.{cmd_name.replace('-', '_')}").command
        gc.freeze()
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="locum")
def cli() -> None:
    """AWS's identity plane on your own machine: IAM, STS, instance profiles and IMDS, enforced and explained."""


def main() -> None:
    """The entry point. A LocumError ends a command with its text and exit code 1, without a traceback."""
    try:
        cli()
    except LocumError as error:
        click.echo(f"locum: {error}", err=True)
        raise SystemExit(1) from None
