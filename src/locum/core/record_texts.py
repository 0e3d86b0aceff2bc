"""The text of a record and of an explanation, line by line: what `locum explain` and GetRecord tell.

Records and explanations are JSON values (`audit.record.readable`, `authz.Authorization.explanation`). Texts of callers
are not escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from locum.core.clock import iso8601

_NEAR_MISSES: Final = 2
_RESOURCES: Final = 3
_VALUES: Final = 4
_PARAMETERS: Final = 180
"""The limits above are for items and characters in an explanation."""

_ENCODED: Final = "Encoded authorization failure message: "


def particulars(record: dict[str, Any]) -> Iterator[str]:
    """Who called, for whom, when, on what, and what was answered."""
    identity = record["identity"]
    yield f"  who      {identity['arn']}" + (f"  key {identity['access_key_id']}" if identity["access_key_id"] else "")
    if record["via"]:
        yield f"  through  {', '.join(record['via'])}, with the caller's permissions"
    elif record["invoked_by"] and record["invoked_by"] != identity["arn"]:
        yield f"  through  {record['invoked_by']}"
    if record["source_arn"]:
        yield f"  for      {record['source_arn']}"
    if record["cause"]:
        yield f"  because  of request {record['cause']}"
    if identity["instance_id"]:
        yield f"  inside   {identity['instance_id']}"
    source = f" from {record['source_ip']}" if record["source_ip"] else ""
    yield f"  when     {iso8601(record['at'])}{source} in {record['region']}"
    yield f"  request  {record['request_id']}"
    resources = [resource["arn"] for resource in record["resources"]]
    for arn in resources[:_RESOURCES]:
        yield f"  on       {arn}"
    if len(resources) > _RESOURCES:
        yield f"           and {len(resources) - _RESOURCES} more"
    if record["parameters"]:
        yield f"  with     {_clipped(json.dumps(record['parameters']), _PARAMETERS)}"
    if record["error_code"]:
        yield f"  answer   {record['status']} {record['error_code']}: {without_encoded(record['error_message'])}"
    if record["injected"]:
        yield f"  fault    on request, by `locum fault`: {record['injected']}"
    for statement in record["determining"]:
        yield f"  decided  {statement}"


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def without_encoded(message: str) -> str:
    """The message without its encoded part (for sts:DecodeAuthorizationMessage), which the explanation has in text."""
    before, encoded, _ = message.partition(_ENCODED)
    return f"{before}{encoded}..." if encoded else before


def headline(record: dict[str, Any]) -> str:
    """What became of a call: ALLOWED, FAILED, DENIED or WOULD BE DENIED (why), DONE, REFUSED."""
    verdict = record["verdict"]
    if verdict == "allow":
        return "ALLOWED" if record["status"] < 400 else "FAILED"
    if verdict:
        enforced = record["mode"] == "enforce" or record["error_message"].startswith(record["denial"])
        return f"{'DENIED' if enforced else 'WOULD BE DENIED'} ({verdict.replace('-', ' ')})"
    return "DONE" if record["status"] < 400 else "REFUSED"  # done by a service to what is its own


def explained(explanation: dict[str, Any] | None) -> Iterator[str]:
    """Why, check by check, and what would change it; nothing where there is no explanation."""
    if explanation is None:
        return
    if explanation.get("gone"):
        yield from ("", "  The user or role behind these credentials does not exist any more.")
    if explanation.get("limit"):
        yield from ("", f"  {explanation['limit']}")
    for (verdict, action), group in groupby(explanation["checks"], lambda check: (check["verdict"], check["action"])):
        checks = list(group)
        if verdict == "ALLOW" and len(explanation["checks"]) > 1:
            more = f" and {len(checks) - 1} more" if len(checks) > 1 else ""
            yield from ("", f"  allow: {action} on {checks[0]['resource']}{more}")
        else:
            for check in checks:
                yield from ("", *_check(check))


def _check(check: dict[str, Any]) -> Iterator[str]:
    """The explanation of one permission that the call takes: the outcomes of policies, and remedies."""
    inner = check["explanation"]
    yield f"  {check['verdict'].lower().replace('_', ' ')}: {check['action']} on {check['resource']}"
    if check["reason"]:
        yield f"    {check['reason']}"
    for policy_type, outcome in inner["outcomes"].items():
        if outcome.upper() != "ABSENT":
            yield f"    {policy_type}: {outcome.lower()}"
    for statement in inner["statements"]:
        if statement["met"]:
            yield f"    denied by: {statement['place']}"
            yield from (f"      {condition}" for condition in statement["met"])
    for miss in inner["nearMisses"][:_NEAR_MISSES]:
        yield from _near_miss(miss)
    for change in inner["changes"]:
        yield f"    to change it: {change}"


def _near_miss(miss: dict[str, Any]) -> Iterator[str]:
    """A statement that almost allowed the call, and its element that did not match."""
    yield f"    near miss: {miss['place']}"
    if failed := miss["failed"]:
        yield f"      {failed['element']} has {_few(failed['policy'])}; the request has {_few(failed['request'])}"
        if failed["hint"]:
            yield f"      {failed['hint']}"


def _few(values: Sequence[str]) -> str:
    more = f" and {len(values) - _VALUES} more" if len(values) > _VALUES else ""
    return f"{', '.join(values[:_VALUES]) or 'nothing'}{more}"
