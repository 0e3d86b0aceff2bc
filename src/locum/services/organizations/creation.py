"""Creation of accounts, and the status of CreateAccount requests.

API, CreateAccount: "This is an asynchronous request that AWS performs in the background." Here it is done within the
call, which nevertheless returns IN_PROGRESS; failures that occur in the background on AWS are in the request's status.
"""

from __future__ import annotations

from typing import Any, Final

from locum.services.organizations import limits, roles
from locum.services.organizations.access import Scope, administered_reads, by_management
from locum.services.organizations.faults import constraint_violation, fault, invalid_input
from locum.services.organizations.identifiers import new_account_id, new_id
from locum.services.organizations.invitations import accounts_counted
from locum.services.organizations.pagination import listed
from locum.services.organizations.tags import given
from locum.services.verbs import Operation, Outcome, Params, writes
from locum.state import Account, AccountCreation, Event, Member, put
from locum.state.indexes import ROOT_EMAIL
from locum.state.organizations import ALL_FEATURES
from locum.state.service_linked_roles import PREFIX as SERVICE_ROLE_PREFIX


def create_account(scope: Scope, params: Params) -> Outcome:
    """CreateAccount. The account is created under the root, with an access role for the management account."""
    role, tags = params.get("RoleName", roles.ACCESS_ROLE), given(params)
    if role.startswith(SERVICE_ROLE_PREFIX):
        raise invalid_input("INVALID_ROLE_NAME", "You provided a role name that isn't valid.")
    if accounts_counted(scope) >= limits.ACCOUNTS:
        raise constraint_violation(
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of AWS accounts."
        )
    context, now = scope.context, scope.now
    taken = context.state.count(ROOT_EMAIL, params["Email"].lower()) > 0
    account = "" if taken else new_account_id(context.state, context.entropy)
    request = AccountCreation(
        account=scope.management,
        id=new_id("car-", 32, context.entropy),
        name=params["AccountName"],
        requested=now,
        completed=now,
        created=account,
        failure="EMAIL_ALREADY_EXISTS" if taken else "",
    )
    events: list[Event] = [put(request)]
    if not taken:
        events += _account_events(scope, params, account, tags)
        events.append(roles.access_role(context, account, scope.management, role))
        if scope.organization.feature_set == ALL_FEATURES:
            events.extend(roles.service_role(context, account))
    return Outcome({"CreateAccountStatus": _in_progress(request)}, tuple(events))


def _account_events(scope: Scope, params: Params, account: str, tags: dict[str, str]) -> list[Event]:
    name, email, now = params["AccountName"], params["Email"], scope.now
    member = Member(
        account=scope.management,
        id=account,
        parent=scope.organization.root,
        name=name,
        email=email,
        joined=now,
        tags=tags,
    )
    return [put(Account(account=account, created=now, name=name, email=email)), put(member)]


def create_gov_cloud_account(scope: Scope, params: Params) -> Outcome:
    """CreateGovCloudAccount. It always fails, as there are no accounts in AWS GovCloud (US) here."""
    given(params)
    raise constraint_violation(
        "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED",
        "To complete this operation, the management account must have an associated account in the AWS GovCloud "
        "(US-West) Region.",
    )


def describe_create_account_status(scope: Scope, params: Params) -> Outcome:
    """DescribeCreateAccountStatus."""
    found = scope.context.state.get(AccountCreation, scope.management, params["CreateAccountRequestId"])
    if found is None:
        raise fault(
            "CreateAccountStatusNotFound",
            "We can't find an create account request with the CreateAccountRequestId that you specified.",
        )
    return Outcome({"CreateAccountStatus": _status(found)})


def list_create_account_status(scope: Scope, params: Params) -> Outcome:
    """ListCreateAccountStatus."""
    states = params.get("States") or ("SUCCEEDED", "FAILED")
    requests = scope.context.state.table(AccountCreation, scope.management).values()
    found = (request for request in requests if _state(request) in states)
    return listed(params, "CreateAccountStatuses", found, lambda one: f"{one.requested:012}{one.id}", _status)


def _state(request: AccountCreation) -> str:
    return "FAILED" if request.failure else "SUCCEEDED"


def _in_progress(request: AccountCreation) -> dict[str, Any]:
    return {
        "Id": request.id,
        "AccountName": request.name,
        "State": "IN_PROGRESS",
        "RequestedTimestamp": request.requested,
    }


def _status(request: AccountCreation) -> dict[str, Any]:
    outcome = {"FailureReason": request.failure} if request.failure else {"AccountId": request.created}
    return {
        **_in_progress(request),
        "State": _state(request),
        "CompletedTimestamp": request.completed,
        **outcome,
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateAccount": writes(by_management(create_account)),
    "CreateGovCloudAccount": writes(by_management(create_gov_cloud_account)),
    **dict(
        (
            administered_reads("DescribeCreateAccountStatus", describe_create_account_status),
            administered_reads("ListCreateAccountStatus", list_create_account_status),
        )
    ),
}
