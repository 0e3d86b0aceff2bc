from __future__ import annotations

import json
import re
from typing import Any

import pytest

from locum.services.organizations import documents, limits
from locum.state.organization import FULL_ACCESS, RCP_FULL_ACCESS
from support.organizations_plane import DENIES, MANAGEMENT, RCP, RCP_DENIES, SCP, TAG, Organizations

MISSING = "p-missing000"
LAST = (
    "You cannot remove the last policy attached to the specified target. You must have at least one attached at all "
    "times."
)
TAGS = '{"tags":{"cost":{"tag_key":{"@@assign":"Cost"}}}}'


def test_a_policy_is_made_changed_and_deleted(org: Organizations) -> None:
    params = {"Name": "deny", "Description": "No S3", "Type": SCP, "Content": DENIES}
    made = org.call("CreatePolicy", **params)["Policy"]
    identifier = made["PolicySummary"]["Id"]
    assert re.fullmatch(r"p-[a-z0-9]{10}", identifier)
    base = f"arn:aws:organizations::{MANAGEMENT}:policy/{org.organization}"
    summary = {
        "Id": identifier,
        "Arn": f"{base}/service_control_policy/{identifier}",
        "Name": "deny",
        "Description": "No S3",
        "Type": SCP,
        "AwsManaged": False,
    }
    assert made == {"PolicySummary": summary, "Content": DENIES}
    assert org.call("DescribePolicy", PolicyId=identifier)["Policy"] == made
    changed = org.call("UpdatePolicy", PolicyId=identifier, Name="still", Description="")["Policy"]
    assert changed == {"PolicySummary": {**summary, "Name": "still", "Description": ""}, "Content": DENIES}
    content = DENIES.replace("s3:*", "sqs:*")
    assert org.call("UpdatePolicy", PolicyId=identifier, Content=content)["Policy"]["Content"] == content
    org.call("DeletePolicy", PolicyId=identifier)
    assert org.refused("DescribePolicy", PolicyId=identifier)[::2] == (
        "PolicyNotFound",
        "You specified a policy that doesn't exist.",
    )


@pytest.mark.parametrize(("kind", "identifier"), [(SCP, FULL_ACCESS), (RCP, RCP_FULL_ACCESS)])
def test_awss_own_policies_are_there_and_stay_as_they_are(org: Organizations, kind: str, identifier: str) -> None:
    (summary,) = org.call("ListPolicies", Filter=kind)["Policies"]
    assert summary["Arn"] == f"arn:aws:organizations::aws:policy/{kind.lower()}/{identifier}"
    assert summary["AwsManaged"] is True
    assert json.loads(org.call("DescribePolicy", PolicyId=identifier)["Policy"]["Content"])["Version"] == "2012-10-17"
    for operation in ("UpdatePolicy", "DeletePolicy"):
        assert org.refused(operation, PolicyId=identifier)[:2] == ("InvalidInput", "IMMUTABLE_POLICY")


MALFORMED: list[tuple[str, str]] = [
    (SCP, "{"),
    (SCP, "[]"),
    (SCP, DENIES.replace("Deny", "deny")),
    (SCP, DENIES.replace('"Effect"', '"Principal":"*","Effect"')),
    (SCP, DENIES.replace("2012-10-17", "2008-10-17")),
    (RCP, DENIES),
    (RCP, RCP_DENIES.replace("Deny", "Allow")),
    (RCP, RCP_DENIES.replace("s3:*", "*")),
    (RCP, RCP_DENIES.replace('"Action"', '"NotAction"')),
    (RCP, RCP_DENIES.replace('"Principal":"*"', f'"Principal":{{"AWS":"{MANAGEMENT}"}}')),
    (TAG, "{}"),
    (TAG, '{"plans":{}}'),
    (TAG, '{"tags":{},"tags":{}}'),
    ("BACKUP_POLICY", TAGS),
    ("GUARDDUTY_POLICY", "{}"),
]


