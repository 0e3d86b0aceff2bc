"""All labs, in the order in which they are best done."""

from __future__ import annotations

from typing import Final

from locum.labs.lab import Lab
from locum.labs.scenarios import buckets, hygiene, limits, metadata, profiles, programs, trust

LABS: Final[dict[str, Lab]] = {
    lab.id: lab
    for lab in (
        profiles.ROLE_WITHOUT_PROFILE,
        profiles.REPLACE_PROFILE,
        buckets.THREE_FAULTS,
        buckets.HARD_CODED_KEYS,
        programs.TABLE_INDEX,
        programs.FUNCTION_QUEUE,
        limits.PASS_ROLE,
        profiles.AUTO_SCALING,
        metadata.OLD_CLIENT,
        metadata.CONTAINER_HOPS,
        metadata.CACHED_CLIENT,
        trust.RE_CREATED_ROLE,
        trust.EXTERNAL_ID,
        limits.BOUNDARY,
        limits.REGION_GUARDRAIL,
        hygiene.SELF_PROMOTION,
        hygiene.UNUSED_ROLES,
        hygiene.WHO_DELETED,
    )
}
"""By id."""
