"""The life of a delegation request, step by step, and who sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from locum.core.calls import Effect
from locum.core.principal import Caller, Principal, PrincipalKind, Session
from locum.services.iam import OPERATIONS
from locum.services.verbs import Context
from locum.state import Account, DelegationRequest, User, change, decode, encode, put
from support.iam_plane import ACCOUNT, NOW, OTHER, Plane, arn
from support.organization import member, scp, tree

TOPIC = f"arn:aws:sns:us-east-1:{OTHER}:delegations"
DAY = 86_400
PROVIDER = Caller(Principal.root(OTHER))
CUSTOMER = Caller(Principal.root(ACCOUNT))
TEMPLATE: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::@{buckets}/@{prefix}/*"},
        {
            "Effect": "Allow",
            "Action": ["iam:CreateRole"],
            "Resource": f"arn:aws:iam::{ACCOUNT}:role/product",
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": arn("policy", "limits")}},
        },
    ],
}
PARAMETERS: list[dict[str, Any]] = [
    {"Name": "buckets", "Values": ["one", "two"], "Type": "stringList"},
    {"Name": "prefix", "Values": ["data"], "Type": "string"},
]
BOMB = [{**parameter, "Values": ["b"] * 100_000, "Type": "stringList"} for parameter in PARAMETERS]
ASKED: dict[str, Any] = {
    "Description": "Sets things up",
    "Permissions": {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/setup", "Parameters": PARAMETERS},
    "RequestorWorkflowId": "workflow-1",
    "NotificationChannel": TOPIC,
    "SessionDuration": 3600,
}


class Delegating(Plane):
    """A provider with a template, and a customer."""

    def __init__(self) -> None:
        super().__init__()
        self.caller = PROVIDER
        self.state = change(self.state, [put(Account(account=OTHER, created=NOW, name="Example Product"))])
        self.call("CreatePolicy", PolicyName="setup", PolicyDocument=json.dumps(TEMPLATE))

    def asks(self, **changed: Any) -> str:
        self.caller = PROVIDER
        asked = {**ASKED, **changed}
        identifier = str(self.call("CreateDelegationRequest", **asked)["DelegationRequestId"])
        self.caller = CUSTOMER
        return identifier

    def brought(self, stage: str, **asked: Any) -> str:
        """The id of a request in this state, owned and approved by the customer's root."""
        identifier = self.asks(**asked)
        for operation in ROADS[stage]:
            self.call(operation, DelegationRequestId=identifier)
        return identifier

    def shown(self, identifier: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("GetDelegationRequest", DelegationRequestId=identifier)["DelegationRequest"]
        return shown

    def effects(self, operation: str, identifier: str) -> tuple[Effect, ...]:
        context = Context(self.state, self.now, self.entropy, self.keyring, self.caller, "us-east-1")
        outcome = OPERATIONS[operation].verb(context, {"DelegationRequestId": identifier})
        self.state = change(self.state, outcome.events)
        return outcome.effects


ROADS: dict[str, tuple[str, ...]] = {
    "UNASSIGNED": (),
    "ASSIGNED": ("AssociateDelegationRequest",),
    "PENDING_APPROVAL": ("AssociateDelegationRequest", "UpdateDelegationRequest"),
    "ACCEPTED": ("AssociateDelegationRequest", "AcceptDelegationRequest"),
    "FINALIZED": ("AssociateDelegationRequest", "AcceptDelegationRequest", "SendDelegationToken"),
    "REJECTED": ("AssociateDelegationRequest", "RejectDelegationRequest"),
}
LEADS = {
    "AssociateDelegationRequest": ("ASSIGNED", {"UNASSIGNED"}),
    "UpdateDelegationRequest": ("PENDING_APPROVAL", {"ASSIGNED", "PENDING_APPROVAL"}),
    "AcceptDelegationRequest": ("ACCEPTED", {"ASSIGNED", "PENDING_APPROVAL"}),
    "RejectDelegationRequest": ("REJECTED", {"ASSIGNED", "PENDING_APPROVAL", "ACCEPTED"}),
    "SendDelegationToken": ("FINALIZED", {"ACCEPTED"}),
}


@pytest.fixture
def plane() -> Delegating:
    return Delegating()


def test_a_request_shows_what_was_asked_for_and_the_policy_that_comes_of_it(plane: Delegating) -> None:
    identifier = plane.asks(RequestMessage="Again", RedirectUrl="https://product.example/back", OnlySendByOwner=True)
    shown = plane.shown(identifier)
    policy = json.loads(shown.pop("PermissionPolicy"))
    assert policy["Statement"][0]["Resource"] == ["arn:aws:s3:::one/data/*", "arn:aws:s3:::two/data/*"]
    assert shown == {
        "DelegationRequestId": identifier,
        "Description": "Sets things up",
        "RequestMessage": "Again",
        "Permissions": ASKED["Permissions"],
        "RolePermissionRestrictionArns": [arn("policy", "limits")],
        "State": "UNASSIGNED",
        "ExpirationTime": NOW + DAY,
        "RequestorId": OTHER,
        "RequestorName": "Example Product",
        "CreateDate": NOW,
        "SessionDuration": 3600,
        "RedirectUrl": "https://product.example/back",
        "OnlySendByOwner": True,
        "UpdatedTime": NOW,
    }


def test_a_customer_is_sent_to_where_the_request_is_reviewed(plane: Delegating) -> None:
    plane.caller = PROVIDER
    answer = plane.call("CreateDelegationRequest", **ASKED)
    assert answer["ConsoleDeepLink"].endswith(f"/iam/account-access-requests/review/{answer['DelegationRequestId']}")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"RequestorWorkflowId": "workflow-0"}, "EntityAlreadyExists"),
        ({"NotificationChannel": f"arn:aws:sns:us-east-1:{ACCOUNT}:foreign"}, "InvalidInput"),
        ({"NotificationChannel": f"arn:aws:sqs:us-east-1:{OTHER}:queue"}, "InvalidInput"),
        ({"Permissions": {}}, "InvalidInput"),
        ({"Permissions": {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/missing"}}, "InvalidInput"),
        ({"Permissions": {"PolicyTemplateArn": arn("policy", "setup")}}, "InvalidInput"),
        ({"Permissions": {**ASKED["Permissions"], "Parameters": PARAMETERS[:1]}}, "InvalidInput"),
        ({"Permissions": {**ASKED["Permissions"], "Parameters": [*PARAMETERS, PARAMETERS[0]]}}, "InvalidInput"),
        (
            {"Permissions": {**ASKED["Permissions"], "Parameters": [{**PARAMETERS[0], "Type": "string"}]}},
            "InvalidInput",
        ),
        (
            {
                "Permissions": {
                    **ASKED["Permissions"],
                    "Parameters": [{**PARAMETERS[0], "Values": ["b" * 60] * 40}, PARAMETERS[1]],
                }
            },
            "LimitExceeded",
        ),
        ({"Permissions": {**ASKED["Permissions"], "Parameters": BOMB}}, "LimitExceeded"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(plane: Delegating, changed: dict[str, Any], code: str) -> None:
    plane.asks(RequestorWorkflowId="workflow-0")
    plane.caller = PROVIDER
    assert plane.fault("CreateDelegationRequest", **{**ASKED, **changed})[0] == code


@pytest.mark.parametrize("operation", LEADS)
@pytest.mark.parametrize("stage", ROADS)
def test_each_step_leads_from_its_states_and_from_no_other(plane: Delegating, operation: str, stage: str) -> None:
    identifier = plane.brought(stage)
    leads_to, states = LEADS[operation]
    if stage in states:
        plane.call(operation, DelegationRequestId=identifier)
        assert plane.shown(identifier)["State"] == leads_to
    else:
        code = "ValidationError" if operation == "AcceptDelegationRequest" else "InvalidInput"
        assert plane.fault(operation, DelegationRequestId=identifier)[0] == code
        assert plane.shown(identifier)["State"] == stage


@pytest.mark.parametrize("stage", ROADS)
def test_a_request_expires_by_itself_and_nothing_comes_of_it_then(plane: Delegating, stage: str) -> None:
    identifier = plane.brought(stage)
    plane.now = NOW + (DAY if stage == "UNASSIGNED" else 7 * DAY) - 1
    assert plane.shown(identifier)["State"] == stage
    plane.now += 1
    assert plane.shown(identifier)["State"] == "EXPIRED"
    for operation in LEADS:
        plane.fault(operation, DelegationRequestId=identifier)


def test_what_was_said_on_the_way_is_kept(plane: Delegating) -> None:
    identifier = plane.brought("ASSIGNED")
    plane.call("UpdateDelegationRequest", DelegationRequestId=identifier, Notes="Who knows?")
    plane.call("AcceptDelegationRequest", DelegationRequestId=identifier)
    plane.call("RejectDelegationRequest", DelegationRequestId=identifier, Notes="Not I")
    shown = plane.shown(identifier)
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert (shown["Notes"], shown["RejectionReason"]) == ("Who knows?", "Not I")
    assert (shown["OwnerAccountId"], shown["OwnerId"], shown["ApproverId"]) == (ACCOUNT, root, root)


@pytest.mark.parametrize("operation", [*LEADS, "GetDelegationRequest"])
def test_no_other_account_finds_a_request_that_is_meant_for_one(plane: Delegating, operation: str) -> None:
    identifier = plane.asks(OwnerAccountId=ACCOUNT)
    plane.caller = PROVIDER
    code, status, message = plane.fault(operation, DelegationRequestId=identifier)
    assert (code, status) == ("NoSuchEntity", 404)
    assert message == f"The delegation request with id {identifier} cannot be found."


def test_the_root_user_accepts_four_hours_and_no_more(plane: Delegating) -> None:
    plane.call("AcceptDelegationRequest", DelegationRequestId=plane.brought("ASSIGNED", SessionDuration=14_400))
    longer = plane.brought("ASSIGNED", SessionDuration=14_401, RequestorWorkflowId="workflow-2")
    assert plane.fault("AcceptDelegationRequest", DelegationRequestId=longer)[0] == "ValidationError"


def test_who_is_under_session_policies_accepts_nothing(plane: Delegating) -> None:
    identifier = plane.brought("ASSIGNED")
    session = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=ACCOUNT,
        name="s",
        issuer_arn=arn("role", "r"),
        issuer_id="AROAR",
        issued_at=NOW,
        expires_at=NOW + 900,
        policy=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    plane.caller = Caller(Principal.role_session(arn("role", "r"), "AROAR", "s"), "ASIAEXAMPLE", session)
    assert plane.fault("AcceptDelegationRequest", DelegationRequestId=identifier)[0] == "AccessDenied"


def test_only_the_owner_sends_the_token_where_the_request_says_so(plane: Delegating) -> None:
    identifier = plane.asks(OnlySendByOwner=True)
    plane.user("ann")
    plane.user("bob")
    plane.become("ann")
    plane.call("AssociateDelegationRequest", DelegationRequestId=identifier)
    plane.become("bob")
    plane.call("AcceptDelegationRequest", DelegationRequestId=identifier)
    assert plane.fault("SendDelegationToken", DelegationRequestId=identifier)[0] == "AccessDenied"
    plane.become("ann")
    plane.call("SendDelegationToken", DelegationRequestId=identifier)


def test_the_requestor_is_told_of_every_step_and_given_the_token_with_the_last(plane: Delegating) -> None:
    identifier = plane.asks()
    told = [json.loads(plane.effects(name, identifier)[0].call.params["Message"]) for name in ROADS["FINALIZED"][:2]]
    changed, token = plane.effects("SendDelegationToken", identifier)
    assert {changed.call.params["TopicArn"], token.call.params["TopicArn"]} == {TOPIC}
    assert [one["State"] for one in told] == ["ASSIGNED", "ACCEPTED"]
    said = json.loads(token.call.params["Message"])
    assert said.pop("ExchangeToken")
    assert said == {
        "RequestId": identifier,
        "RequestorWorkflowId": "workflow-1",
        "State": "FINALIZED",
        "OwnerAccountId": ACCOUNT,
        "UpdatedAt": "2023-11-14T22:13:20.750Z",
        "Type": "ExchangeToken",
        "ExpiresAt": "2023-11-14T23:13:20.000Z",
    }


def test_a_list_has_what_is_owned_in_the_account_page_by_page(plane: Delegating) -> None:
    owned = [plane.brought("ASSIGNED", RequestorWorkflowId=f"workflow-{n}") for n in range(3)]
    plane.asks(RequestorWorkflowId="nobody's", OwnerAccountId=ACCOUNT)
    whole = [one["DelegationRequestId"] for one in plane.call("ListDelegationRequests")["DelegationRequests"]]
    assert set(whole) == set(owned)
    walked, params = [], dict[str, Any](MaxItems=1)
    while True:
        answer = plane.call("ListDelegationRequests", **params)
        walked += [one["DelegationRequestId"] for one in answer["DelegationRequests"]]
        if not answer["isTruncated"]:
            break
        params["Marker"] = answer["Marker"]
    assert walked == whole
    by_owner = plane.call("ListDelegationRequests", OwnerId=f"arn:aws:iam::{ACCOUNT}:root")
    assert len(by_owner["DelegationRequests"]) == 3


@pytest.mark.parametrize(
    ("owner", "code"),
    [
        (arn("user", "nobody"), "NoSuchEntity"),
        (arn("role", "nobody"), "NoSuchEntity"),
        ("arn:aws:s3:::somebody/else", "InvalidInput"),
        ("nobody-of-such-a-name-at-all", "InvalidInput"),
    ],
)
def test_owners_who_are_not_there_own_nothing(plane: Delegating, owner: str, code: str) -> None:
    plane.caller = CUSTOMER
    assert plane.fault("ListDelegationRequests", OwnerId=owner)[0] == code


# --- permission check and summary --------------------------------------------------------------------------------


def permitted(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


OBJECTS = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
ROLES = {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "result"),
    [
        ((), "DENIED"),
        ((OBJECTS,), "DENIED"),
        ((OBJECTS, ROLES), "ALLOWED"),
        (({"Effect": "Allow", "Action": "*", "Resource": "*"},), "ALLOWED"),
        (({**OBJECTS, "Resource": "arn:aws:s3:::one/*"}, ROLES), "UNSURE"),
        ((OBJECTS, {**ROLES, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}), "UNSURE"),
        ((OBJECTS, ROLES, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::two/*"}), "UNSURE"),
        (({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},), "UNSURE"),
    ],
)
def test_the_permission_check_says_what_it_can_be_sure_of(
    plane: Delegating, statements: tuple[dict[str, Any], ...], result: str
) -> None:
    identifier = plane.asks()
    plane.user("ann")
    if statements:
        plane.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=permitted(*statements))
    plane.become("ann")
    answer = plane.call("GetDelegationRequest", DelegationRequestId=identifier, DelegationPermissionCheck=True)
    assert (answer["PermissionCheckStatus"], answer["PermissionCheckResult"]) == ("COMPLETE", result)


def test_a_policy_that_cannot_be_read_gives_no_permission_to_delegate(plane: Delegating) -> None:
    identifier = plane.asks()
    plane.user("ann")
    ann = plane.state.get(User, ACCOUNT, "ann")
    assert ann is not None
    plane.state = change(plane.state, [put(structs.replace(ann, inline={"p": "{"}))])
    plane.become("ann")
    answer = plane.call("GetDelegationRequest", DelegationRequestId=identifier, DelegationPermissionCheck=True)
    assert answer["PermissionCheckResult"] == "DENIED"


def test_scps_limit_what_can_be_delegated(plane: Delegating) -> None:
    identifier = plane.asks()
    plane.user("ann")
    plane.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=permitted(OBJECTS, ROLES))
    denying = scp("p-x", {"Effect": "Deny", "Action": "iam:*", "Resource": "*"})
    entities = (*tree(), denying, member(policies=("p-FullAWSAccess", "p-x")))
    plane.state = change(plane.state, [put(entity) for entity in entities])
    plane.become("ann")
    answer = plane.call("GetDelegationRequest", DelegationRequestId=identifier, DelegationPermissionCheck=True)
    assert answer["PermissionCheckResult"] == "DENIED"


def test_a_summary_says_what_the_policy_says(plane: Delegating) -> None:
    entity = arn("delegation-request", plane.asks())
    answer = plane.call("GetHumanReadableSummary", EntityArn=entity)
    assert (answer["SummaryState"], answer["Locale"]) == ("AVAILABLE", "en")
    assert answer["SummaryContent"].splitlines() == [
        "Example Product asks for temporary access to your account for 1 hour.",
        "It would be allowed to perform s3:GetObject on arn:aws:s3:::one/data/* and arn:aws:s3:::two/data/*.",
        (
            f"It would be allowed to perform iam:CreateRole on {arn('role', 'product')}, "
            f"where StringEquals holds of iam:PermissionsBoundary and {arn('policy', 'limits')}."
        ),
        f"Roles that it makes are bounded by arn:aws:iam::{ACCOUNT}:policy/limits, and stay when the access has ended.",
        "It gets no permission that whoever approves this request does not have.",
    ]


@pytest.mark.parametrize(
    ("locale", "state"),
    [("en", "AVAILABLE"), ("en-US", "AVAILABLE"), ("de", "NOT_SUPPORTED"), ("ja_JP", "NOT_SUPPORTED")],
)
def test_a_summary_is_in_english_or_not_at_all(plane: Delegating, locale: str, state: str) -> None:
    answer = plane.call("GetHumanReadableSummary", EntityArn=arn("delegation-request", plane.asks()), Locale=locale)
    assert (answer["SummaryState"], "SummaryContent" in answer) == (state, state == "AVAILABLE")


@pytest.mark.parametrize(
    ("entity", "more", "code"),
    [
        (arn("role", "somebody"), {}, "InvalidInput"),
        (arn("delegation-request", "00000000-0000-4000-8000-000000000000"), {}, "NoSuchEntity"),
        ("", {"Locale": "xx"}, "InvalidInput"),
        ("", {"Locale": "English"}, "InvalidInput"),
    ],
)
def test_what_cannot_be_summarized(plane: Delegating, entity: str, more: dict[str, str], code: str) -> None:
    entity = entity or arn("delegation-request", plane.asks())
    assert plane.fault("GetHumanReadableSummary", EntityArn=entity, **more)[0] == code


def test_a_summary_is_not_had_under_the_arn_of_another_account(plane: Delegating) -> None:
    identifier = plane.asks(OwnerAccountId=ACCOUNT)
    plane.caller = PROVIDER
    for account in (ACCOUNT, OTHER):
        entity = arn("delegation-request", identifier, account)
        assert plane.fault("GetHumanReadableSummary", EntityArn=entity)[0] == "NoSuchEntity"


# --- role templates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["GetRoleTemplateVersion", "AcquireRole"])
@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("arn:aws:iam::aws:role-template/lambda.amazonaws.com/Basic:1", "NoSuchEntity"),
        (arn("role-template", "mine"), "InvalidInput"),
    ],
)
def test_there_are_no_role_templates(plane: Delegating, operation: str, template: str, code: str) -> None:
    assert plane.fault(operation, TemplateArn=template)[0] == code


# --- storage -----------------------------------------------------------------------------------------------------


def test_an_accepted_request_is_read_back_as_it_was_written(plane: Delegating) -> None:
    plane.brought("ACCEPTED")
    (request,) = plane.state.table(DelegationRequest, OTHER).values()
    assert request.approver is not None
    assert decode(encode([put(request)])) == [put(request)]
