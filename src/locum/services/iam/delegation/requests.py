"""Operations on delegation requests.

IAM User Guide, "Understanding the Request Lifecycle". The allowed operations depend on the state of the request:

    UNASSIGNED        AssociateDelegationRequest   ASSIGNED
    ASSIGNED          UpdateDelegationRequest      PENDING_APPROVAL
    PENDING_APPROVAL  UpdateDelegationRequest      PENDING_APPROVAL
    ASSIGNED, PENDING_APPROVAL            AcceptDelegationRequest   ACCEPTED
    ASSIGNED, PENDING_APPROVAL, ACCEPTED  RejectDelegationRequest   REJECTED
    ACCEPTED          SendDelegationToken          FINALIZED

Requests expire in any state: `state.delegation.LIFETIMES`. Their default permissions: `state.delegations`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.principal import PrincipalKind, Session
from locum.services.iam.delegation import check, notices, policies, summary
from locum.services.iam.faults import access_denied, already_exists, invalid_input, no_such_entity, validation_error
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Account, DelegationRequest, DelegationState, PolicyParameter, delegations, put
from locum.state.arns import entity_of
from locum.state.indexes import DELEGATION_WORKFLOW, DELEGATIONS_OF, scoped

ROOT_LIMIT: Final = 4 * 3600
"""The limit in seconds for root. IAM User Guide: "root users can only approve delegation requests with a duration of 4
hours or less"."""

_REVIEW_URL: Final = "https://us-east-1.console.aws.amazon.com/iam/account-access-requests/review/"
_IN_REVIEW: Final = frozenset[DelegationState]({"ASSIGNED", "PENDING_APPROVAL"})
_NAME_SHOWN: Final = 30


def create(context: Context, params: Params) -> Outcome:
    """CreateDelegationRequest. On AWS only for onboarded partners; here for every account."""
    workflow, asked = params["RequestorWorkflowId"], params["Permissions"]
    if context.state.count(DELEGATION_WORKFLOW, scoped(context.account, workflow)):
        raise already_exists(f"A delegation request with the requestor workflow id {workflow} already exists.")
    template = asked.get("PolicyTemplateArn")
    if template is None:
        raise invalid_input("Permissions must have a PolicyTemplateArn.")
    parameters = tuple(map(_parameter, asked.get("Parameters") or ()))
    request = DelegationRequest(
        account=context.account,
        id=request_id(context.entropy),
        workflow=workflow,
        description=params["Description"],
        message=params.get("RequestMessage", ""),
        template=template,
        parameters=parameters,
        policy=policies.rendered(context, template, parameters),
        channel=_topic(context, params["NotificationChannel"]),
        redirect=params.get("RedirectUrl", ""),
        seconds=params["SessionDuration"],
        only_by_owner=params.get("OnlySendByOwner", False),
        owner_account=params.get("OwnerAccountId", ""),
        created=int(context.now),
        updated=int(context.now),
    )
    return Outcome({"ConsoleDeepLink": _REVIEW_URL + request.id, "DelegationRequestId": request.id}, (put(request),))


def _parameter(given: Params) -> PolicyParameter:
    return PolicyParameter(
        name=given.get("Name", ""), values=tuple(given.get("Values") or ()), many=given.get("Type") == "stringList"
    )


def _topic(context: Context, channel: str) -> str:
    """NotificationChannel: "The SNS topic must be in one of your registered AWS accounts"."""
    arn = Arn.find(channel)
    if arn is None or arn.service != "sns" or not arn.region or arn.account != context.account:
        raise invalid_input(f"The notification channel {channel} is not an SNS topic of this account.")
    return channel


def get(context: Context, params: Params) -> Outcome:
    """GetDelegationRequest."""
    request = _of(context, params)
    answer: dict[str, Any] = {"DelegationRequest": _shape(context, request)}
    if params.get("DelegationPermissionCheck"):
        answer["PermissionCheckStatus"] = "COMPLETE"
        answer["PermissionCheckResult"] = check.result(context, request.policy)
    return Outcome(answer)


