"""The output of `locum policy`: the answers of the plane (`calls.activity`) as text and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from locum import analysis
from locum.analysis import Comparison, Statement
from locum.authz import service_reference as reference
from locum.calls.policy_texts import Answer, call_text, change_text, listed, truncation

_NAMES: Final = 8
"""How many names the text shows; the JSON has all."""


def held(found: Answer) -> dict[str, str]:
    """The documents of the principal's identity policies, by a name for each."""
    return {one["arn"] or f"{one['owner']} {one['name']}": one["document"] for one in found["policies"]}


def about_replay(found: Answer) -> Iterator[str]:
    """The result of a replay."""
    changed = found["changed"]
    yield from truncation(found)
    yield from listed(
        "would be denied", [change_text(one) for one in changed if one["was"] == "allow"], all_of_them=True
    )
    yield from listed("would be allowed", [change_text(one) for one in changed if one["becomes"] == "allow"])
    others = [one for one in changed if one["was"] != "allow" and one["becomes"] != "allow"]
    yield from listed("would be denied for another reason", [change_text(one) for one in others])
    yield from listed("cannot be decided again", [call_text(one) for one in found["notDecided"]])
    same = found["calls"] - len(changed) - len(found["notDecided"])
    yield (
        f"{found['calls']} different calls ({found['records']} in all): {len(changed)} changed, {same} the same "
        f"({len(found['stillDenied'])} of them denied), {len(found['notDecided'])} not decided"
    )


def about_difference(found: Answer, comparison: Comparison, denied: Sequence[Answer]) -> Iterator[str]:
    """The differences between what policies grant and what was used."""
    yield from truncation(found)
    yield from listed("used and not granted", [change_text(one) for one in denied])
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
    yield from listed("granted on more than it was used on", rows)
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


def _actions(prefix: str, actions: Sequence[str]) -> str:
    every = len(reference.action_names(prefix))
    return f"all {every} actions" if len(actions) == every and every > _NAMES else _few(actions)


def _few(values: Sequence[str]) -> str:
    more = f" and {len(values) - _NAMES} more" if len(values) > _NAMES else ""
    return f"{', '.join(values[:_NAMES])}{more}"
