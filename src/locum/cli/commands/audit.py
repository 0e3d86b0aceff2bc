"""`locum audit`: what is wrong with the identities of a plane, and what mends it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import click

from locum.analysis.audit import DAYS, SEVERITIES
from locum.cli import units
from locum.cli.audits import accepted, mending, report
from locum.cli.audits.sarif import as_sarif
from locum.cli.audits.scanning import Scan
from locum.cli.failing import unusable
from locum.cli.home import Plane, data_option, plane_time, read_plane
from locum.cli.screen import folded
from locum.compute import handover

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@data_option
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True,
              help="The form of the report.")  # fmt: skip
@click.option("--fail-on", "severity", type=click.Choice(SEVERITIES), default="high", show_default=True,
              help="Exit with 1 where a finding is so severe, or more.")  # fmt: skip
@click.option("--fix", is_flag=True, help="Print the AWS CLI calls that mend what was found, as a script.")
@click.option("--apply", "applies", is_flag=True, help="Make these calls one by one, each after asking.")
@click.option("--baseline", type=_FILE, help="Findings that are known: an earlier report of --format json.")
@click.option("--suppress", type=_FILE, help="Findings that are accepted, each with a reason and an end.")
@click.option("--scan", multiple=True, type=click.Path(exists=True), metavar="PATH",
              help="Look for access keys in this file or folder; repeatable.")  # fmt: skip
@click.option("--objects", multiple=True, metavar="BUCKET",
              help="Look for access keys in the objects of this bucket; repeatable.")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 400), default=DAYS, show_default=True,
              help="What was not used for so many days is unused; an older key is old.")  # fmt: skip
@click.option("--every", type=units.Duration(), metavar="DURATION",
              help="Have the plane make this audit again so often, 30d say; 0s: not any more.")  # fmt: skip
@click.option("--last", is_flag=True, help="The last report of --every, and what has changed; nothing is looked at.")
@click.option("--region", default="", metavar="NAME", help="The Region that is read; the plane's by default.")
def command(data: Path, form: str, severity: str, **given: Any) -> None:
    """Tell what is wrong with the identities of the plane: paths to an administrator, strangers, keys, what is unused.

    Exit code 0: no open finding is so severe as --fail-on; 1: there is one, or something could not be looked at; 2:
    the plane or a file cannot be used.
    """
    if given["last"] and (given["every"] is not None or given["applies"]):
        raise click.UsageError("--last shows an earlier report: it goes with neither --every nor --apply")
    with unusable():
        plane = read_plane(data)
        known = accepted.baseline(given["baseline"]) if given["baseline"] else frozenset()
        suppressed = accepted.suppressions(given["suppress"]) if given["suppress"] else {}
        question = {"last": True} if given["last"] else _question(plane, given)
        told = _whole(handover.asked(data, {"audit": question}), given["scan"])
        told["findings"] = accepted.accepted(told["findings"], known, suppressed, plane_time(data))
        click.echo(_shown(told, form, fix=given["fix"]))
        failed = 0
        if given["applies"]:
            client = mending.client_of(data, plane)
            failed = mending.apply(told["findings"], client, _agreed, lambda line: click.echo(line, err=True))
    raise SystemExit(1 if failed or report.fails(told, severity) else 0)


def _question(plane: Plane, given: dict[str, Any]) -> dict[str, Any]:
    every = {} if given["every"] is None else {"every": given["every"]}
    return {
        "account": plane.account,
        "region": given["region"] or plane.region,
        "access_key": os.environ.get("AWS_ACCESS_KEY_ID", ""),
        "buckets": list(given["objects"]),
        "days": given["days"],
        **every,
    }


def _agreed(line: str) -> bool:
    return click.confirm(f"  {line}\n  make this call?", err=True)


def _whole(answer: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """The answer of the plane with what is in files."""
    scan = Scan()
    found = [one.row() for one in scan.findings(paths)]
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    rows = sorted([*answer["findings"], *found], key=lambda row: order[row["severity"]])
    unread = {**answer["unread"], **scan.unread}
    complete = answer["complete"] and not scan.unread
    return {**answer, "findings": rows, "unread": unread, "complete": complete, "scanned": scan.files}


def _shown(told: dict[str, Any], form: str, *, fix: bool) -> str:
    """The report, or the script that mends what was found."""
    if fix:
        return "\n".join(mending.script(told["findings"]))
    if form == "text":
        return "\n".join(folded(report.lines(told)))
    return json.dumps(report.as_json(told) if form == "json" else as_sarif(told), indent=2)