def list_(context: Context, params: Params) -> Outcome:
    """ListDelegationRequests: those that identities of the account own. The model has `isTruncated` in lower case."""
    requests = context.state.find(DELEGATIONS_OF, context.account)
    owned = [found for found in requests if isinstance(found, DelegationRequest)]
    if "OwnerId" in params:
        owned = [request for request in owned if request.owner == params["OwnerId"]]
        if not owned:
            _require_identity(context, params["OwnerId"])
    found = page(params, owned, lambda request: f"{request.created:012d}/{request.id}")
    rest = {"isTruncated" if name == "IsTruncated" else name: value for name, value in found.rest.items()}
    return Outcome({"DelegationRequests": [_shape(context, request) for request in found.items], **rest})


def _require_identity(context: Context, arn: str) -> None:
    """Raise InvalidInput where `arn` is not that of an identity, NoSuchEntity where the user or role does not exist."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service not in ("iam", "sts"):
        raise invalid_input(f"The owner id {arn} is not the ARN of an identity.")
    if parsed.resource.startswith(("user/", "role/")):
        entity = entity_of(context.state, arn)
        if entity is None or entity.account != context.account:
            raise no_such_entity(f"The owner {arn} cannot be found.")


def associate(context: Context, params: Params) -> Outcome:
    """AssociateDelegationRequest: "the ARN of the current calling identity will be stored as the ownerId"."""
    request, caller = _of(context, params), context.caller.principal
    _require(context, request, "associated", frozenset({"UNASSIGNED"}))
    return _moved(
        context, request, stage="ASSIGNED", owner_account=caller.account, owner=caller.arn, owner_id=caller.user_id
    )


def update(context: Context, params: Params) -> Outcome:
    """UpdateDelegationRequest: "When the delegation request is updated, it reaches the PENDING_APPROVAL state"."""
    request = _of(context, params)
    _require(context, request, "updated", _IN_REVIEW)
    return _moved(context, request, stage="PENDING_APPROVAL", notes=params.get("Notes", request.notes))


def accept(context: Context, params: Params) -> Outcome:
    """AcceptDelegationRequest.

    "IAM records the details and the state of the identity that called this API. This is the identity that gets mapped
    to the delegated credential".
    """
    request = _of(context, params)
    _require(context, request, "accepted", _IN_REVIEW, validation_error)
    approver = _approver(context)
    if approver.kind is PrincipalKind.ROOT and request.seconds > ROOT_LIMIT:
        raise validation_error(f"The root user can only accept delegation requests of {ROOT_LIMIT} seconds or less.")
    return _moved(context, request, stage="ACCEPTED", approver=approver, approver_arn=context.caller.principal.arn)


def _approver(context: Context) -> Session:
    """The caller as a session.

    Raises AccessDenied where it has session policies, as these would not apply to the delegated credentials, which are
    under the policy of the request.
    """
    principal, session = context.caller.principal, context.caller.session
    if session is None:
        return Session(
            kind=principal.kind,
            account=principal.account,
            name=principal.name,
            issuer_arn=principal.arn,
            issuer_id=principal.unique_id,
            issued_at=int(context.now),
            expires_at=int(context.now),
        )
    if session.policy is not None or session.policy_arns:
        raise access_denied("Delegation requests cannot be accepted with credentials that session policies limit.")
    return session


def reject(context: Context, params: Params) -> Outcome:
    """RejectDelegationRequest."""
    request = _of(context, params)
    _require(context, request, "rejected", _IN_REVIEW | {"ACCEPTED"})
    return _moved(context, request, stage="REJECTED", rejection=params.get("Notes", ""))


def send_token(context: Context, params: Params) -> Outcome:
    """SendDelegationToken. The token is sent to the requestor's topic, and is not in the answer."""
    request = _of(context, params)
    _require(context, request, "finalized", frozenset({"ACCEPTED"}))
    caller = context.caller.principal
    if request.only_by_owner and caller.user_id != request.owner_id:
        raise access_denied(
            f"User: {caller.arn} is not authorized to perform: iam:SendDelegationToken on resource: "
            f"{delegations.arn_of(request, caller.account)} because only the owner of the request can send its token"
        )
    moved = _moved(context, request, stage="FINALIZED")
    token = notices.exchange_token(context, replace(request, stage="FINALIZED", updated=int(context.now)))
    return moved._replace(effects=(*moved.effects, token))


