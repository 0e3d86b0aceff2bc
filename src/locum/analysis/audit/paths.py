"""The check for paths to an administrator, as findings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Final

from locum.analysis.audit.evidence import Evidence
from locum.analysis.audit.finding import Finding, Fix, finding
from locum.analysis.escalation import Hop, Path
from locum.state import User
from locum.state.arns import entity_of

_SID: Final = "DenyEscalation"


def paths_to_administrators(evidence: Evidence) -> Iterator[Finding]:
    """Each principal that has a path, with its steps."""
    for path in evidence.escalations.paths:
        account = path.source.split(":")[4] if path.source.count(":") > 4 else ""
        steps = tuple(step_of(hop) for hop in path.hops)
        first = f"by {path.hops[0].method}" if len(path.hops) == 1 else f"in {len(path.hops)} steps"
        outside = "" if entity_of(evidence.state, path.source) is not None and _is_identity(path.source) else _ANYBODY
        end = "itself" if path.administrator == path.source else path.administrator
        what = f"{outside}{path.source} can become an administrator {first}: {end}."
        fixes = () if outside else (_denial(evidence, path),)
        yield finding("escalation-path", account, path.source, what, fixes=fixes, steps=steps)


def crossings(evidence: Evidence) -> Iterator[Finding]:
    """Roles by which administrators of one account are administrators of another one."""
    for hop in evidence.escalations.crossings:
        account, source = hop.target.split(":")[4], hop.source.split(":")[4]
        what = (
            f"Administrators of the account {source}, as {hop.source}, are administrators of {account} by {hop.target}."
        )
        yield finding("administrators-of-another-account", account, hop.target, what, key=source, steps=(step_of(hop),))


_ANYBODY: Final = "Anybody with a token of "


def _is_identity(arn: str) -> bool:
    return arn.split(":", 5)[-1].startswith(("user/", "role/"))


def step_of(hop: Hop) -> str:
    """One step in words: who, by which permissions on what, becomes whom."""
    taken = dict.fromkeys(f"{action} on {resource}" for made in hop.calls for action, resource in made.permissions)
    becomes = "makes itself an administrator" if hop.source == hop.target else f"becomes {hop.target}"
    if hop.raises and hop.source != hop.target:
        becomes = f"makes {hop.target} an administrator, and becomes it"
    return f"{hop.source} {becomes} by {hop.method}: {', '.join(taken)}"


def _denial(evidence: Evidence, path: Path) -> Fix:
    """The call that puts an inline policy which denies the last permission of the first call of the path."""
    entity = entity_of(evidence.state, path.source)
    action, resource = path.hops[0].calls[0].permissions[-1]
    statement = {"Sid": _SID, "Effect": "Deny", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    kind = "User" if isinstance(entity, User) else "Role"
    name = path.source.rsplit("/", 1)[-1]
    digest = hashlib.sha256(document.encode()).hexdigest()[:8]  # so that it takes the place of no other denial
    params = {f"{kind}Name": name, "PolicyName": f"{_SID}-{digest}", "PolicyDocument": document}
    return Fix("iam", f"Put{kind}Policy", params)


CHECKS: Final = (paths_to_administrators, crossings)
