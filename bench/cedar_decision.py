"""Print the microseconds for one decision of cedarpy. Run by the Python of the peers, which has it."""

from __future__ import annotations

import json
import time

import cedarpy

POLICY = """
permit(
    principal == User::"alice",
    action == Action::"GetObject",
    resource in Bucket::"team-data"
) when { context.secure == true };
"""
REQUEST = {
    "principal": 'User::"alice"',
    "action": 'Action::"GetObject"',
    "resource": 'Object::"team-data/home/alice/report.csv"',
    "context": {"secure": True},
}
ENTITIES = [
    {
        "uid": {"type": "Object", "id": "team-data/home/alice/report.csv"},
        "attrs": {},
        "parents": [{"type": "Bucket", "id": "team-data"}],
    }
]


def main() -> None:
    policies = cedarpy.PolicySet.from_str(POLICY)
    entities = cedarpy.Entities.from_json_str(json.dumps(ENTITIES))
    assert cedarpy.is_authorized(REQUEST, policies, entities).allowed
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(2000):
            cedarpy.is_authorized(REQUEST, policies, entities)
        best = min(best, (time.perf_counter() - start) / 2000 * 1e6)
    print(best)


if __name__ == "__main__":
    main()
