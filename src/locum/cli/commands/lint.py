"""`locum lint`: policy validation as by IAM Access Analyzer, on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from locum.core.errors import ConfigurationError
from locum.lint import Finding, FindingType, PolicyType, lint
from locum.services.accessanalyzer.catalogue import catalogue
from locum.services.accessanalyzer.shapes import finding_shape

TYPES: Final = {
    "identity": PolicyType.IDENTITY_POLICY,
    "resource": PolicyType.RESOURCE_POLICY,
    "scp": PolicyType.SERVICE_CONTROL_POLICY,
    "rcp": PolicyType.RESOURCE_CONTROL_POLICY,
}
RESOURCE_TYPES: Final = (
    "AWS::DynamoDB::Table",
    "AWS::IAM::AssumeRolePolicyDocument",
    "AWS::S3::AccessPoint",
    "AWS::S3::Bucket",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::S3ObjectLambda::AccessPoint",
)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--type", "kind", type=click.Choice(list(TYPES)), help="What FILES are; identity policies by default.")
@click.option(
    "--resource-type",
    type=click.Choice(RESOURCE_TYPES),
    help="What resource policies are attached to; a trust policy to AWS::IAM::AssumeRolePolicyDocument.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, and nothing else.")
def command(files: tuple[str, ...], kind: str | None, resource_type: str | None, as_json: bool) -> None:
    """Tell what is wrong with the policies in FILES (- for the standard input); exit 1 when there is an ERROR."""
    policy_type = TYPES[kind or ("resource" if resource_type else "identity")]
    if resource_type and policy_type is not PolicyType.RESOURCE_POLICY:
        raise ConfigurationError(f"--resource-type goes with --type resource, not with --type {kind}")
    failed = False
    for name in files:
        for finding in lint(_read(name), policy_type, resource_type, catalogue()):
            failed |= finding.type is FindingType.ERROR
            if as_json:
                click.echo(json.dumps({"file": name, **finding_shape(finding)}))
            else:
                click.echo("\n".join(_lines(name, finding)))
    raise SystemExit(1 if failed else 0)


def _read(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text") from error


def _lines(name: str, finding: Finding) -> Iterator[str]:
    """A finding at its first location, followed by its other locations, one per line."""
    first, *others = (location.span for location in finding.locations)
    yield f"{name}:{first.line}:{first.column}: {finding.type} {finding.code}: {finding.details}"
    for span in others:
        yield f"{name}:{span.line}:{span.column}: ... and here"