@pytest.mark.parametrize(("kind", "content"), MALFORMED)
def test_a_malformed_document_is_refused_when_it_is_written(org: Organizations, kind: str, content: str) -> None:
    params = {"Name": "n", "Description": "", "Type": kind, "Content": content}
    assert org.refused("CreatePolicy", **params)[::2] == (
        "MalformedPolicyDocument",
        "The provided policy document does not meet the requirements of the specified policy type.",
    )
    fit = {SCP: DENIES, RCP: RCP_DENIES, TAG: TAGS, "BACKUP_POLICY": '{"plans":{}}'}.get(kind, '{"a":{}}')
    identifier = org.policy("n", kind, fit)
    assert org.refused("UpdatePolicy", PolicyId=identifier, Content=content).code == "MalformedPolicyDocument"


def test_a_policy_may_have_so_many_characters_white_space_too(org: Organizations) -> None:
    identifier = org.policy(content=DENIES.ljust(limits.SERVICE_CONTROL.size))
    content = DENIES.ljust(limits.SERVICE_CONTROL.size + 1)
    refused = org.refused("UpdatePolicy", PolicyId=identifier, Content=content)
    expected = ("ConstraintViolation", "POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size.")
    assert refused == expected


def test_a_name_is_taken_within_a_type(org: Organizations) -> None:
    org.policy("one")
    org.policy("one", RCP, RCP_DENIES)
    other = org.policy("two")
    expected = ("DuplicatePolicy", "A policy with the specified name and type already exists.")
    assert org.refused("UpdatePolicy", PolicyId=other, Name="one")[::2] == expected
    for name in ("one", "FullAWSAccess"):
        params = {"Name": name, "Description": "", "Type": SCP, "Content": DENIES}
        assert org.refused("CreatePolicy", **params)[::2] == expected


