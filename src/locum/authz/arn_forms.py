"""The forms that ARNs of a service's resources have: which ARNs in a request can be those of any.

A backend may find a resource by an ARN that is not its own: without an account, of another service, with a colon too
many. A statement about the resource does not match such a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from locum.authz.rules import ServiceRules
from locum.core.arn import Arn

_OWN: Final = frozenset({"iam", "sts"})
"""Services that are Locum's own, and find what they have by its exact ARN."""
_REGULAR: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]+:[0-9]{12}:[^\s:/][^\n]*(?<![:/])")
_ANY: Final = ("%s", "*")
_WITHOUT: Final = {"ecs": "/", "events": "/", "redshift": ":"}
"""Services whose names do not have a character, and of which a backend takes a part that it delimits for the name."""


def can_be_of(rules: ServiceRules) -> Callable[[str], bool]:
    """The function that tells whether an ARN has the form of any type of resource of a service.

    Not all types are in the catalogue: an ARN that has nothing of those that are may be of another. Where none is,
    every ARN is possible.
    """
    arns = {arn for kind in rules.types.values() if (arn := Arn.find(kind.text)) is not None}
    services = {arn.service for arn in arns}
    if rules.prefix in _OWN or services.isdisjoint((rules.prefix, "%s")):
        return lambda text: True
    pattern = re.compile("|".join(sorted(_form(arn, rules.prefix) for arn in arns)))
    start = 0 if rules.prefix in _WITHOUT else 1  # of the other services some types have a name less than is known
    beginnings = {arn.resource.partition("%s")[0] for arn in arns} - {""}

    def possible(text: str) -> bool:
        if pattern.fullmatch(text) is not None:
            return True
        arn = Arn.find(text)
        if arn is None or arn.service not in services or _REGULAR.fullmatch(text) is None:
            return False
        return not any(known in arn.resource[start:] for known in beginnings)

    return possible


def _form(arn: Arn, prefix: str) -> str:
    """The pattern of the ARNs of one type, whose text in the catalogue is `arn`: `%s` stands for each of its names.

    A name ends where what follows it is first found, and no other end is tried: a caller's text is not to take longer.
    """
    service = "[a-z0-9-]+" if arn.service in _ANY else re.escape(arn.service)
    region = "[a-z0-9-]+" if arn.region in _ANY else re.escape(arn.region)
    account = "(?:[0-9]{12}|aws)" if arn.account in _ANY else re.escape(arn.account)
    name = rf"[^\n{_WITHOUT.get(prefix, '')}]+"
    first, *others = map(re.escape, re.split(r"%s|\*", arn.resource))
    named = [f"(?>{name}?{piece})" for piece in others[:-1]] + [name + piece for piece in others[-1:]]
    resource = "".join((first, *named))
    ending = "" if arn.resource.endswith((":", "/")) else "(?<![:/])"
    return f"arn:{re.escape(arn.partition)}:{service}:{region}:{account}:{resource}{ending}"
