"""Attacks on analyzers of unused access: to hide what is not used, to have used access told, to look elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.agents.analyzers import scanning
from locum.agents.analyzers import unused as analysis
from locum.services.accessanalyzer.zones import SERVICE
from locum.state.analyzers import AccessFinding
from support.inprocess import InProcess, Key
from support.organized_sets import Organized
from support.plane import allow, refused
from support.trails import ACCOUNT
from support.unused_access import DAY, Unused

ORGANIZATION = "ORGANIZATION_UNUSED_ACCESS"
BRIEF: Any = {"unusedAccess": {"unusedAccessAge": 1}}


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


@pytest.fixture
def unused(plane: InProcess) -> Unused:
    return Unused(plane)


def member(plane: InProcess, organized: Organized, name: str) -> tuple[str, Key]:
    """A new account of an organization, and a key of its root user."""
    account = organized.member(name)
    return account, plane.account(account)


# -- uses and times --------------------------------------------------------------------------------------


def test_attack_a_key_that_was_used_just_before_the_look_is_not_told(unused: Unused, plane: InProcess) -> None:
    key = plane.user("ann", allow("s3:ListAllMyBuckets"))
    plane.user("bob")
    unused.after(2)
    plane.client("s3", key).list_buckets()
    unused.make(configuration=BRIEF)
    assert unused.types(f"arn:aws:iam::{ACCOUNT}:user/ann") == []
    assert unused.types(f"arn:aws:iam::{ACCOUNT}:user/bob") == ["UnusedIAMUserAccessKey"]


def test_attack_a_refused_call_is_a_use_and_one_with_a_wrong_signature_is_none(
    unused: Unused, plane: InProcess
) -> None:
    """User Guide, "last accessed information": all attempts count, not just the successful ones."""
    used, other = plane.user("ann"), plane.user("bob")
    unused.after(2)
    assert refused(plane.client("s3", used).list_buckets).code == "AccessDenied"
    wrong = Key(other.access_key_id, used.secret_access_key)
    assert refused(plane.client("s3", wrong).list_buckets).code == "SignatureDoesNotMatch"
    unused.make(configuration=BRIEF)
    assert unused.types(f"arn:aws:iam::{ACCOUNT}:user/ann") == []
    assert unused.types(f"arn:aws:iam::{ACCOUNT}:user/bob") == ["UnusedIAMUserAccessKey"]


def test_attack_a_clock_that_moves_back_tells_nothing_of_the_future(unused: Unused, plane: InProcess) -> None:
    role = unused.role("idle")
    key = plane.user("ann", allow("s3:ListAllMyBuckets"))
    unused.make().after(91)
    assert unused.types(role) == ["UnusedIAMRole"]
    plane.client("s3", key).list_buckets()
    unused.after(-60)
    assert unused.types(role) == []
    assert unused.types(f"arn:aws:iam::{ACCOUNT}:user/ann") == []  # was used, though not yet
    unused.after(60)
    assert unused.types(role) == ["UnusedIAMRole"]


# -- names and changes -----------------------------------------------------------------------------------


def test_attack_a_role_of_an_old_name_is_another_role(unused: Unused, plane: InProcess) -> None:
    """Neither the finding nor the uses of the one before are its own."""
    role, user = unused.role("app"), plane.user("assumes", allow("sts:AssumeRole"))
    unused.make(configuration=BRIEF).after(2)
    (first,) = unused.findings(role)
    unused.client.update_findings(analyzerArn=unused.arn, ids=[first["id"]], status="ARCHIVED")
    plane.client("sts", unused.session(role, user)).get_caller_identity()
    unused.iam.delete_role(RoleName="app")
    assert unused.role("app") == role
    unused.plane.analyze()
    assert unused.types(role) == []
    unused.after(2)
    (second,) = unused.findings(role)
    assert (second["status"], second["findingDetails"]) == ("ACTIVE", [{"unusedIamRoleDetails": {}}])
    assert second["id"] != first["id"]


def test_what_is_deleted_has_its_findings_resolved(unused: Unused) -> None:
    role = unused.role("idle")
    unused.make(configuration=BRIEF).after(2)
    unused.iam.delete_role(RoleName="idle")
    unused.plane.analyze()
    assert (unused.types(role), len(unused.findings(role, status={"eq": ["RESOLVED"]}))) == ([], 1)


def test_attack_a_role_that_breaks_the_analysis_hides_no_other_and_takes_nothing_back(
    unused: Unused, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other = unused.role("broken"), unused.role("other")
    unused.make(configuration=BRIEF).after(2)
    found = analysis._found

    def breaks(state: Any, analyzer: Any, entity: Any, *more: Any) -> Any:
        if entity.name == "broken":
            raise KeyError(entity.name)
        return found(state, analyzer, entity, *more)

    monkeypatch.setattr(analysis, "_found", breaks)
    late = unused.role("late")
    unused.after(2)
    assert [unused.types(it) for it in (other, late)] == [["UnusedIAMRole"], ["UnusedIAMRole"]]
    told = {(it["findingType"], it.get("error", "")) for it in unused.findings(broken)}
    assert told == {("UnusedIAMRole", ""), ("UnusedPermission", "INTERNAL_ERROR")}
    monkeypatch.setattr(analysis, "_found", found)
    unused.after(1)
    assert unused.types(broken) == ["UnusedIAMRole"]


def test_attack_many_roles_are_looked_at_in_parts_which_an_interruption_keeps(
    unused: Unused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "_AT_ONCE", 5)
    roles = {unused.role(f"idle-{number}") for number in range(12)}
    unused.make(configuration=BRIEF)
    clock, analyzed, seen = unused.plane.node.runtime.clock, analysis.analyzed, list[str]()
    clock.move(clock.ahead + 2 * DAY)

    async def killed(*given: Any) -> Any:
        if len(seen) == 8:
            raise OSError("killed")
        seen.append(given[2].arn)
        return await analyzed(*given)

    monkeypatch.setattr(analysis, "analyzed", killed)
    with pytest.raises(OSError, match="killed"):
        unused.plane.analyze()
    kept = {it.resource for it in unused.plane.node.runtime.ledger.state.every(AccessFinding)}
    assert len(kept & roles) == 5
    monkeypatch.setattr(analysis, "analyzed", analyzed)
    unused.plane.analyze()
    assert {it["resource"] for it in unused.findings()} >= roles


# -- organizations ---------------------------------------------------------------------------------------


def test_an_analyzer_of_an_organization_is_made_by_those_who_may_and_looks_at_all_accounts(
    unused: Unused, plane: InProcess
) -> None:
    create = unused.client.create_analyzer
    refusal = refused(create, analyzerName="unused", type=ORGANIZATION)
    assert (refusal.code, refusal.message) == ("ValidationException", "Service not enabled for AWS Organizations")
    organized = Organized(plane)
    assert refused(create, analyzerName="unused", type=ORGANIZATION).code == "ValidationException"
    organized.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    (account, key), (delegate, security) = (member(plane, organized, it) for it in ("web", "security"))
    refusal = refused(plane.client("accessanalyzer", key).create_analyzer, analyzerName="unused", type=ORGANIZATION)
    assert (refusal.code, refusal.message) == (
        "AccessDeniedException",
        f"Account {account} is not a delegated administrator",
    )
    organized.client.register_delegated_administrator(AccountId=delegate, ServicePrincipal=SERVICE)
    roles = [unused.role("own"), unused.role("away", key=key), unused.role("audit", key=security)]
    unused.make(ORGANIZATION, security, configuration=BRIEF).after(2)
    assert {it["resource"] for it in unused.findings()} >= set(roles)
    (statistics,) = unused.client.get_findings_statistics(analyzerArn=unused.arn)["findingsStatistics"]
    top = statistics["unusedAccessFindingsStatistics"]["topAccounts"]
    assert {it["account"] for it in top} == {ACCOUNT, account, delegate}


def test_accounts_of_an_organization_are_excluded_but_not_the_one_that_has_the_analyzer(
    unused: Unused, plane: InProcess
) -> None:
    organized = Organized(plane)
    organized.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    account, key = member(plane, organized, "web")
    own, away = unused.role("own"), unused.role("away", key=key)
    wanted = {"unusedAccess": {"unusedAccessAge": 1, "analysisRule": {"exclusions": [{"accountIds": [ACCOUNT]}]}}}
    refusal = refused(unused.client.create_analyzer, analyzerName="unused", type=ORGANIZATION, configuration=wanted)
    assert refusal.code == "ValidationException"
    wanted["unusedAccess"]["analysisRule"] = {"exclusions": [{"accountIds": [account]}]}
    unused.make(ORGANIZATION, configuration=wanted).after(2)
    assert (unused.types(own), unused.types(away)) == (["UnusedIAMRole"], [])


def test_attack_an_account_that_leaves_is_no_affair_of_the_organization_any_more(
    unused: Unused, plane: InProcess
) -> None:
    organized = Organized(plane)
    organized.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    account, key = member(plane, organized, "web")
    away = unused.role("away", key=key)
    unused.make(ORGANIZATION, configuration=BRIEF).after(2)
    assert unused.types(away) == ["UnusedIAMRole"]
    organized.client.remove_account_from_organization(AccountId=account)
    unused.after(1)
    assert unused.types(away) == []
    plane.client("iam", key).delete_role(RoleName="away")
    late = unused.role("late", key=key)
    unused.after(3)
    assert unused.types(late) == []


def test_attack_a_delegate_that_is_none_any_more_learns_nothing_new(unused: Unused, plane: InProcess) -> None:
    """What it found before cannot be read, and nothing is looked at: also once trusted access is disabled."""
    organized = Organized(plane)
    organized.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    delegate, key = member(plane, organized, "security")
    organized.client.register_delegated_administrator(AccountId=delegate, ServicePrincipal=SERVICE)
    early = unused.role("early")
    unused.make(ORGANIZATION, key, configuration=BRIEF).after(2)
    organized.client.deregister_delegated_administrator(AccountId=delegate, ServicePrincipal=SERVICE)
    late = unused.role("late")
    unused.after(3)
    assert refused(lambda: unused.types(early)).code == "AccessDeniedException"
    organized.client.disable_aws_service_access(ServicePrincipal=SERVICE)
    unused.after(3)
    assert refused(lambda: unused.types(early)).code == "ValidationException"
    organized.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    organized.client.register_delegated_administrator(AccountId=delegate, ServicePrincipal=SERVICE)
    assert (unused.types(early), unused.types(late)) == (["UnusedIAMRole"], [])


def test_attack_another_account_reads_and_asks_nothing_of_an_analyzer(unused: Unused, plane: InProcess) -> None:
    role = unused.role("idle")
    unused.make(configuration=BRIEF).after(2)
    (found,) = unused.findings(role)
    stranger = plane.client("accessanalyzer", plane.account("444455556666"))
    of = {"analyzerArn": unused.arn, "id": found["id"]}
    assert refused(stranger.get_finding_v2, **of).code == "AccessDeniedException"
    assert refused(stranger.get_findings_statistics, analyzerArn=unused.arn).code == "AccessDeniedException"
    assert refused(stranger.generate_finding_recommendation, **of).code == "AccessDeniedException"
