"""The trail: every call as it comes, why it was decided so, and what another policy would make of it."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.person import Person, View, url

FILTERS: Final = {
    "verdict": "Verdict", "principal": "PrincipalArn", "source": "EventSource", "event": "EventName",
    "resource": "ResourceArn",
}  # fmt: skip
"""The fields of the filter, and what ListRecords calls them."""
_WAIT: Final = 20
"""Seconds that a page waits for the next record, before it asks again."""
_SHOWN: Final = 50
_AGAIN: Final = 2
"""Seconds until a page asks again after an error."""


async def trail(person: Person) -> Response:
    """The latest calls; later ones come by themselves."""
    filters = _filters(person)
    answer = await person.aws.call("locum", "list_records", MaxResults=_SHOWN, **_asked(filters))
    records = answer["Records"][::-1]
    return person.page("trail.html", records=records, filters=filters, live=_live(answer["Position"], filters), pause=0)


async def coming(person: Person) -> Response:
    """The calls that have come since, once there are some."""
    filters, after = _filters(person), _position(person.query("after"))
    found = await attempt(
        person.aws.wait("locum", "list_records", After=after, WaitSeconds=_WAIT, MaxResults=_SHOWN, **_asked(filters))
    )
    answer: dict[str, Any] = found.value or {"Records": [], "Position": after}
    pause = _AGAIN if found.error else 0
    live = _live(answer["Position"], filters)
    return person.part("trail_rows.html", records=answer["Records"][::-1], live=live, pause=pause, failed=found.error)


def _position(text: str) -> int:
    """A position of the record in a query; that before all of it where it is none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


def _filters(person: Person) -> dict[str, str]:
    return {name: person.query(name) for name in FILTERS}


def _asked(filters: dict[str, str]) -> dict[str, str]:
    asked = {FILTERS[name]: value for name, value in filters.items() if value}
    source = asked.get("EventSource", "")
    return asked | ({"EventSource": f"{source}.amazonaws.com"} if source and "." not in source else {})


def _live(position: int, filters: dict[str, str]) -> str:
    query = {"after": position} | {name: value for name, value in filters.items() if value}
    return f"{url('trail-rows')}?{urlencode(query)}"


async def record(person: Person) -> Response:
    """One call: the decision, the deciding statements in their policies, the event."""
    records = (await person.aws.call("locum", "get_record", RequestId=person.path["id"]))["Records"]
    if not records:
        raise CallFailed("NotFound", f"No call {person.path['id']} is recorded.", "locum:GetRecord")
    owner, policies = await _replayable(person, records[0].get("PrincipalArn", ""))
    return person.page("record.html", records=records, id=person.path["id"], owner=owner, policies=policies)


async def _replayable(person: Person, arn: str) -> tuple[str, list[dict[str, Any]]]:
    """The page of the user or role `arn`, and its inline policies, where there are such."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    name = name.rpartition("/")[2]
    if kind not in ("role", "user") or arn.split(":")[4] != person.session.signed.account:
        return "", []
    parameter = {f"{kind.capitalize()}Name": name}
    listed = await attempt(person.aws.call("iam", f"list_{kind}_policies", **parameter))
    names = [] if listed.value is None else listed.value["PolicyNames"]
    found = await asyncio.gather(
        *(attempt(person.aws.call("iam", f"get_{kind}_policy", **parameter, PolicyName=it)) for it in names)
    )
    return url(f"{kind}s", name), [it.value for it in found if it.value is not None]


async def again(person: Person) -> Response:
    """What becomes of a call on the policies of now."""
    found = await attempt(person.aws.call("locum", "decide_again", RequestId=person.path["id"]))
    return person.part("decided_again.html", found=found)


async def replay(person: Person) -> Response:
    """What becomes of the recorded calls of a principal under another policy."""
    asked: dict[str, Any] = {"Policies": {person.field("policy") or "edited": person.field("document")}}
    asked |= {"PrincipalArn": person.field("principal"), "Add": person.field("add") == "yes"}
    found = await attempt(person.aws.call("locum", "replay_policies", **asked))
    return person.part("replayed.html", found=found)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("trail"), trail),
    ("GET", url("trail-rows"), coming),
    ("GET", f"{url('trail')}/{{id}}", record),
    ("POST", f"{url('trail')}/{{id}}/again", again),
    ("POST", f"{url('trail')}/{{id}}/replay", replay),
)
