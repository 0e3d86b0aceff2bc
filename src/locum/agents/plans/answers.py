"""Answers made up from the output shapes of service models: whatever is not known of them has a mark in it.

A member is that of the request with the same name, if there is one; an ARN is that of the resource that the request is
decided on. What tells a status says that all is well, or where it is asked for again another one, so that who waits
for any goes on. Lists have one item. What tells of errors, and tokens of further pages, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from botocore.model import Shape

from locum import authz, wire
from locum.agents.plans.arn_forms import Place, arn_of_member
from locum.agents.plans.marks import MARK, MARKED_NUMBER, marked
from locum.authz.services.ec2 import TYPE_OF_ID
from locum.services.cloudformation.providers.base import Request

_DEEPEST: Final = 6

_PAGES: Final = re.compile(r"(next)?_?(page|pagination|continuation)?_?(token|marker)|nextrecord.*|position")
_ERRORS: Final = re.compile(
    r".*(errors?|failures?|failed\w*|unprocessed\w*|unsuccessful\w*|failurereasons?|errorcode|errormessage)",
    re.IGNORECASE,
)
_STATUS: Final = re.compile(r".*(status|state|statuscode|lifecycle|progress)", re.IGNORECASE)
_WELL: Final = (
    *("ACTIVE", "Active", "active", "AVAILABLE", "Available", "available", "DEPLOYED", "Deployed", "deployed"),
    *("SUCCESSFUL", "Successful", "COMPLETED", "Completed", "completed", "COMPLETE", "SUCCEEDED", "Succeeded"),
    *("SUCCESS", "Success", "ENABLED", "Enabled", "enabled", "RUNNING", "Running", "running", "InService"),
    *(
        "ISSUED",
        "READY",
        "Ready",
        "ready",
        "VALID",
        "in-use",
        "attached",
        "associated",
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
    ),
)
_ENDED: Final = (
    *("DELETED", "Deleted", "deleted", "INACTIVE", "terminated", "DELETE_COMPLETE", "detached", "disassociated"),
)
_ILL: Final = re.compile("fail|error|delet|inactive|invalid|terminat|disabled|impair|cancel|shutting", re.IGNORECASE)

_PREFIXES: Final[Mapping[str, str]] = {
    **{kind.replace("-", ""): prefix for prefix, kind in TYPE_OF_ID.items()},
    "allocation": "eipalloc",
    "association": "rtbassoc",
    "group": "sg",
    "spotfleetrequest": "sfr",
    "organizationalunit": "ou",
    "policysummary": "p",
}
"""The prefix of the ids of EC2 and Organizations by what they are of."""

_OF_ANYTHING: Final = frozenset({"arn", "id"})
"""Names that say nothing of what they are of: within a request they may be of something else than in the answer."""

_QUEUE_URL: Final = "https://sqs.{region}.amazonaws.com/{account}/{name}"
_DOCUMENT: Final = '{"Version": "2012-10-17", "Statement": []}'
_DOCUMENTS: Final = re.compile(r".*(policy|document|definition|secretstring|template\w*body)")
_NETWORK: Final = "10.0.0.0/16"


class Guessed(dict[str, Any]):
    """A map of which nothing is known: it has every key, with a mark for its value."""

    def __init__(self, known: Mapping[str, Any], arn: str) -> None:
        super().__init__(known)
        self._arn = arn

    def __missing__(self, key: str) -> Any:
        return self._arn if key.lower().endswith("arn") else MARK

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`."""
        return self[key]


