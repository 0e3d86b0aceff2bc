"""Attacks on analyzers: to have access from outside overlooked, forgotten, or told twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.agents.analyzers import external, resources, scanning
from locum.analysis import proofs
from locum.core.errors import Fault
from locum.policy import PolicyKind
from locum.state.analyzers import AccessFinding, Analyzer
from support.inprocess import InProcess
from support.plane import document, fresh, refused
from support.trails import ACCOUNT
from unit.agents.test_analyzers import AWAY, Analyzed, bucket, statement


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def breaking(monkeypatch: pytest.MonkeyPatch, needle: str) -> None:
    """Have the analysis break where a policy has a text."""
    access = external._access

    def breaks(kind: str, text: str, *others: Any) -> Any:
        if needle in text:
            raise KeyError(kind)
        return access(kind, text, *others)

    monkeypatch.setattr(external, "_access", breaks)


def test_attack_the_policy_of_a_repository_stops_no_analyzer(plane: InProcess) -> None:
    """A type of resource that the analysis did not know ended it for everybody."""
    ecr, name = plane.client("ecr"), fresh("shared")
    arn = ecr.create_repository(repositoryName=name)["repository"]["repositoryArn"]
    analyzer = Analyzed(plane)
    policy = document({"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"})
    ecr.set_repository_policy(repositoryName=name, policyText=policy)
    public = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer.look()
    (found,) = analyzer.findings(arn)
    assert (found["action"], found["isPublic"], found["status"]) == (["ecr:BatchGetImage"], True, "ACTIVE")
    assert analyzer.status(public) == ["ACTIVE"]


@pytest.mark.parametrize("kind", [*(kind.type for kind in resources.KINDS), proofs.TRUST_POLICY])
def test_the_policies_of_every_kind_that_is_looked_at_can_be_analyzed(kind: str) -> None:
    text = document(statement("*", "*", "*"))
    if kind == proofs.TRUST_POLICY:
        text = document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
    read = proofs.read_policy(text, PolicyKind.TRUST if kind == proofs.TRUST_POLICY else PolicyKind.RESOURCE)
    found = proofs.external_access(read, kind, proofs.Zone(frozenset({ACCOUNT})))
    assert [(it.principal, it.public) for it in found] == [({"AWS": "*"}, True)]


def test_attack_a_resource_that_breaks_the_analysis_hides_no_other(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(monkeypatch, "s3:GetObjectTagging")
    broken = bucket(plane, statement("*", "s3:GetObjectTagging", "{}"))
    public = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer = Analyzed(plane)
    assert [(it["status"], it["error"]) for it in analyzer.findings(broken)] == [("ACTIVE", "INTERNAL_ERROR")]
    assert analyzer.status(public) == ["ACTIVE"]


def test_attack_a_policy_that_cannot_be_analyzed_takes_no_finding_back(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes a public policy too hard to analyze has not made it any less public."""
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer = Analyzed(plane)
    breaking(monkeypatch, "s3:GetObjectTagging")
    hard = document(statement("*", ["s3:GetObject", "s3:GetObjectTagging"], f"{arn}/*"))  # type: ignore[arg-type]
    plane.client("s3").put_bucket_policy(Bucket=arn.rpartition(":")[2], Policy=hard)
    analyzer.look()
    found = [(it["status"], it["isPublic"], it.get("error", "")) for it in analyzer.findings(arn)]
    assert sorted(found) == [("ACTIVE", False, "INTERNAL_ERROR"), ("ACTIVE", True, "")]
    told = analyzer.client.get_analyzed_resource(analyzerArn=analyzer.arn, resourceArn=arn)["resource"]
    assert (told["isPublic"], told["actions"], told["error"]) == (True, ["s3:GetObject"], "INTERNAL_ERROR")
    plane.client("s3").delete_bucket_policy(Bucket=arn.rpartition(":")[2])
    analyzer.look()
    assert analyzer.status(arn) == ["RESOLVED", "RESOLVED"]


