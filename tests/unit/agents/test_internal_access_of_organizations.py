"""Analyzers of internal access with an organization: as the zone of trust, and about the account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.inprocess import InProcess
from support.organized_sets import Organized
from support.plane import allow, document, fresh, refused
from unit.agents.test_internal_access import (
    ACCOUNT_TYPE,
    BUCKETS,
    READ,
    TRUST,
    Analyzed,
    bucket,
    configured,
    details,
    role,
    statement,
)

ORGANIZATION_TYPE: Final = "ORGANIZATION_INTERNAL_ACCESS"
FAR: Final[dict[str, Any]] = {"principal.AWS": {"contains": [":role/far"]}}


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


class Organization:
    """An organization with two members, of which one has a bucket."""

    def __init__(self, plane: InProcess) -> None:
        self.made = Organized(plane)
        self.unit = self.made.unit("work")
        self.owner, self.other = self.made.member("owner", self.unit), self.made.member("other", self.unit)
        self.owns, self.others = self.made.key(self.owner), self.made.key(self.other)
        self.made.client.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")

    def control(self, kind: str, *statements: dict[str, Any]) -> str:
        """The id of a control policy that is attached to the unit."""
        client = self.made.client
        client.enable_policy_type(RootId=self.made.root, PolicyType=kind)
        name = fresh("control")
        made = client.create_policy(Name=name, Type=kind, Description=name, Content=document(*statements))
        identifier: str = made["Policy"]["PolicySummary"]["Id"]
        client.attach_policy(PolicyId=identifier, TargetId=self.unit)
        return identifier


def test_an_organization_is_analyzed_with_its_control_policies(plane: InProcess) -> None:
    here = Organization(plane)
    arn = bucket(plane, statement({"AWS": here.other}, "s3:*"), of=here.owns)
    role(plane, "near", allow([READ, "s3:PutObject"]), of=here.owns)
    far = role(plane, "far", allow([READ, "s3:PutObject", "s3:DeleteObject"]), of=here.others)
    analyzer = Analyzed(plane, {"accountIds": [here.owner], **BUCKETS}, kind=ORGANIZATION_TYPE)
    assert analyzer.who(arn)["far"] == {READ, "s3:PutObject", "s3:DeleteObject"}
    assert analyzer.who(arn)["near"] == {READ, "s3:PutObject"}
    (found,) = [details(it) for it in analyzer.findings(arn) if details(it)["principal"]["AWS"] == far]
    assert (found["accessType"], found["principalOwnerAccount"]) == ("INTRA_ORG", here.other)
    told = found["serviceControlPolicyRestriction"], found["resourceControlPolicyRestriction"]
    assert told == ("NOT_APPLICABLE", "NOT_APPLICABLE")
    control = here.control("SERVICE_CONTROL_POLICY", {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"})
    analyzer.look()
    assert (analyzer.who(arn)["far"], analyzer.who(arn)["near"]) == ({READ, "s3:DeleteObject"}, {READ})
    every = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}
    here.control("RESOURCE_CONTROL_POLICY", every)
    analyzer.look()
    (found,) = [details(it) for it in analyzer.findings(arn, **FAR) if it["status"] == "ACTIVE"]
    assert (found["action"], found["serviceControlPolicyRestriction"]) == ([READ], "APPLIED")
    assert found["resourceControlPolicyRestriction"] == "APPLIED"
    here.made.client.detach_policy(PolicyId=control, TargetId=here.unit)
    analyzer.look()
    assert analyzer.who(arn)["far"] == {READ, "s3:PutObject"}


def test_a_move_in_the_organization_and_out_of_it_is_seen(plane: InProcess) -> None:
    here = Organization(plane)
    arn = bucket(plane, statement({"AWS": here.other}, "s3:*"), of=here.owns)
    role(plane, "far", allow([READ, "s3:PutObject"]), of=here.others)
    here.control("SERVICE_CONTROL_POLICY", {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"})
    analyzer = Analyzed(plane, {"accountIds": [here.owner], **BUCKETS}, kind=ORGANIZATION_TYPE)
    assert analyzer.who(arn)["far"] == {READ}
    here.made.move(here.other, here.made.root)
    analyzer.look()
    assert analyzer.who(arn)["far"] == {READ, "s3:PutObject"}
    here.made.client.remove_account_from_organization(AccountId=here.other)
    analyzer.look()
    assert "far" not in analyzer.who(arn)
    before = analyzer.who(arn)
    here.made.client.disable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    plane.client("iam", here.owns).create_role(RoleName="unseen", AssumeRolePolicyDocument=TRUST)
    analyzer.look()
    assert refused(lambda: analyzer.who(arn)).code == "ValidationException"
    here.made.client.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    assert analyzer.who(arn) == before


def test_an_analyzer_of_an_organization_is_made_by_who_administers_it_and_there_is_one(plane: InProcess) -> None:
    here = Organization(plane)
    included = configured({"accountIds": [here.owner], **BUCKETS})
    wanted = {"analyzerName": "all", "type": ORGANIZATION_TYPE, "configuration": included}
    member = plane.client("accessanalyzer", here.others)
    assert refused(member.create_analyzer, **wanted).code == "AccessDeniedException"
    register = here.made.client.register_delegated_administrator
    register(AccountId=here.other, ServicePrincipal="access-analyzer.amazonaws.com")
    made = member.create_analyzer(**wanted)["arn"]
    arn = bucket(plane, of=here.owns)
    role(plane, "near", allow(READ), of=here.owns)
    plane.analyze()
    about = {"resource": {"eq": [arn]}, "principal.AWS": {"contains": ["/near"]}}
    listed = member.list_findings_v2(analyzerArn=made, filter=about)["findings"]
    assert [(it["resource"], it["resourceOwnerAccount"]) for it in listed] == [(arn, here.owner)]
    refusal = refused(plane.client("accessanalyzer").create_analyzer, **wanted)
    assert refusal.code == "ServiceQuotaExceededException"
    elsewhere = plane.client("accessanalyzer", region="eu-west-1")
    assert elsewhere.create_analyzer(**wanted)["arn"].startswith("arn:aws:access-analyzer:eu-west-1:")


def test_with_the_account_as_zone_control_policies_are_told_and_take_nothing(plane: InProcess) -> None:
    """API Reference: "s3:DeleteObject would still be included in the list of actions for the finding"."""
    here = Organization(plane)
    arn = bucket(plane, of=here.owns)
    role(plane, "near", allow([READ, "s3:DeleteObject"]), of=here.owns)
    here.control("SERVICE_CONTROL_POLICY", {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"})
    client = plane.client("accessanalyzer", here.owns)
    wanted = configured({"resourceArns": [arn]})
    made = client.create_analyzer(analyzerName="own", type=ACCOUNT_TYPE, configuration=wanted)["arn"]
    plane.analyze()
    listed = client.list_findings_v2(analyzerArn=made, filter={"principal.AWS": {"contains": ["/near"]}})["findings"]
    (found,) = [details(client.get_finding_v2(analyzerArn=made, id=it["id"])) for it in listed]
    assert found["action"] == ["s3:DeleteObject", READ]
    told = found["serviceControlPolicyRestriction"], found["resourceControlPolicyRestriction"]
    assert told == ("APPLICABLE", "NOT_APPLICABLE")
