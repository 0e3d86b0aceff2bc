"""ARN patterns for the resources that one action was used on.

By service, Region, account and resource type:
- Names are listed as they are while they are few.
- Names that differ in numbers, dates and random parts only become one: `job-17`, `job-18` are `job-*`.
- More than `LISTED` names become what they have in common, up to a delimiter, and `*`. Names of IAM never do.
- The objects of a bucket become the folder that they have in common: `bucket/in/*`, `bucket/*`.
- What is named at random whenever it is made (`EPHEMERAL`) is a pattern even where there was one of it; a random name
  that stays (a KMS key) is kept as long as it is the only one.
- What is not known of a resource (`core.partial_arn`) is `*`.
- The suffix that Secrets Manager gives a secret is `-??????`: AWS Secrets Manager User Guide, "Permissions to access".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from locum.core.partial_arn import Missing, PartialArn

LISTED: Final = 5
"""How many names of one type a statement lists."""

_RANDOM_PART: Final = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}"  # hexadecimal, with a digit
    r"|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}"
)
_ALONE: Final = r"(?<![A-Za-z0-9])(?:%s)(?![A-Za-z0-9])"
_RANDOM: Final = re.compile(_ALONE % _RANDOM_PART)
_VARYING: Final = re.compile(_ALONE % (_RANDOM_PART + "|[0-9]+"))
_SECRET_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}$")
_DELIMITERS: Final = "/:-_."
_ANY: Final = "\0"
_ONE: Final = "\1"
_BRACES: Final = str.maketrans("{}", _ONE * 2)
"""Braces, which IAM takes for those of policy variables, become `?`. `${*}` and `${?}` are the characters."""

EPHEMERAL: Final[Mapping[str, frozenset[str]]] = {
    "ec2": frozenset({"instance", "volume", "snapshot", "network-interface"}),
    "ecs": frozenset({"task", "task-set", "container-instance"}),
    "s3": frozenset({"object"}),
    "states": frozenset({"execution", "express"}),
}
"""Types of resources by service (as in ARNs) that get a random name when they are made."""


class Resource(NamedTuple):
    """A resource: its ARN, a PartialArn or `*`, and its type in the Service Authorization Reference."""

    arn: str
    kind: str


def random(text: str) -> bool:
    """Whether `text` has a part that looks made at random, or is a number of several digits."""
    return _RANDOM.search(text) is not None or re.search("[0-9]{4,}", text) is not None


def patterns(resources: Iterable[Resource]) -> dict[Resource, str]:
    """The pattern for each of `resources`, all of which one action was used on."""
    groups: defaultdict[tuple[str, str], defaultdict[str, list[Resource]]] = defaultdict(lambda: defaultdict(list))
    found: dict[Resource, str] = {}
    for resource in set(resources):
        head, name = _parts(resource)
        if name:
            groups[head, resource.kind][name].append(resource)
        else:
            found[resource] = _pattern(head)
    for (head, kind), named in groups.items():
        for name, pattern in _of_group(head.split(":")[2], kind, sorted(named)).items():
            found.update(dict.fromkeys(named[name], _pattern(head + pattern)))
    return found


def _pattern(text: str) -> str:
    return text.replace(_ANY, "*").replace(_ONE, "?")


def _parts(resource: Resource) -> tuple[str, str]:
    """The part of an ARN that is kept, and the name: of an S3 object its key."""
    arn = resource.arn
    if isinstance(arn, PartialArn):
        arn = "".join(_ANY if isinstance(part, Missing) else part for part in arn.parts)
    fields = arn.translate(_BRACES).split(":", 5)
    if len(fields) < 6:
        return arn, ""
    head, name = ":".join(fields[:5]) + ":", fields[5]
    if fields[2] == "s3" and resource.kind == "object" and "/" in name:
        bucket, _, name = name.partition("/")
        return f"{head}{bucket}/", name.replace("*", "${*}").replace("?", "${?}")
    return head, name


def _of_group(service: str, kind: str, names: list[str]) -> dict[str, str]:
    """The patterns of `names`, which are of one type and in one place."""
    if kind == "log-stream":
        return {name: name.rpartition(":")[0] + ":" + _ANY for name in names}
    if service == "secretsmanager":
        return {name: _SECRET_SUFFIX.sub(f"-{_ONE * 6}", name) for name in names}
    found = _collapsed(names, always=kind in EPHEMERAL.get(service, frozenset()))
    distinct = sorted(set(found.values()))
    if service == "s3" and kind == "object":
        return found if len(distinct) == 1 else dict.fromkeys(names, _common(distinct, "/"))
    if len(distinct) > LISTED and service != "iam":
        return dict.fromkeys(names, _common(distinct, _DELIMITERS))
    return found


def _collapsed(names: list[str], *, always: bool) -> dict[str, str]:
    """The names, those that differ in varying parts only as one; where `always`, random parts of any."""
    varying = {name: _VARYING.sub(_ANY, name) for name in names}
    shared = Counter(varying.values())
    return {
        name: pattern if shared[pattern] > 1 else _RANDOM.sub(_ANY, name) if always else name
        for name, pattern in varying.items()
    }


def _common(names: list[str], delimiters: str) -> str:
    """The common prefix of `names`, up to the last of `delimiters`, and a wildcard."""
    first, last = min(names), max(names)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    common = first[:same].partition(_ANY)[0]
    end = max(common.rfind(delimiter) for delimiter in delimiters)
    return common[: end + 1] + _ANY
