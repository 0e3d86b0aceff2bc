"""Attacks on analyzers of internal access: to be overlooked, to be taken for another, to keep them busy."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from locum.agents.analyzers import internal, internal_findings, internal_memory, scanning, upkeep
from locum.analysis.candidates import Candidate
from locum.analysis.internal_access import Access, Reach
from locum.core.resources import UNKNOWN
from locum.services.verbs import Outcome
from locum.state import Role, put
from locum.state.analyzers import AccessFinding, Analyzer
from support.inprocess import InProcess
from support.plane import allow, document
from support.trails import ACCOUNT
from unit.agents.test_internal_access import (
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


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ARNs of resources that are analyzed from now on."""
    found: list[str] = []
    analysis = internal_findings.analysis

    def noted(about: internal_findings.About, *more: Any) -> Any:
        found.append(about.resource.arn)
        return analysis(about, *more)

    monkeypatch.setattr(internal, "analysis", noted)
    return found


def test_attack_a_user_made_anew_with_a_name_in_a_policy_is_nobody_it_names(plane: InProcess) -> None:
    plane.user("ann")
    arn = bucket(plane, statement({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}, READ))
    analyzer, iam = Analyzed(plane, BUCKETS), plane.client("iam")
    assert analyzer.who(arn) == {"ann": {READ}}
    for key in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ann")
    iam.create_user(UserName="ann")
    analyzer.look()
    assert (analyzer.who(arn), analyzer.who(arn, "RESOLVED")) == ({}, {"ann": {READ}})
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(allow(READ)))
    analyzer.look()
    assert analyzer.who(arn) == {"ann": {READ}}


def test_attack_a_path_does_not_make_a_role_one_that_a_policy_denies(plane: InProcess) -> None:
    role(plane, "reader", allow(READ), Path="/team/")
    role(plane, "Writer", allow(READ))
    deny = {**statement("*", READ), "Effect": "Deny"}
    names = [f"arn:aws:iam::{ACCOUNT}:role/reader", f"arn:aws:iam::{ACCOUNT}:role/writer"]
    arn = bucket(plane, deny | {"Condition": {"ArnLike": {"aws:PrincipalArn": names}}})
    analyzer = Analyzed(plane, BUCKETS)
    told = {details(it)["principal"]["AWS"] for it in analyzer.findings(arn)}
    assert told == {f"arn:aws:iam::{ACCOUNT}:role/team/reader", f"arn:aws:iam::{ACCOUNT}:role/Writer"}


def test_attack_a_session_that_a_policy_names_is_access_of_its_role(plane: InProcess) -> None:
    role(plane, "quiet")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/quiet/hidden"
    arn = bucket(plane, statement({"AWS": session}, READ))
    assert Analyzed(plane, BUCKETS).who(arn) == {"quiet": {READ}}


def test_attack_a_resource_of_another_account_is_not_of_the_zone(plane: InProcess) -> None:
    away = plane.account("444455556666")
    arn = bucket(plane, statement({"AWS": ACCOUNT}, READ), of=away)
    role(plane, "reader", allow(READ))
    table = "arn:aws:dynamodb:us-east-1:444455556666:table/theirs"
    analyzer = Analyzed(plane, {"resourceArns": [arn, table]})
    assert analyzer.findings(arn) == analyzer.findings(table) == []
    assert analyzer.client.list_analyzed_resources(analyzerArn=analyzer.arn)["analyzedResources"] == []


