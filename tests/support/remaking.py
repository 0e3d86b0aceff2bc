"""Resources made by their providers alone, and made again as after an interruption."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Resource
from support.inprocess import REGION
from support.plane import ACCOUNT
from support.providers import STACK, Making

_TOKENS = count(1)
"""Tokens are of the process: so are the names in moto, which has one state a process."""


class Remaking(Making):
    """Makes resources with all tags of a stack."""

    def create(  # type: ignore[override]  # properties may have any name
        self, kind: str, logical: str = "Thing", /, **properties: Any
    ) -> Resource:
        """A new resource of type `kind`."""
        arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/{STACK}"
        token = f"MADE{next(_TOKENS):08d}"
        tags = {
            "aws:cloudformation:stack-name": "shop",
            "aws:cloudformation:stack-id": arn,
            "aws:cloudformation:logical-id": f"{logical}{token}",
            "team": "blue",
        }
        wanted = Resource(kind, logical, properties, ACCOUNT, REGION, "shop", arn, token, tags=tags)
        return self._after(wanted, PROVIDERS[kind].create(wanted))

    def again(self, made: Resource) -> Resource:
        """What becomes of `made` where its creation is made again."""
        wanted = replace(made, physical="", attributes={}, again=True)
        return self._after(wanted, PROVIDERS[made.type].create(wanted))


def own(tags: Any) -> dict[str, str]:
    """Tags, a list or a mapping, without those of AWS and of the stack."""
    pairs = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
    return {key: value for key, value in pairs.items() if not key.startswith("aws:") and key != "team"}
