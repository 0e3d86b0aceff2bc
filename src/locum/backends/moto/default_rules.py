"""The rules of the default event buses, as moto keeps them: with a schedule, or for events of CloudTrail.

What comes of those is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.backends.moto import recall
from locum.backends.moto.models import all_models
from locum.backends.moto.turns import in_turn
from locum.core.event_rules import EventRule

_BUS: Final = "default"


def find() -> list[EventRule]:
    """All of them."""
    return in_turn(lambda: list(rules()))


def rules() -> Iterator[EventRule]:
    """All of them. To be used in moto's turn."""
    recall.here("events")
    for models in all_models("events"):
        bus = models.event_buses.get(_BUS)
        place = models.account_id, models.region_name
        for rule in () if bus is None else bus.rules.values():
            pattern = rule.event_pattern.dump() or ""
            yield EventRule(*place, rule.name, rule.scheduled_expression or "", pattern, str(rule.state))
