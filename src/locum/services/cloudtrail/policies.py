"""Resource policies of channels and event data stores.

CloudTrail API Reference, PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy; User Guide, "CloudTrail
resource-based policy examples". Users and roles are kept by their unique ids, and shown by their ARNs.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum import policy
from locum.authz import resource_policies, service_reference
from locum.core.arn import PARTITION, Arn
from locum.core.errors import Fault
from locum.policy import PolicyKind
from locum.policy.compile import action_pattern
from locum.policy.document import Statement
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Channel, EventDataStore, put
from locum.state.autoscaling import regional
from locum.state.delegate_policies import delegate_policy

MOST_STATEMENTS: Final = 20
MOST_PRINCIPALS: Final = 50
"""API Reference, PutResourcePolicy: "maximum of 20 statements", and 50 principals in each."""
_KINDS: Final[dict[str, type[Channel | EventDataStore]]] = {"channel": Channel, "eventdatastore": EventDataStore}
_CHANNEL_ACTION: Final = "cloudtrail-data:putauditevents"


def put_resource_policy(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:PutResourcePolicy. It replaces the one that is there."""
    found = _resource(ctx, params["ResourceArn"])
    call = ctx.call_of("cloudtrail", "PutResourcePolicy", params)
    text = resource_policies.admitted(ctx.state, call)["ResourcePolicy"]
    _check(found, text)
    after = replace(found, policy=text)
    return Outcome(_shown(ctx, after), (put(after),))


def get_resource_policy(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetResourcePolicy, with the default one for delegated administrators."""
    told = _shown(ctx, _resource(ctx, params["ResourceArn"]))
    if told.keys() == {"ResourceArn"}:
        raise _not_there(params["ResourceArn"])
    return Outcome(told)


def delete_resource_policy(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:DeleteResourcePolicy."""
    found = _resource(ctx, params["ResourceArn"])
    if not found.policy:
        raise _not_there(params["ResourceArn"])
    return Outcome({}, (put(replace(found, policy="")),))


def _shown(ctx: Context, found: Channel | EventDataStore) -> dict[str, Any]:
    own = resource_policies.shown(ctx.state, "cloudtrail", "GetResourcePolicy", found.policy.encode()).decode()
    default = "" if isinstance(found, Channel) else delegate_policy(ctx.state, found)
    told = {"ResourceArn": found.arn, "ResourcePolicy": own, "DelegatedAdminResourcePolicy": default}
    return {name: value for name, value in told.items() if value}


def _resource(ctx: Context, name: str) -> Channel | EventDataStore:
    """The channel or event data store with an ARN, in the region of the call. Raises Fault."""
    arn = Arn.find(name)
    if arn is None or (arn.partition, arn.service) != (PARTITION, "cloudtrail"):
        raise Fault("ResourceARNNotValidException", f"The resource ARN {name} is not valid.")
    kind, _, ident = arn.resource.partition("/")
    if kind == "trail":
        raise Fault("ResourceTypeNotSupportedException", "Trails have no resource-based policies.")
    if kind not in {*_KINDS, "dashboard"}:
        raise Fault("ResourceARNNotValidException", f"The resource ARN {name} is not valid.")
    of_kind = _KINDS.get(kind)
    found = ctx.state.get(of_kind, arn.account, regional(arn.region, ident)) if of_kind else None
    gone = found is None or found.arn != name or arn.region != ctx.region
    if found is None or gone or (isinstance(found, EventDataStore) and found.gone(ctx.now)):
        raise Fault("ResourceNotFoundException", f"The resource {name} was not found.")
    return found


def _check(found: Channel | EventDataStore, text: str) -> None:
    """Check that a policy, which can be read, is one that CloudTrail takes. Raises Fault."""
    statements = policy.parse(text, PolicyKind.RESOURCE, resource=None).statements
    if len(statements) > MOST_STATEMENTS:
        raise _invalid(f"The policy has more than {MOST_STATEMENTS} statements.")
    for statement in statements:
        _check_principals(statement)
        if statement.resources != (found.arn,):
            raise _invalid("The resource of each statement must be the ARN of the resource of the policy.")
        if statement.actions is None or not all(_is_of(found, action) for action in statement.actions):
            raise _invalid("A statement has an action that is not valid for the resource.")


def _check_principals(statement: Statement) -> None:
    principals = statement.principals
    if principals is None:
        raise _invalid("Each statement must contain at least one principal.")
    if len(principals.aws) + len(principals.service) + len(principals.federated) > MOST_PRINCIPALS:
        raise _invalid(f"A statement has more than {MOST_PRINCIPALS} principals.")


def _is_of(found: Channel | EventDataStore, action: str) -> bool:
    if isinstance(found, Channel):
        return action.lower() == _CHANNEL_ACTION
    pattern = action_pattern(action)
    names = service_reference.action_names("cloudtrail")
    return pattern.service == "cloudtrail" and any(pattern.matches(f"cloudtrail:{name.lower()}") for name in names)


def _invalid(message: str) -> Fault:
    return Fault("ResourcePolicyNotValidException", message)


def _not_there(name: str) -> Fault:
    return Fault("ResourcePolicyNotFoundException", f"The resource {name} has no resource-based policy.")


OPERATIONS: Final[dict[str, Operation]] = {
    "DeleteResourcePolicy": writes(delete_resource_policy),
    "GetResourcePolicy": reads(get_resource_policy),
    "PutResourcePolicy": writes(put_resource_policy),
}