def test_attack_a_service_that_fails_hides_no_resources_of_others(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be listed is looked at an hour later, and not for ever at once."""
    kms, clock, listed = plane.client("kms"), plane.node.runtime.clock, resources._listed

    def failing(make: Any, role: Any, kind: resources.Kind, region: str) -> Any:
        if kind.service == "kms":
            raise Fault("InternalFailure", "The service fails.", 500)
        return listed(make, role, kind, region)

    arn = kms.create_key()["KeyMetadata"]["Arn"]
    policy = document({"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"})
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy)
    public = bucket(plane, statement("*", "s3:GetObject", "{}"))
    monkeypatch.setattr(resources, "_listed", failing)
    analyzer = Analyzed(plane)
    assert (analyzer.status(public), analyzer.status(arn)) == (["ACTIVE"], [])
    monkeypatch.setattr(resources, "_listed", listed)
    analyzer.look()
    assert analyzer.status(arn) == []
    clock.move(clock.ahead + 3601)
    analyzer.look()
    assert analyzer.status(arn) == ["ACTIVE"]


def test_attack_a_scan_of_another_name_of_a_bucket_finds_nothing_more(plane: InProcess) -> None:
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer = Analyzed(plane)
    scan, before = analyzer.client.start_resource_scan, analyzer.findings()
    other = arn.replace("arn:aws:", "arn:aws-cn:")
    assert refused(scan, analyzerArn=analyzer.arn, resourceArn=other).code == "ValidationException"
    scan(analyzerArn=analyzer.arn, resourceArn=arn.replace("s3:::", "s3:us-east-1::"))
    analyzer.look()
    assert {it["resource"] for it in analyzer.findings()} == {it["resource"] for it in before}


@pytest.mark.parametrize("place", [f"eu-west-1:{ACCOUNT}", f"us-east-1:{AWAY}"])
def test_a_scan_is_of_resources_of_the_region_and_account_of_its_analyzer(plane: InProcess, place: str) -> None:
    analyzer = Analyzed(plane)
    arn = f"arn:aws:sqs:{place}:somewhere"
    refusal = refused(analyzer.client.start_resource_scan, analyzerArn=analyzer.arn, resourceArn=arn)
    assert refusal.code == "ResourceNotFoundException"


def test_attack_scans_of_what_is_not_analyzed_do_not_pile_up(plane: InProcess) -> None:
    analyzer = Analyzed(plane)
    for number in range(3):
        arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:job/{number}"
        analyzer.client.start_resource_scan(analyzerArn=analyzer.arn, resourceArn=arn)
    analyzer.look()
    (kept,) = plane.node.runtime.ledger.state.every(Analyzer)
    assert kept.asked == ()


def test_what_was_analyzed_before_an_interruption_is_kept(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """The findings about many resources are committed in parts, none of which takes long."""
    monkeypatch.setattr(scanning, "_AT_ONCE", 2)
    shared = {bucket(plane, statement("*", "s3:GetObject", "{}")) for _ in range(5)}
    analyzed, seen = external.analyzed, 0

    async def killed(*given: Any) -> Any:
        nonlocal seen
        seen += given[2].arn in shared
        if seen >= 4:
            raise OSError("killed")
        return await analyzed(*given)

    monkeypatch.setattr(external, "analyzed", killed)
    with pytest.raises(OSError, match="killed"):
        Analyzed(plane)
    kept = {it.resource for it in plane.node.runtime.ledger.state.every(AccessFinding)} & shared
    assert 2 <= len(kept) < 5
    monkeypatch.setattr(external, "analyzed", analyzed)
    plane.analyze()
    found = plane.node.runtime.ledger.state.every(AccessFinding)
    assert shared <= {it.resource for it in found}


def test_attack_changes_of_a_resource_do_not_have_its_policy_analyzed_again(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large policy takes seconds, for which all others wait; tags can be changed at any rate."""
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer, prove, proven = Analyzed(plane), proofs.external_access, list[str]()

    def counted(document: Any, kind: str, zone: proofs.Zone) -> Any:
        proven.append(kind)
        return prove(document, kind, zone)

    monkeypatch.setattr(proofs, "external_access", counted)
    s3, name = plane.client("s3"), arn.rpartition(":")[2]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    analyzer.look()
    assert (proven, analyzer.status(arn)) == ([], ["ACTIVE"])
    other = document(statement("*", "s3:GetObjectAcl", f"{arn}/*"))
    s3.put_bucket_policy(Bucket=name, Policy=other)
    analyzer.look()
    assert proven == ["AWS::S3::Bucket"]


def test_analyzers_of_one_name_in_two_regions_tell_of_their_own_resources(plane: InProcess) -> None:
    sqs, name = plane.client("sqs", region="eu-west-1"), fresh("shared")
    url, arn = sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}"
    anyone = document({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": anyone})
    other = plane.client("accessanalyzer", region="eu-west-1")
    there = other.create_analyzer(analyzerName="external", type="ACCOUNT")["arn"]
    plane.analyze()
    own = Analyzed(plane)
    assert own.findings(arn) == []
    assert [it["resource"] for it in other.list_findings(analyzerArn=there)["findings"]] == [arn]
