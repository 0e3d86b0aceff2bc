"""`locum credential-process` and the options of `locum run --as`: what is refused before anything is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from locum.cli.carrier_options import Named, check
from locum.cli.commands.credential_process import command
from locum.cli.commands.run import command as run
from locum.core.clock import system_clock
from locum.core.errors import ConfigurationError
from support.anywhere import authority, issued
from support.certificates import private_pem

NOTHING = Named(None, None, None, None, None, None, None, None, None)
ARNS = [
    "--trust-anchor-arn", "arn:aws:rolesanywhere:us-east-1:000000000000:trust-anchor/a",
    "--profile-arn", "arn:aws:rolesanywhere:us-east-1:000000000000:profile/a",
    "--role-arn", "arn:aws:iam::000000000000:role/app",
]  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--as", "ecs"], "--as ecs takes the role: --role NAME"),
        (["--as", "ecs", "--role", "a", "--profile", "b"], "--profile is an option of an instance: --as ecs takes"),
        (["--as", "pod", "--role", "a", "--keep"], "--keep is an option of an instance: it cannot"),
        (["--as", "ecs", "--role", "a", "--aws-hosts"], "--aws-hosts is an option of an instance: it cannot"),
        (["--role", "a"], "an instance takes --profile"),
        (["--cluster", "a"], "an instance takes --profile"),
        (["--as", "anywhere", "--role", "a"], "--as anywhere takes --trust-anchor-arn"),
        (["--as", "pod", "--role", "a", "--profile-arn", "b"], "are for --as anywhere"),
        (["--as", "eks", "--role", "a"], "'eks' is not one of"),
    ],
)
def test_options_that_do_not_go_together_are_refused(flags: list[str], told: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(run, ["--data", str(tmp_path), *flags, "--", "true"])
    assert (done.exit_code, told in done.output) == (2, True), done.output


def test_an_instance_needs_nothing_of_this() -> None:
    check("ec2", NOTHING, {"--profile": "app"})


def test_a_key_that_cannot_be_read_and_a_plane_that_is_not_there_are_clear_errors(tmp_path: Path) -> None:
    now = system_clock()
    own = issued("app", authority("root", now), now)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text(own.pem)
    key.write_text("nothing")
    files = ["--certificate", str(certificate), "--private-key", str(key)]
    nowhere = ["--endpoint", "http://127.0.0.1:9"]
    done = CliRunner().invoke(command, [*ARNS, *files, *nowhere])
    assert isinstance(done.exception, ConfigurationError)
    assert "the certificate or its key cannot be read" in str(done.exception)
    key.write_text(private_pem(own.key))
    done = CliRunner().invoke(command, [*ARNS, *files, *nowhere])
    assert isinstance(done.exception, ConfigurationError)
    assert "http://127.0.0.1:9 did not answer" in str(done.exception)
