"""Times among attributes, as the texts that CloudFormation has for them."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from locum.services.cloudformation.providers.base import Made, Properties, Provider, Resource, Work


def dated(made_by: Provider, *names: str) -> Provider:
    """`made_by`, whose attributes `names` are times."""

    def told(work: Work) -> Generator[Any, Any, Made]:
        made = yield from work
        times = {name: _text(made.attributes[name]) for name in names if name in made.attributes}
        return Made(made.physical, {**made.attributes, **times})

    def update(resource: Resource, before: Properties) -> Work:
        assert made_by.update is not None
        return told(made_by.update(resource, before))

    return made_by._replace(
        create=lambda resource: told(made_by.create(resource)), update=update if made_by.update else None
    )


def _text(value: Any) -> str:
    """A time, of seconds since 1970 where it is a number, like 2026-01-02T03:04:05Z."""
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value, UTC)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
