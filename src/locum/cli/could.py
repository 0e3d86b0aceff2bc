"""The output of `locum who-can`, `locum what-can` and `locum explain --as`: answers of `calls.hypothetical` as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

Answer = dict[str, Any]

ELSEWHERE: Final = "policies of its own account"
_SAID_BY_NAME: Final = frozenset({"identity-based policy", "resource-based policy"})
_VALUES: Final = 6
_PRINCIPALS: Final = 25
_NAMES: Final = 12
"""The limits above are for items of a list in a text; the JSON has all of them."""


def who(found: Answer) -> Iterator[str]:
    """Who can, those first who always can."""
    if found["note"]:
        yield found["note"]
    for group in sorted(found["groups"], key=lambda group: (group["verdict"] != "allowed", len(group["principals"]))):
        yield ""
        yield "can:" if group["verdict"] == "allowed" else "can under conditions:"
        principals = [one["arn"] for one in group["principals"]]
        yield from (f"  {arn}" for arn in principals[:_PRINCIPALS])
        if len(principals) > _PRINCIPALS:
            yield f"  and {len(principals) - _PRINCIPALS} more"
        yield from conditions(group, "    ")
    if not found["groups"]:
        yield "nobody can"


def what(found: Answer) -> Iterator[str]:
    """What a principal can do, by service and access level."""
    yield found["principal"]
    service = ""
    for row in found["rows"]:
        if row["service"] != service:
            service = row["service"]
            yield from ("", f"  {service}")
        yield f"    {row['accessLevel']}: {_actions(row)}"
        if row["resources"] != ["*"]:
            yield f"      on {_few(row['resources'])}"
        yield from conditions(row, "      ")
    if not found["rows"]:
        yield "  can do nothing"
    yield ""
    yield "  Policies of resources are not looked at: those of roles and of KMS keys have to allow it as well."


def _actions(row: Answer) -> str:
    names, of = row["actions"], row["actionsOfLevel"]
    if len(names) == of:
        return f"all {of} actions" if of > 1 else names[0]
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more, of {of}" if more > 0 else "")


def conditions(answer: Answer, indent: str) -> Iterator[str]:
    """When an answer is that a call is allowed, and unless what: the conditions in words of policy."""
    ways = answer["when"]
    for number, way in enumerate(ways):
        for requirement in way:
            word = "or when" if number and requirement is way[0] else "and" if requirement is not way[0] else "when"
            if len(requirement) > 1:
                yield f"{indent}{word} one of these applies:"
                yield from (f"{indent}  {_statement(clause)}" for clause in requirement)
            else:
                yield f"{indent}{word} {_statement(requirement[0])}"
    for clause in answer["unless"]:
        yield f"{indent}unless {_statement(clause)}"


def _statement(clause: Answer) -> str:
    if clause["policy"] == ELSEWHERE:
        return f"{ELSEWHERE} allow it"
    sid = f' "{clause["sid"]}"' if clause["sid"] else ""
    kind = "" if clause["type"] in _SAID_BY_NAME else f"{clause['type']} "
    place = f"{kind}{clause['policy']}, statement {clause['statement']}{sid}"
    return f"{' and '.join(_condition(one) for one in clause['conditions'])}  ({place})"


def _condition(condition: Answer) -> str:
    name = f"{condition['operator']} {condition['key']}".strip()
    return f"{name} {_few(condition['values'])}"


def _few(values: Sequence[str]) -> str:
    more = f" and {len(values) - _VALUES} more" if len(values) > _VALUES else ""
    return f"{', '.join(values[:_VALUES])}{more}"


def depends(found: Answer) -> Iterable[str]:
    """What would make a decision another one: the keys that it depends on, and how."""
    answer = found["depends"]
    if found["note"]:
        yield f"  {found['note']}"
    if answer is None:
        yield "  whatever other keys a call has, it is denied"
    elif answer["verdict"] == "allowed":
        yield "  whatever other keys a call has, it is allowed"
    else:
        yield f"  it depends on {', '.join(answer['keys']) or 'the resource or the session'}: allowed"
        yield from conditions(answer, "    ")
