"""An account brought to a plane: what is missing is made, in the order in which it is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from locum.cli.accounts.comparing import Here, compared
from locum.cli.accounts.documents import encoded, without_principals
from locum.cli.accounts.making import MAKERS
from locum.cli.accounts.model import Account
from locum.cli.accounts.reading import Client, at_once
from locum.cli.accounts.work import Outcome, Step, Work
from locum.cli.client import CallFailed

_UNKNOWN: Final = re.compile(r'Invalid principal in policy: "(?:AWS|SERVICE)":"([^"]*)"')
_MOST_UNKNOWN: Final = 100
"""How many principals of a trust policy may be left out: more do not fit into one."""

Works = dict[str, list[Work]]


def planned(wanted: Account, present: Account, *, change: bool) -> Works:
    """What is to be done, by kind, in order. What is there and differs is only changed with `change`."""
    works: Works = {}
    here = Here.of(wanted, present)
    for kind, make in MAKERS.items():
        there = getattr(present, kind)
        works[kind] = [
            compared(kind, one, there[key], here, change=change) if key in there else make(one, wanted)
            for key, one in getattr(wanted, kind).items()
        ]
    return works


def carry_out(works: Works, client: Client) -> None:
    """Make the calls: kind by kind, and of a kind several entities at once. Each work gets to know what has failed."""
    for found in works.values():
        at_once(client, lambda work: _begin(work, client), (work for work in found if work.steps))
        at_once(client, lambda work: _end(work, client), (work for work in found if work.later))


def _begin(work: Work, client: Client) -> None:
    for done, step in enumerate(work.steps):
        if not _made(step, work, client) and step.vital:
            work.outcome, work.later = Outcome.FAILED, ()
            if done:
                _undo(work, client)
            return
    _judge(work)


def _end(work: Work, client: Client) -> None:
    for step in work.later:
        _made(step, work, client)
    _judge(work)


def _judge(work: Work) -> None:
    """What is changed only in part differs. What is made in part is made: its failures are told."""
    if work.failures and work.outcome is Outcome.CHANGED:
        work.outcome = Outcome.DIFFERS


def _made(step: Step, work: Work, client: Client) -> bool:
    try:
        _call(step, work, client)
    except CallFailed as error:
        work.failures.append(f"{step.text}: {error}")
        return False
    return True


def _call(step: Step, work: Work, client: Client) -> None:
    """Make a call, of a trust policy without the principals that do not exist. Raises CallFailed."""
    params = dict(step.params)
    for _ in range(_MOST_UNKNOWN):
        try:
            client.call("iam", step.operation, **params)
            return
        except CallFailed as error:
            unknown = _UNKNOWN.search(error.message)
            if not step.trust or unknown is None:
                raise
            document = json.loads(params[step.trust])
            narrower = without_principals(document, {unknown[1]})
            if narrower == document:
                raise
            params[step.trust] = encoded(narrower)
            note = f"{unknown[1]} in its trust policy, as it is not here"
            if note not in work.left:
                work.left.append(note)
    client.call("iam", step.operation, **params)


def _undo(work: Work, client: Client) -> None:
    """Take back what was made of an entity of which not all could be. Only the last of the calls has to succeed."""
    failed = ""
    for step in work.undo:
        try:
            client.call("iam", step.operation, **step.params)
            failed = ""
        except CallFailed as error:
            failed = f"{step.text}: {error}"
    if failed:
        work.failures.append(f"a part of it is left: {failed}")


def every(works: Works) -> Iterable[Work]:
    """All works."""
    return (work for found in works.values() for work in found)


def about_aws_policies(wanted: Account, client: Client) -> list[str]:
    """What is to be known of the policies of AWS that are used: which the plane has not, or has in another version."""
    named = {arn for arn in wanted.named_policies() if arn.startswith("arn:aws:iam::aws:policy/")}

    def told(arn: str) -> str:
        try:
            here = client.call("iam", "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except CallFailed as error:
            return f"this plane does not know {arn}: {error}"
        there = wanted.aws_versions.get(arn, here)
        return "" if here == there else f"{arn} has its version {here} here, and {there} in the file"

    return [line for line in at_once(client, told, sorted(named | wanted.aws_versions.keys())) if line]