def test_there_are_so_many_policies_of_a_type(org: Organizations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(documents.TYPES, SCP, documents.PolicyType(limits.PolicyQuota(1, 5, 5120)))
    org.policy()
    refused = org.refused("CreatePolicy", Name="n", Description="", Type=SCP, Content=DENIES)
    assert refused[:2] == ("ConstraintViolation", "POLICY_NUMBER_LIMIT_EXCEEDED")


def test_policies_take_all_features() -> None:
    plane = Organizations(features="CONSOLIDATED_BILLING")
    refused = plane.refused("CreatePolicy", Name="n", Description="", Type=SCP, Content=DENIES)
    assert refused.code == "PolicyTypeNotAvailableForOrganization"
    refused = plane.refused("EnablePolicyType", RootId=plane.root, PolicyType=SCP)
    assert refused.code == "PolicyTypeNotAvailableForOrganization"


# --- attachments ---


def test_what_allows_everything_is_everywhere_once_its_type_is_enabled(org: Organizations) -> None:
    unit, account = org.unit(), org.member()
    everywhere = [org.root, unit, account, MANAGEMENT]
    assert [org.attached(target) for target in everywhere] == [[], [], [], []]
    org.enable(SCP, RCP)
    later = [org.unit("later"), org.member("later")]
    for target in everywhere + later:
        assert org.attached(target) == [FULL_ACCESS]
        assert org.attached(target, RCP) == [RCP_FULL_ACCESS]
    for policy in (FULL_ACCESS, RCP_FULL_ACCESS):
        targets = org.call("ListTargetsForPolicy", PolicyId=policy)["Targets"]
        assert {target["TargetId"] for target in targets} == {*everywhere, *later}
    (shown,) = (target for target in targets if target["Type"] == "ROOT")
    assert shown == {
        "TargetId": org.root,
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:root/{org.organization}/{org.root}",
        "Name": "Root",
        "Type": "ROOT",
    }


def test_a_policy_is_attached_and_detached(org: Organizations) -> None:
    org.enable(SCP)
    policy, unit = org.policy(), org.unit()
    org.call("AttachPolicy", PolicyId=policy, TargetId=unit)
    assert org.attached(unit) == sorted((FULL_ACCESS, policy))
    (target,) = org.call("ListTargetsForPolicy", PolicyId=policy)["Targets"]
    assert (target["TargetId"], target["Type"], target["Name"]) == (unit, "ORGANIZATIONAL_UNIT", "apps")
    assert org.refused("DeletePolicy", PolicyId=policy).code == "PolicyInUse"
    assert org.refused("AttachPolicy", PolicyId=policy, TargetId=unit).code == "DuplicatePolicyAttachment"
    org.call("DetachPolicy", PolicyId=policy, TargetId=unit)
    assert org.refused("DetachPolicy", PolicyId=policy, TargetId=unit).code == "PolicyNotAttached"
    org.call("DeletePolicy", PolicyId=policy)


def test_the_last_service_control_policy_of_a_target_stays(org: Organizations) -> None:
    org.enable(SCP)
    policy = org.policy()
    assert org.refused("DetachPolicy", PolicyId=FULL_ACCESS, TargetId=org.root) == (
        "ConstraintViolation",
        "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        LAST,
    )
    org.call("AttachPolicy", PolicyId=policy, TargetId=org.root)
    org.call("DetachPolicy", PolicyId=FULL_ACCESS, TargetId=org.root)
    assert org.attached(org.root) == [policy]
    refused = org.refused("DetachPolicy", PolicyId=policy, TargetId=org.root)
    assert refused.reason == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


def test_awss_resource_control_policy_is_never_detached(org: Organizations) -> None:
    org.enable(RCP)
    policy = org.policy(kind=RCP, content=RCP_DENIES)
    org.call("AttachPolicy", PolicyId=policy, TargetId=org.root)
    refused = org.refused("DetachPolicy", PolicyId=RCP_FULL_ACCESS, TargetId=org.root)
    assert refused[:2] == ("InvalidInput", "NON_DETACHABLE_POLICY")
    assert org.refused("AttachPolicy", PolicyId=RCP_FULL_ACCESS, TargetId=org.root).code == "DuplicatePolicyAttachment"
    org.call("DetachPolicy", PolicyId=policy, TargetId=org.root)


@pytest.mark.parametrize(("kind", "content", "own"), [(SCP, DENIES, 4), (RCP, RCP_DENIES, 4), (TAG, TAGS, 10)])
def test_so_many_policies_of_a_type_are_attached_to_one_target(
    org: Organizations, kind: str, content: str, own: int
) -> None:
    org.enable(kind)
    policies = [org.policy(f"p{number}", kind, content) for number in range(own + 1)]
    for policy in policies[:-1]:
        org.call("AttachPolicy", PolicyId=policy, TargetId=org.root)
    assert org.refused("AttachPolicy", PolicyId=policies[-1], TargetId=org.root) == (
        "ConstraintViolation",
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        "You have attached the maximum number of policies to the specified target.",
    )


def test_a_disabled_type_loses_its_attachments(org: Organizations) -> None:
    org.enable(SCP, TAG)
    scp, tag, account = org.policy(), org.policy("t", TAG, TAGS), org.member()
    for target in (org.root, account):
        for policy in (scp, tag):
            org.call("AttachPolicy", PolicyId=policy, TargetId=target)
        org.call("DetachPolicy", PolicyId=FULL_ACCESS, TargetId=target)
    root = org.call("DisablePolicyType", RootId=org.root, PolicyType=SCP)["Root"]
    assert root["PolicyTypes"] == [{"Type": TAG, "Status": "ENABLED"}]
    assert org.attached(account) == []
    assert org.call("ListTargetsForPolicy", PolicyId=scp)["Targets"] == []
    org.call("DeletePolicy", PolicyId=scp)
    org.enable(SCP)
    for target in (org.root, account):
        assert org.attached(target) == [FULL_ACCESS]
        assert org.attached(target, TAG) == [tag]


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("AttachPolicy", {"PolicyId": MISSING, "TargetId": "root"}, "PolicyNotFound"),
    ("AttachPolicy", {"PolicyId": FULL_ACCESS, "TargetId": "999900001111"}, "TargetNotFound"),
    ("AttachPolicy", {"PolicyId": RCP_FULL_ACCESS, "TargetId": "root"}, "PolicyTypeNotEnabled"),
    ("DetachPolicy", {"PolicyId": MISSING, "TargetId": "root"}, "PolicyNotFound"),
    ("DetachPolicy", {"PolicyId": FULL_ACCESS, "TargetId": "ou-zzzz-zzzzzzzz"}, "TargetNotFound"),
    ("UpdatePolicy", {"PolicyId": MISSING}, "PolicyNotFound"),
    ("DeletePolicy", {"PolicyId": MISSING}, "PolicyNotFound"),
    ("ListTargetsForPolicy", {"PolicyId": MISSING}, "PolicyNotFound"),
    ("ListPoliciesForTarget", {"TargetId": "r-zzzz", "Filter": SCP}, "TargetNotFound"),
    ("EnablePolicyType", {"RootId": "r-zzzz", "PolicyType": TAG}, "RootNotFound"),
    ("EnablePolicyType", {"RootId": "root", "PolicyType": SCP}, "PolicyTypeAlreadyEnabled"),
    ("DisablePolicyType", {"RootId": "r-zzzz", "PolicyType": SCP}, "RootNotFound"),
    ("DisablePolicyType", {"RootId": "root", "PolicyType": TAG}, "PolicyTypeNotEnabled"),
]