def test_attack_who_breaks_the_analysis_hides_nobody_else(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    of = Reach.of

    def breaking(reach: Reach, candidate: Candidate) -> Access:
        if "/broken" in candidate.arn:
            raise KeyError(candidate.arn)
        return of(reach, candidate)

    monkeypatch.setattr(Reach, "of", breaking)
    monkeypatch.setattr(internal_findings, "_ERRORS", 2)
    arn = bucket(plane)
    broken = role(plane, "broken0", allow(READ))
    role(plane, "reader", allow(READ))
    analyzer = Analyzed(plane, BUCKETS)
    assert analyzer.who(arn) == {"broken0": set(), "reader": {READ}}
    (told,) = [it for it in analyzer.findings(arn) if it.get("error")]
    assert (told["error"], details(told)) == (
        "INTERNAL_ERROR",
        {
            "principal": {"AWS": broken},
            "principalOwnerAccount": ACCOUNT,
            "principalType": "IAM_ROLE",
            "accessType": "INTRA_ACCOUNT",
        },
    )
    role(plane, "broken1")
    role(plane, "broken2")
    analyzer.look()
    errors = sorted(it["error"] for it in analyzer.findings(arn, status={"eq": ["ACTIVE"]}) if it.get("error"))
    assert errors == ["INTERNAL_ERROR", "INTERNAL_ERROR", "PRINCIPAL_ERRORS_LIMIT_EXCEEDED"]


def test_attack_who_breaks_the_analysis_has_nothing_taken_back_that_was_found(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a role can do is not known to be gone because it cannot be told any more; what another could do is."""
    of = Reach.of

    def breaking(reach: Reach, candidate: Candidate) -> Access:
        if "/broken" in candidate.arn:
            raise KeyError(candidate.arn)
        return of(reach, candidate)

    arn = bucket(plane)
    for name in ("broken0", "broken1", "gone"):
        role(plane, name, allow(READ))
    analyzer = Analyzed(plane, BUCKETS)
    monkeypatch.setattr(Reach, "of", breaking)
    plane.client("iam").delete_role_policy(RoleName="gone", PolicyName="own")
    analyzer.look()
    assert analyzer.who(arn) == {"broken0": {READ}, "broken1": {READ}}
    monkeypatch.setattr(internal_findings, "_ERRORS", 1)
    role(plane, "other")
    analyzer.look()
    assert {"broken0", "broken1"} <= {
        details(it)["principal"]["AWS"].rpartition("/")[2]
        for it in analyzer.findings(arn, status={"eq": ["ACTIVE"]})
        if not it.get("error")
    }
    monkeypatch.setattr(Reach, "of", of)
    plane.client("iam").delete_role_policy(RoleName="broken0", PolicyName="own")
    analyzer.look()
    assert analyzer.who(arn) == {"broken1": {READ}}


def test_attack_a_resource_that_breaks_the_analysis_hides_no_other_and_takes_nothing_back(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = bucket(plane), bucket(plane)
    role(plane, "reader", allow(READ))
    analyzer = Analyzed(plane, BUCKETS)
    groups = Reach.groups

    def breaking(reach: Reach, *given: Any) -> Any:
        if reach._searches[0]._asking.check.resource.startswith(one):
            raise KeyError(one)
        return groups(reach, *given)

    monkeypatch.setattr(Reach, "groups", breaking)
    role(plane, "other", allow(READ))
    analyzer.look()
    assert set(analyzer.who(two)) == {"reader", "other"}
    found = [(it["status"], it.get("error", ""), details(it)) for it in analyzer.findings(one)]
    assert ("ACTIVE", "INTERNAL_ERROR", {}) in found
    assert ("ACTIVE", "") in [it[:2] for it in found]


def test_attack_ten_thousand_roles_are_one_finding_that_says_so_and_stop_nobody(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """User Guide: "PRINCIPAL_LIMIT_EXCEEDED – Generated when more than 3,000 principals have access"."""
    arn = bucket(plane)
    analyzer = Analyzed(plane, {"resourceArns": [arn]})
    many(plane, 10_000, document(allow(READ, f"{arn}/*")))
    analysis, threads = internal_findings.analysis, set[threading.Thread]()

    def noted(*given: Any) -> Any:
        threads.add(threading.current_thread())
        return analysis(*given)

    monkeypatch.setattr(internal, "analysis", noted)
    analyzer.look()
    (found,) = analyzer.findings(arn)
    assert (found["error"], details(found)) == ("PRINCIPAL_LIMIT_EXCEEDED", {})
    assert threads
    assert threading.main_thread() not in threads
    plane.client("iam").delete_role_policy(RoleName="many1", PolicyName="own")
    analyzer.look()
    assert [it["error"] for it in analyzer.findings(arn)] == ["PRINCIPAL_LIMIT_EXCEEDED"]


def many(plane: InProcess, count: int, policy: str) -> None:
    """Have so many roles with an inline policy."""
    roles = [
        Role(account=ACCOUNT, name=f"many{it}", id=f"AROAMANY{it}", created=0, trust=TRUST, inline={"own": policy})
        for it in range(count)
    ]
    made = Outcome({}, tuple(map(put, roles)))
    plane.run(plane.node.runtime.ledger.transact(lambda _state: made, lambda _outcome: ()))


def test_many_findings_are_committed_in_parts(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    arns = [bucket(plane) for _ in range(3)]
    many(plane, 4, document(allow(READ)))
    monkeypatch.setattr(scanning, "_FINDINGS_AT_ONCE", 4)
    sizes, in_line = list[int](), upkeep.in_line

    def noted(state: Any, analyzer: Any, found: Any, now: float) -> Any:
        sizes.append(len(found))
        return in_line(state, analyzer, found, now)

    monkeypatch.setattr(scanning, "in_line", noted)
    Analyzed(plane, {"resourceArns": arns})
    assert sizes == [1, 1, 1]


def test_attack_calls_that_change_nothing_here_have_nothing_analyzed_again(plane: InProcess, looked: list[str]) -> None:
    arn, other = bucket(plane), bucket(plane)
    role(plane, "reader", allow(READ))
    analyzer = Analyzed(plane, {"resourceArns": [arn]})
    del looked[:]
    plane.client("s3").put_bucket_tagging(
        Bucket=other.rpartition(":")[2], Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    )
    plane.client("sqs").create_queue(QueueName="unrelated")
    plane.client("iam").create_access_key(UserName=made(plane))
    analyzer.look()
    del looked[:]
    analyzer.look()
    plane.client("iam").list_roles()
    analyzer.look()
    away = plane.account("444455556666")
    plane.client("iam", away).create_role(RoleName="theirs", AssumeRolePolicyDocument=TRUST)
    analyzer.look()
    assert looked == []
    plane.client("iam").create_role(RoleName="ours", AssumeRolePolicyDocument=TRUST)
    analyzer.look()
    assert looked == [arn]


def made(plane: InProcess) -> str:
    """The name of a new user."""
    plane.client("iam").create_user(UserName="bob")
    return "bob"


def test_attack_a_change_in_a_commit_that_fails_is_not_forgotten(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = bucket(plane)
    analyzer = Analyzed(plane, BUCKETS)
    role(plane, "reader", allow(READ))
    commit = scanning._commit

    async def failing(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(scanning, "_commit", failing)
    with pytest.raises(OSError, match="no space"):
        analyzer.look()
    monkeypatch.setattr(scanning, "_commit", commit)
    analyzer.look()
    assert analyzer.who(arn) == {"reader": {READ}}


def test_what_is_remembered_is_lost_with_the_process_and_what_changed_is_found(plane: InProcess) -> None:
    arn = bucket(plane)
    role(plane, "reader", allow(READ))
    analyzer = Analyzed(plane, BUCKETS)
    internal_memory._seen.clear()
    internal_memory._kept.clear()
    plane.client("iam").delete_role_policy(RoleName="reader", PolicyName="own")
    analyzer.look()
    assert (analyzer.who(arn), analyzer.who(arn, "RESOLVED")) == ({}, {"reader": {READ}})


def test_what_was_decided_before_does_not_stand_for_another_policy(plane: InProcess) -> None:
    """Roles with one managed policy are alike; what it says may change, and a group's."""
    arn, iam = bucket(plane), plane.client("iam")
    held = iam.create_policy(PolicyName="held", PolicyDocument=document(allow(READ)))["Policy"]["Arn"]
    for name in ("one", "two"):
        role(plane, name)
        iam.attach_role_policy(RoleName=name, PolicyArn=held)
    analyzer = Analyzed(plane, BUCKETS)
    iam.create_policy_version(PolicyArn=held, PolicyDocument=document(allow("s3:PutObject")), SetAsDefault=True)
    analyzer.look()
    assert analyzer.who(arn) == {"one": {"s3:PutObject"}, "two": {"s3:PutObject"}}
    iam.detach_role_policy(RoleName="one", PolicyArn=held)
    analyzer.look()
    assert analyzer.who(arn) == {"two": {"s3:PutObject"}}


def test_attack_a_clock_that_moves_ends_no_finding_and_makes_none(plane: InProcess, looked: list[str]) -> None:
    arn, clock = bucket(plane), plane.node.runtime.clock
    until = {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}
    role(plane, "reader", allow(READ, f"{arn}/*", **until))
    analyzer = Analyzed(plane, {"resourceArns": [arn]})
    (before,) = analyzer.findings(arn)
    del looked[:]
    clock.move(clock.ahead + 400 * 86_400)
    analyzer.look()
    assert looked
    (after,) = analyzer.findings(arn)
    assert (after["id"], after["status"], after["updatedAt"]) == (before["id"], "ACTIVE", before["updatedAt"])
    assert after["analyzedAt"] > before["analyzedAt"]


def test_analyzers_of_the_same_resource_do_not_share_findings(plane: InProcess) -> None:
    arn = bucket(plane)
    role(plane, "reader", allow(READ))
    first = Analyzed(plane, BUCKETS)
    first.client.delete_analyzer(analyzerName="internal")
    assert list(plane.node.runtime.ledger.state.every(AccessFinding)) == []
    again = Analyzed(plane, BUCKETS)
    assert again.who(arn) == {"reader": {READ}}


def test_analyzers_of_internal_access_need_no_solver(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    arn = bucket(plane)
    role(plane, "reader", allow(READ))
    assert Analyzed(plane, BUCKETS).who(arn) == {"reader": {READ}}


def test_conditions_that_cannot_hold_together_let_nobody(plane: InProcess) -> None:
    arn = bucket(plane)
    inside = {"aws:SourceIp": "10.0.0.0/8"}
    bound = document(allow("*", NotIpAddress=inside))
    held = plane.client("iam").create_policy(PolicyName="bound", PolicyDocument=bound)["Policy"]["Arn"]
    role(plane, "never", allow(READ, IpAddress=inside), PermissionsBoundary=held)
    role(plane, "near", allow(READ, IpAddress=inside))
    assert Analyzed(plane, BUCKETS).who(arn) == {"near": {READ}}


def test_attack_a_letter_case_that_is_not_denied_is_access(plane: InProcess) -> None:
    arn = bucket(plane)
    some: dict[str, Any] = {
        "StringEqualsIgnoreCase": {"aws:UserAgent": "abc"},
        "StringNotEquals": {"aws:UserAgent": ["abc", "ABC"]},
    }
    role(plane, "hidden", allow(READ, **some))
    assert Analyzed(plane, BUCKETS).who(arn) == {"hidden": {READ}}


def test_attack_a_configuration_that_is_changed_while_it_looks_is_not_overlooked(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = bucket(plane), bucket(plane)
    role(plane, "reader", allow(READ))
    analyzer = Analyzed(plane)
    change, analyzed = analyzer.client.update_analyzer, internal.analyzed
    state = plane.node.runtime.ledger
    change(analyzerName="internal", configuration=configured({"resourceArns": [one]}))

    async def changing(*given: Any) -> Any:
        (it,) = state.state.every(Analyzer)
        wanted = replace(it, configuration=configured({"resourceArns": [two]}), scanned=0.0)
        await state.transact(lambda _state: Outcome({}, (put(wanted),)), lambda _outcome: ())
        monkeypatch.setattr(internal, "analyzed", analyzed)
        return await analyzed(*given)

    monkeypatch.setattr(internal, "analyzed", changing)
    analyzer.look()
    analyzer.look()
    assert (analyzer.who(one), analyzer.who(two)) == ({}, {"reader": {READ}})


def test_a_backend_that_tells_nothing_of_a_resource_is_no_reason_to_say_nothing(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_runtime: Any, arns: Any, *_more: Any) -> Any:
        return dict.fromkeys(arns, UNKNOWN)

    monkeypatch.setattr(internal, "facts_of", nothing)
    monkeypatch.setattr(internal, "_tells", lambda *_: False)
    arn = bucket(plane)
    role(plane, "reader", allow(READ))
    (found,) = Analyzed(plane, BUCKETS).findings(arn)
    assert (found["status"], found["error"]) == ("ACTIVE", "INTERNAL_ERROR")