def summarize(context: Context, params: Params) -> Outcome:
    """GetHumanReadableSummary. "At this time, the only supported entity type is delegation-request"."""
    locale, arn = params.get("Locale", summary.DEFAULT_LOCALE), Arn.find(params["EntityArn"])
    if arn is None or arn.service != "iam" or not arn.resource.startswith(f"{delegations.KIND}/"):
        raise invalid_input(f"{params['EntityArn']} is not the ARN of a delegation request.")
    request = delegations.by_arn(context.state, params["EntityArn"])
    if request is None or arn.account != context.account:
        raise no_such_entity(f"The delegation request {params['EntityArn']} cannot be found.")
    if not summary.is_supported(locale):
        return Outcome({"Locale": locale, "SummaryState": "NOT_SUPPORTED"})
    requestor = _name(context, request.account) or f"The account {request.account}"
    said = summary.summary(request, requestor)
    return Outcome({"SummaryContent": said, "Locale": locale, "SummaryState": "AVAILABLE"})


# --- shared ---------------------------------------------------------------------------------------------------------


def _of(context: Context, params: Params) -> DelegationRequest:
    """The request in `params`, if it is visible to the caller's account. Raises NoSuchEntity."""
    identifier = params["DelegationRequestId"]
    request = delegations.request_of(context.state, identifier)
    if request is None or request.owner_account not in ("", context.account):
        raise no_such_entity(f"The delegation request with id {identifier} cannot be found.")
    return request


def _require(
    context: Context,
    request: DelegationRequest,
    done: str,
    states: frozenset[DelegationState],
    fault: Callable[[str], Fault] = invalid_input,
) -> None:
    """Raise the fault unless `request` is in one of `states`."""
    state = request.state_at(context.now)
    if state not in states:
        raise fault(f"The delegation request {request.id} cannot be {done} in the state {state}.")


def _moved(context: Context, request: DelegationRequest, **changed: Any) -> Outcome:
    """The outcome of moving `request` to another state, with a notification of its requestor."""
    moved = replace(request, updated=int(context.now), **changed)
    return Outcome({}, (put(moved),), (notices.state_change(context, moved),))


def _name(context: Context, account: str) -> str:
    found = context.state.get(Account, account, account)
    return "" if found is None else found.name[:_NAME_SHOWN]


def _shape(context: Context, request: DelegationRequest) -> dict[str, Any]:
    """A DelegationRequest structure, without members that are empty."""
    said = {
        "OwnerAccountId": request.owner_account,
        "RequestMessage": request.message,
        "RolePermissionRestrictionArns": policies.role_boundaries(request.policy),
        "OwnerId": request.owner,
        "ApproverId": request.approver_arn,
        "RequestorName": _name(context, request.account),
        "RedirectUrl": request.redirect,
        "Notes": request.notes,
        "RejectionReason": request.rejection,
    }
    return {
        "DelegationRequestId": request.id,
        "Description": request.description,
        "Permissions": {
            "PolicyTemplateArn": request.template,
            "Parameters": list(map(_parameter_shape, request.parameters)),
        },
        "PermissionPolicy": request.policy,
        "State": request.state_at(context.now),
        "ExpirationTime": request.expires,
        "RequestorId": request.account,
        "CreateDate": request.created,
        "SessionDuration": request.seconds,
        "OnlySendByOwner": request.only_by_owner,
        "UpdatedTime": request.updated,
        **{member: value for member, value in said.items() if value},
    }


def _parameter_shape(parameter: PolicyParameter) -> dict[str, Any]:
    kind = "stringList" if parameter.many else "string"
    return {"Name": parameter.name, "Values": list(parameter.values), "Type": kind}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDelegationRequest": writes(create),
    "GetDelegationRequest": reads(get),
    "ListDelegationRequests": reads(list_),
    "AssociateDelegationRequest": writes(associate),
    "UpdateDelegationRequest": writes(update),
    "AcceptDelegationRequest": writes(accept),
    "RejectDelegationRequest": writes(reject),
    "SendDelegationToken": writes(send_token),
    "GetHumanReadableSummary": reads(summarize),
}