class Answers:
    """Makes up answers. Ids have numbers: the same request is always told the same ones."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._numbers: dict[tuple[str, str], int] = {}

    def to(self, request: Request, arns: Sequence[str], attempt: int, *, ending: bool = False) -> dict[str, Any]:
        """The answer to `request`, which is decided on the resources `arns`.

        `attempt`: who asks has waited so many times. `ending`: it deletes something.
        """
        codec = wire.codec_of(request.service, request.operation)
        if codec is None:
            raise ValueError(f"{request.service} has no operation {request.operation}")
        shape = codec.model.output_shape
        if shape is None:
            return {}
        key = repr(request)

        def number(name: str) -> int:
            return self._numbers.setdefault((key, name), len(self._numbers))

        named = [marked(arn) for arn in arns if arn != "*"]
        made = _Making(request, self._place, named, attempt, number, ending=ending)
        answer: dict[str, Any] = made.structure(shape, 0)
        return answer


class _Making:
    """The making of one answer."""

    def __init__(
        self,
        request: Request,
        place: Place,
        arns: Sequence[str],
        attempt: int,
        number: Callable[[str], int],
        *,
        ending: bool,
    ) -> None:
        self._prefix = authz.action_of(request.service, request.operation).partition(":")[0]
        self._place = place
        self._arns = arns
        self._attempt = attempt
        self._number = number
        self._ending = ending
        self._given: dict[str, Any] = {}
        for name, value in _named(request.params):
            if name in request.params or name.lower() not in _OF_ANYTHING:
                self._given.setdefault(name.lower(), value)
        names = [value for name, value in request.params.items() if name.lower().endswith("name")]
        self._given |= {"name": names[0]} if len(names) == 1 else {}
        self._lists = {
            _singular(name).lower(): value
            for name, value in request.params.items()
            if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
        }

    def structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        """A structure with all its members."""
        found = {name: self._value(name, member, depth + 1, shape.name) for name, member in shape.members.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, name: str, shape: Shape, depth: int, within: str = "") -> Any:
        low = name.lower()
        if depth > _DEEPEST or _PAGES.fullmatch(low) or _ERRORS.fullmatch(low):
            return 0 if shape.type_name in ("integer", "long") else [] if shape.type_name == "list" else None
        given = self._given.get(low)
        match shape.type_name:
            case "structure":
                return self.structure(shape, depth)
            case "list":
                if isinstance(given, (list, tuple)) and shape.member.type_name not in ("structure", "list", "map"):
                    return list(given)
                if self._ending and self._attempt:
                    return []
                item = self._value(_singular(name), shape.member, depth + 1)
                return [] if item is None else self._as_many(item, shape.member)
            case "map":
                return Guessed(given if isinstance(given, Mapping) else {}, self._arn(name))
            case "string":
                return given if isinstance(given, str) else self._text(name, shape, within)
            case "boolean":
                return bool(given) if given is not None else bool(self._attempt % 2) and "truncated" not in low
            case "timestamp":
                return datetime.fromtimestamp(0, UTC)
            case "blob":
                return b""
            case _:
                return given if isinstance(given, (int, float)) else MARKED_NUMBER if "version" in low else 1

    def _as_many(self, item: Any, shape: Shape) -> list[Any]:
        """The items of a list: one for each that the request names, by a member of theirs."""
        members = shape.members if shape.type_name == "structure" else {}
        for name in members:
            if wanted := self._lists.get(name.lower()):
                return [{**item, name: value} for value in wanted]
        return [item]

    def _text(self, name: str, shape: Shape, within: str) -> str:
        low = name.lower()
        enum = tuple(getattr(shape, "enum", ()))
        if enum:
            return self._chosen(enum)
        if low.endswith("arn"):
            return self._arn(name)
        if _STATUS.fullmatch(low):
            return self._chosen((*_WELL, *_ENDED))
        if low == "queueurl":
            return _QUEUE_URL.format(**self._place._asdict(), name=self._given.get("queuename", MARK))
        if "cidr" in low:
            return _NETWORK
        if _DOCUMENTS.fullmatch(low):
            return _DOCUMENT
        if low == "versionid":
            return f"v{MARKED_NUMBER}"
        if low.endswith("id"):
            prefix = _PREFIXES.get(low.removesuffix("id") or within.lower())
            return f"{prefix}-{MARK}{self._number(name)}" if prefix else f"{MARK}{self._number(name)}"
        return MARK

    def _chosen(self, values: Sequence[str]) -> str:
        """What tells that all is well; of those who wait longer, each value after the other."""
        well = [value for value in _WELL if value in values]
        ended = [value for value in _ENDED if value in values]
        left = [value for value in values if value not in (*well, *ended)]
        others = sorted(left, key=lambda value: bool(_ILL.search(value)))
        waited = self._attempt
        if self._ending and waited:
            every, waited = [*ended, *well, *others], waited - 1
        else:
            every = [*well, *others, *ended]
        return every[waited % len(every)]

    def _arn(self, name: str) -> str:
        return arn_of_member(name.lower().removesuffix("arn"), self._prefix, self._arns, self._given, self._place)


def _singular(name: str) -> str:
    return name.removesuffix("s")


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    """The members of a request by their names, those at the top first; the first of a list also by its singular.

    Of EC2's filters `{"Name": "subnet-id", "Values": [...]}` it is a SubnetId. An `Id` in a list is that of an item.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("Name"), str) and isinstance(value.get("Values"), list) and value["Values"]:
            yield value["Name"].replace("-", "").rpartition(".")[2], value["Values"][0]
            return
        yield from ((str(name), item) for name, item in value.items())
        lists = ((str(name), item) for name, item in value.items() if isinstance(item, (list, tuple)) and item)
        yield from ((_singular(name), item[0]) for name, item in lists if isinstance(item[0], str))
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from (named for named in _named(item) if named[0] != "Id")
