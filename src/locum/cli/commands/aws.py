"""`locum aws`: the AWS CLI that is installed, of any version, on the plane."""

from __future__ import annotations

import os
from pathlib import Path

import click

from locum.cli.aws_cli import aws_program, environment_of, line_of
from locum.cli.home import data_option, read_plane, read_root_key


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[OPTIONS] --",
)
@data_option
@click.option(
    "--as-me", is_flag=True, help="Call with the credentials of the environment, not those of AWS's root user."
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARG]...")
def command(data: Path, as_me: bool, arguments: tuple[str, ...]) -> None:
    """Run the AWS CLI on the plane: `locum aws -- s3 ls`. As AWS's root user of its account, by default.

    It is the `aws` on PATH, else that beside `locum`, of any version. It reaches the plane and nothing else.
    """
    plane = read_plane(data)
    program = aws_program(os.environ)
    key = None if as_me else read_root_key(data)
    environment = environment_of(os.environ, plane, key, program)
    os.execve(program, line_of(program, plane, arguments), environment)  # noqa: S606 - the user's own command
