"""IAM Roles Anywhere: roles for workloads outside of AWS that have X.509 certificates.

A trust anchor has the authorities, a profile the roles; CreateSession, which is not in AWS's service model, gives
credentials for a certificate.
"""

from __future__ import annotations

from typing import Final

from locum.services.asking import asking
from locum.services.rolesanywhere import anchors, profiles, resources
from locum.services.rolesanywhere.sessions import caller, create_session
from locum.services.verbs import Operation, asks_and_writes

OPERATIONS: Final[dict[str, Operation]] = {
    **anchors.OPERATIONS,
    **profiles.OPERATIONS,
    **resources.OPERATIONS,
    "CreateSession": asks_and_writes(asking(create_session)),
}

__all__ = ["OPERATIONS", "caller"]
