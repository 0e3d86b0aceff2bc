"""The answers of `calls.activity` in words: on a written policy, and on calls that were decided anew.

`locum policy` and the operation WritePolicy tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from locum.analysis import Permission
from locum.calls.activity import decoded
from locum.core.clock import iso8601
from locum.services.iam.limits import ATTACHED_POLICIES

Answer = dict[str, Any]

_ROWS: Final = 20
"""How many rows the text shows."""


def permissions(found: Answer) -> list[Permission]:
    """The permissions in an answer."""
    return [decoded(row) for row in found["permissions"]]


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
    yield from truncation(found)
    yield from listed("cannot be had by any identity policy", [_lacking(one) for one in found["unattainable"]])
    yield from listed("still denied", [change_text(one) for one in denied])
    yield from listed("left out", [call_text(one) for one in found["leftOut"]])
    yield from listed("perhaps not needed: whether the resource's own policy allowed it cannot be decided again",
                     [call_text(one) for one in found["notDecided"]])  # fmt: skip


def listed(title: str, lines: Sequence[str], *, all_of_them: bool = False) -> Iterator[str]:
    """`lines` under a title, the first of them; nothing where there are none."""
    if not lines:
        return
    yield f"{title}:"
    shown = lines if all_of_them else lines[:_ROWS]
    yield from (f"  {line}" for line in shown)
    if len(lines) > len(shown):
        yield f"  and {len(lines) - len(shown)} more (--json has all)"


def truncation(found: Answer) -> Iterator[str]:
    """The fact that not everything was looked at, where it is one."""
    if found["truncated"]:
        yield "NOT COMPLETE: there are more different calls than are looked at; name a later --since"


def change_text(change: Answer) -> str:
    """A call whose verdict changes."""
    times = f" ({change['times']} times)" if change["times"] > 1 else ""
    by = ", ".join(change["determinedBy"]) or change["reason"]
    since = "" if change["present"] == change["was"] else f"; by the policies of today it is {change['present']}"
    return (
        f"{change['requestId']} {change['action']} on {change['resource']}{times}: was {change['was']}, "
        f"becomes {change['becomes']} ({by}){since}"
    )


def call_text(one: Answer) -> str:
    """A call that is left out, or cannot be decided again."""
    times = f" ({one['times']} times)" if one["times"] > 1 else ""
    return f"{one['requestId']} {one['operation']} at {iso8601(one['at'])}{times}, {one['verdict']}: {one['reason']}"


def _lacking(one: Answer) -> str:
    return f"{one['action']} on {one['resource']} (request {one['requestId']}): {one['reason']}"


def _documents(number: int) -> str:
    if not number:
        return "which need nothing of an identity policy"
    return "one policy" if number == 1 else f"{number} policies, to be attached together"
