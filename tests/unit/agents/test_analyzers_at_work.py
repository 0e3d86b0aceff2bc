"""Analyzers are at work side by side, each in a task of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.s3.models import s3_backends

from locum.agents.analyzers import external
from locum.state.analyzers import AnalyzedResource, Analyzer
from support.inprocess import InProcess
from support.plane import document, fresh
from support.trails import ACCOUNT
from unit.agents.test_analyzers import Analyzed, bucket, statement


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def topic(plane: InProcess, region: str) -> str:
    """The ARN of a public topic in a region, for which there is an analyzer."""
    name = fresh("shared")
    arn = f"arn:aws:sns:{region}:{ACCOUNT}:{name}"
    sns = plane.client("sns", region=region)
    sns.create_topic(Name=name)
    policy = document(statement("*", "sns:Publish", arn))
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    plane.client("accessanalyzer", region=region).create_analyzer(analyzerName="external", type="ACCOUNT")
    return arn


def found(plane: InProcess, region: str) -> list[str]:
    """The resources of the findings of the analyzer of a region."""
    client = plane.client("accessanalyzer", region=region)
    (analyzer,) = client.list_analyzers()["analyzers"]
    return [it["resource"] for it in client.list_findings(analyzerArn=analyzer["arn"])["findings"]]


def working(plane: InProcess, true: Callable[[], bool]) -> None:
    """Have the plane at work until something is true of what it has done."""

    async def until() -> None:
        with plane.node.ledger.subscribe() as changes:
            if not true():
                async for _ in changes:
                    if true():
                        return

    plane.run(asyncio.wait_for(until(), 60))


def analyzed(plane: InProcess, arn: str) -> bool:
    """Whether a resource has been analyzed."""
    return any(it.arn == arn for it in plane.node.ledger.state.every(AnalyzedResource))


def test_attack_an_analyzer_that_takes_long_keeps_no_other(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    access, going = external._access_within, threading.Event()

    def waits(state: Any, analyzer: Any, it: Any, kind: str) -> Any:
        if analyzer.region == "eu-west-1":
            going.wait(60)
        return access(state, analyzer, it, kind)

    monkeypatch.setattr(external, "_access_within", waits)
    slow, quick = topic(plane, "eu-west-1"), topic(plane, "us-east-1")
    working(plane, lambda: analyzed(plane, quick))
    assert not analyzed(plane, slow)
    assert quick in found(plane, "us-east-1")  # moto's topics are those of all tests of this process
    going.set()
    working(plane, lambda: analyzed(plane, slow))
    assert slow in found(plane, "eu-west-1")


def test_a_scan_that_is_asked_for_is_done_at_once(plane: InProcess) -> None:
    arn = topic(plane, "us-east-1")
    plane.analyze()
    client = plane.client("accessanalyzer")
    (analyzer,) = client.list_analyzers()["analyzers"]
    before = client.get_analyzed_resource(analyzerArn=analyzer["arn"], resourceArn=arn)["resource"]["analyzedAt"]
    client.start_resource_scan(analyzerArn=analyzer["arn"], resourceArn=arn)
    working(plane, lambda: not any(it.asked for it in plane.node.ledger.state.every(Analyzer)))
    after = client.get_analyzed_resource(analyzerArn=analyzer["arn"], resourceArn=arn)["resource"]["analyzedAt"]
    assert after > before


def test_what_a_backend_forgot_is_resolved_after_the_next_start(plane: InProcess) -> None:
    """The embedded backend has nothing of what it had before, and no call tells of it."""
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer = Analyzed(plane)
    assert analyzer.status(arn) == ["ACTIVE"]
    plane.close()
    s3_backends[ACCOUNT]["aws"].buckets.pop(arn.rpartition(":")[2])
    plane.start()
    plane.analyze()
    told = plane.client("accessanalyzer").list_findings(analyzerArn=analyzer.arn)["findings"]
    assert [it["status"] for it in told if it["resource"] == arn] == ["RESOLVED"]
