"""What is proposed in an access preview, as the policy that the resource would have.

Access Analyzer API Reference, Configuration and its members. A member that is left out is as it is now; an empty policy
removes the one that is there, and a new resource has what its service begins with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.agents.analyzers.kept import with_statements
from locum.agents.analyzers.proposed_buckets import bucket_policy
from locum.agents.analyzers.proposed_policies import InvalidConfiguration, stored
from locum.agents.analyzers.resources import Named
from locum.analysis.key_grants import grants_of, statements
from locum.authz import service_of
from locum.authz.services.kms_grants import GRANTEE
from locum.calls import Runtime
from locum.calls.carrying import facts_of
from locum.core.arn import PARTITION
from locum.core.errors import LocumError
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.services.accessanalyzer.proposals import BUCKET, KEY, KINDS, ROLE
from locum.state import Role
from locum.state.analyzers import AccessPreview, Analyzer
from locum.state.arns import entity_by_arn

_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")
_DEFAULT: Final = "default"


class NotKnown(LocumError):
    """What a resource has now cannot be told, and the configuration leaves it as it is."""


class Proposed(NamedTuple):
    """A resource, as the analyzer names it, and the policy that it would have; empty for none.

    Of a bucket, `own` is the number of statements that are not its ACL's.
    """

    resource: Named
    policy: str
    own: int | None = None


async def proposed(runtime: Runtime, analyzer: Analyzer, preview: AccessPreview) -> Proposed:
    """What a preview is of. Raises InvalidConfiguration, NotKnown; Fault where the backend does not tell what is there.

    A resource of another account cannot be configured.
    """
    ((member, content),) = preview.configuration.items()
    now, text = await _now(runtime, analyzer, preview.resource), _proposed_policy(member, content)
    if text:
        text = stored(runtime.ledger.state, analyzer, member, now.arn, text, runtime.clock())
    if member == BUCKET:
        now.check_known(content, "bucketPolicy", "bucketAclGrants", "bucketPublicAccessBlock")
        there = now.facts is not None
        effective, own = await bucket_policy(runtime, analyzer, now.arn, text, content, there=there)
        return Proposed(Named(KINDS[member].type, now.arn), effective, own)
    effective = now.policy if text is None else text
    if member == KEY:
        effective = with_statements(effective, statements(_grants(content, now)))
    if member == ROLE and not effective:
        raise InvalidConfiguration("A new role needs a trust policy.")
    return Proposed(Named(KINDS[member].type, now.arn), effective)


class _Now(NamedTuple):
    """A resource as it is now: its facts (None where it is not there), and whether they are `known` at all."""

    named: str
    facts: ResourceFacts | None
    known: bool

    @property
    def arn(self) -> str:
        """Its ARN, where it was named by a part of it (a secret without its last characters)."""
        return (self.facts.arn if self.facts is not None else None) or self.named

    @property
    def policy(self) -> str:
        """Its policy; empty where it has none. Raises NotKnown."""
        self.check_known({}, "policy")
        return (self.facts.policy if self.facts is not None else None) or ""

    def check_known(self, content: Mapping[str, Any], *members: str) -> None:
        """Raise NotKnown where a member is left out, and what there is now is not known."""
        if not self.known and set(members) - content.keys():
            raise NotKnown(f"What {self.named} has now is not known.")


async def _now(runtime: Runtime, analyzer: Analyzer, arn: str) -> _Now:
    """A resource as it is now. Raises InvalidConfiguration for one of another account."""
    if arn.startswith(f"arn:{PARTITION}:iam:"):
        role = entity_by_arn(runtime.ledger.state, Role, arn, analyzer.account)
        return _Now(arn, None if role is None else ResourceFacts(role.account, role.trust), known=True)
    facts = (await facts_of(runtime, [arn], analyzer.account, analyzer.region))[arn]
    if facts is UNKNOWN:
        return _Now(arn, None, known=runtime.backends.of(service_of(arn)).forgets)  # the embedded one tells what it has
    if facts.attributes.get("absent"):
        return _Now(arn, None, known=True)
    if facts.account not in (None, analyzer.account):
        raise InvalidConfiguration("The resource belongs to another account.")
    return _Now(arn, facts, known=True)


def _proposed_policy(member: str, content: Mapping[str, Any]) -> str | None:
    """The proposed policy, empty to remove the one that is there; None where none is proposed.

    Those of roles and keys "cannot be an empty string". Raises InvalidConfiguration.
    """
    found = content.get(KINDS[member].policy)
    if member == KEY and found is not None:
        if set(found) - {_DEFAULT}:
            raise InvalidConfiguration(f"The only valid name of a key policy is {_DEFAULT}.")
        found = found.get(_DEFAULT)
    if found == "" and member in (KEY, ROLE):
        raise InvalidConfiguration("The policy cannot be an empty string.")
    return None if found is None else str(found)


# -- grants of keys --------------------------------------------------------------------------------------


def _grants(content: Mapping[str, Any], now: _Now) -> Iterator[Mapping[str, Any]]:
    """The proposed grants, or those that there are, as ListGrants has them. Raises InvalidConfiguration, NotKnown."""
    listed = content.get("grants")
    if listed is None:
        yield from grants_of(now.facts) if now.policy and now.facts is not None else ()
        return
    for it in listed:
        for principal in (it["granteePrincipal"], it.get("retiringPrincipal")):
            if principal and not (GRANTEE.fullmatch(principal) or _SERVICE.fullmatch(principal)):
                raise InvalidConfiguration(f"{principal} can be no principal of a grant.")
        yield {f"{name[0].upper()}{name[1:]}": value for name, value in it.items()}