@pytest.mark.parametrize(("operation", "params", "code"), REFUSED)
def test_what_is_not_there_or_not_enabled_is_refused(
    org: Organizations, operation: str, params: dict[str, str], code: str
) -> None:
    org.enable(SCP)
    given = {name: org.root if value == "root" else value for name, value in params.items()}
    assert org.refused(operation, **given).code == code


# --- effective policies ---


def tag_policy(**operators: Any) -> str:
    return json.dumps({"tags": {"cost": {"tag_value": {f"@@{name}": value for name, value in operators.items()}}}})


EFFECTIVE: list[tuple[list[str], list[str]]] = [
    ([tag_policy(assign=["a"])], ["a"]),
    ([tag_policy(assign=["a"]), tag_policy(assign=["b"])], ["b"]),
    ([tag_policy(assign=["a"]), tag_policy(append=["b", "a"])], ["a", "b"]),
    ([tag_policy(assign=["a", "b"]), tag_policy(remove=["a"])], ["b"]),
    ([tag_policy(assign=["a"], operators_allowed_for_child_policies=["@@none"]), tag_policy(assign=["b"])], ["a"]),
    (
        [tag_policy(assign=["a"], operators_allowed_for_child_policies=["@@append"]), tag_policy(append=["b"])],
        ["a", "b"],
    ),
    (
        [tag_policy(assign=["a"], operators_allowed_for_child_policies=["@@append"]), tag_policy(assign=["b"])],
        ["a"],
    ),
    (
        [
            '{"tags":{"cost":{"@@operators_allowed_for_child_policies":["@@none"],"tag_value":{"@@assign":["a"]}}}}',
            tag_policy(append=["b"]),
        ],
        ["a"],
    ),
]


@pytest.mark.parametrize(("contents", "expected"), EFFECTIVE)
def test_tag_policies_add_up_on_the_way_down(org: Organizations, contents: list[str], expected: list[str]) -> None:
    org.enable(TAG)
    account = org.member()
    for content, target in zip(contents, (org.root, account), strict=False):
        policy = org.policy(f"at {target}", TAG, content)
        org.call("AttachPolicy", PolicyId=policy, TargetId=target)
    answer = org.call("DescribeEffectivePolicy", PolicyType=TAG, TargetId=account)["EffectivePolicy"]
    assert json.loads(answer["PolicyContent"]) == {"tags": {"cost": {"tag_value": expected}}}
    assert (answer["TargetId"], answer["PolicyType"]) == (account, TAG)
    assert org.as_account(account).call("DescribeEffectivePolicy", PolicyType=TAG)["EffectivePolicy"] == answer
    assert org.refused("DescribeEffectivePolicy", PolicyType=TAG, TargetId=MANAGEMENT).code == "AccessDenied"


def test_without_a_policy_there_is_no_effective_one(org: Organizations) -> None:
    assert org.refused("DescribeEffectivePolicy", PolicyType=TAG).code == "EffectivePolicyNotFound"
    assert org.refused("DescribeEffectivePolicy", PolicyType=TAG, TargetId="999900001111").code == "TargetNotFound"
