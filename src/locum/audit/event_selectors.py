"""Advanced event selectors, for CloudTrail events of the record: see `locum.core.event_selectors`."""

from locum.core.event_selectors import check, matches, selected

__all__ = ["check", "matches", "selected"]
