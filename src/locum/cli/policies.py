"""The output of `locum policy`: the answers of the plane (`calls.activity`) as text and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from locum import analysis
from locum.analysis import Comparison, Permission, Statement
from locum.authz import service_reference as reference
from locum.calls import activity
from locum.core.clock import iso8601
from locum.services.iam.limits import ATTACHED_POLICIES

_NAMES: Final = 8
_ROWS: Final = 20
"""How many names and rows the text shows; the JSON has all."""

Answer = dict[str, Any]


def permissions(found: Answer) -> list[Permission]:
    """The permissions in an answer."""
    return [activity.decoded(row) for row in found["permissions"]]


def held(found: Answer) -> dict[str, str]:
    """The documents of the principal's identity policies, by a name for each."""
    return {one["arn"] or f"{one['owner']} {one['name']}": one["document"] for one in found["policies"]}


def still_denied(found: Answer, tried: Answer) -> list[Answer]:
    """The calls that a policy was written from and that are not allowed under the policies that were `tried`."""
    left_out = {one["requestId"] for one in found["leftOut"]}
    denied = [*(change for change in tried["changed"] if change["becomes"] != "allow"), *tried["stillDenied"]]
    return [change for change in denied if change["requestId"] not in left_out]


def incomplete(found: Answer) -> bool:
    """Whether allowed calls were not looked at, or could not be: a written policy may lack their permissions."""
    return bool(found["truncated"]) or any(one["verdict"] == "allow" for one in found["leftOut"])


def about_written(found: Answer, written: Sequence[Answer], denied: Sequence[Answer]) -> Iterator[str]:
    """The facts to be known about a written policy."""
    yield f"written from {found['calls']} different calls ({found['records']} in all), {_documents(len(written))}"
    if len(written) > ATTACHED_POLICIES:
        yield f"a user or role may have {ATTACHED_POLICIES} managed policies: ask for less, or for a higher quota"
    yield from _truncated(found)
    yield from _rows("cannot be had by any identity policy", [_lacking(one) for one in found["unattainable"]])
    yield from _rows("still denied", [_changed(one) for one in denied])
    yield from _rows("left out", [_told(one) for one in found["leftOut"]])
    yield from _rows("perhaps not needed: whether the resource's own policy allowed it cannot be decided again",
                     [_told(one) for one in found["notDecided"]])  # fmt: skip


def about_replay(found: Answer) -> Iterator[str]:
    """The result of a replay."""
    changed = found["changed"]
    yield from _truncated(found)
    yield from _rows("would be denied", [_changed(one) for one in changed if one["was"] == "allow"], all_of_them=True)
    yield from _rows("would be allowed", [_changed(one) for one in changed if one["becomes"] == "allow"])
    others = [one for one in changed if one["was"] != "allow" and one["becomes"] != "allow"]
    yield from _rows("would be denied for another reason", [_changed(one) for one in others])
    yield from _rows("cannot be decided again", [_told(one) for one in found["notDecided"]])
    same = found["calls"] - len(changed) - len(found["notDecided"])
    yield (
        f"{found['calls']} different calls ({found['records']} in all): {len(changed)} changed, {same} the same "
        f"({len(found['stillDenied'])} of them denied), {len(found['notDecided'])} not decided"
    )


def about_difference(found: Answer, comparison: Comparison, denied: Sequence[Answer]) -> Iterator[str]:
    """The differences between what policies grant and what was used."""
    yield from _truncated(found)
    yield from _rows("used and not granted", [_changed(one) for one in denied])
    for name, services in comparison.unused.items():
        yield f"granted and not used: {name}"
        for prefix, actions in services.items():
            yield f"  {prefix:<20} {_actions(prefix, actions)}"
    for name, patterns in comparison.unlisted.items():
        yield f"not listed by the Service Authorization Reference: {name}: {', '.join(patterns)}"
    for name in comparison.unreadable:
        yield f"cannot be read, and denies everything: {name}"
    rows = []
    for wider in comparison.wider:
        if wider.resources:
            rows.append(f"{wider.statement} {wider.action} on {_few(wider.resources)}; used on {_few(wider.used)}")
        if wider.unconditional:
            rows.append(f"{wider.statement} {wider.action} without a condition on {_few(wider.unconditional)}")
    yield from _rows("granted on more than it was used on", rows)
    yield f"{found['calls']} different calls ({found['records']} in all), {len(found['permissions'])} permissions used"


def difference(found: Answer, written: Sequence[Statement], comparison: Comparison, denied: Sequence[Answer]) -> Answer:
    """The same as JSON values."""
    return {
        "calls": found["calls"],
        "truncated": found["truncated"],
        "documents": analysis.documents(written),
        "notGranted": list(denied),
        "unused": comparison.unused,
        "wider": [one._asdict() for one in comparison.wider],
        "unlisted": comparison.unlisted,
        "unreadable": comparison.unreadable,
        "unattainable": found["unattainable"],
        "leftOut": found["leftOut"],
    }


def _rows(title: str, rows: Sequence[str], *, all_of_them: bool = False) -> Iterator[str]:
    if not rows:
        return
    yield f"{title}:"
    shown = rows if all_of_them else rows[:_ROWS]
    yield from (f"  {row}" for row in shown)
    if len(rows) > len(shown):
        yield f"  and {len(rows) - len(shown)} more (--json has all)"


def _truncated(found: Answer) -> Iterator[str]:
    if found["truncated"]:
        yield "NOT COMPLETE: there are more different calls than are looked at; name a later --since"


def _changed(change: Answer) -> str:
    times = f" ({change['times']} times)" if change["times"] > 1 else ""
    by = ", ".join(change["determinedBy"]) or change["reason"]
    since = "" if change["present"] == change["was"] else f"; by the policies of today it is {change['present']}"
    return (
        f"{change['requestId']} {change['action']} on {change['resource']}{times}: was {change['was']}, "
        f"becomes {change['becomes']} ({by}){since}"
    )


def _told(one: Answer) -> str:
    times = f" ({one['times']} times)" if one["times"] > 1 else ""
    return f"{one['requestId']} {one['operation']} at {iso8601(one['at'])}{times}, {one['verdict']}: {one['reason']}"


def _lacking(one: Answer) -> str:
    return f"{one['action']} on {one['resource']} (request {one['requestId']}): {one['reason']}"


def _actions(prefix: str, actions: Sequence[str]) -> str:
    every = len(reference.action_names(prefix))
    return f"all {every} actions" if len(actions) == every and every > _NAMES else _few(actions)


def _few(values: Sequence[str]) -> str:
    more = f" and {len(values) - _NAMES} more" if len(values) > _NAMES else ""
    return f"{', '.join(values[:_NAMES])}{more}"


def _documents(number: int) -> str:
    if not number:
        return "which need nothing of an identity policy"
    return "one policy" if number == 1 else f"{number} policies, to be attached together"
