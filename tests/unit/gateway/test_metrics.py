"""What a plane counts is told in the OpenMetrics format, and tells nobody who called, with what, or on what."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from locum.core.http import HttpRequest
from locum.core.metrics import CONTENT_TYPE, Histogram, gauge, text
from support.inprocess import InProcess
from support.wire_requests import target


class Told(dict[str, float]):
    """The samples of an exposition, by what stands before their values."""

    def __init__(self, plane: InProcess) -> None:
        answer = plane.send(HttpRequest("GET", "/_locum/metrics", "", {}))
        assert (answer.status, answer.headers["content-type"]) == (200, CONTENT_TYPE)
        self.text = answer.body.decode()
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}
        for family in self.families.values():
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                self[f"{sample.name}{{{labels}}}"] = sample.value


def test_calls_are_counted_by_service_verdict_and_status(plane: InProcess) -> None:
    before = Told(plane)
    plane.client("sts").get_caller_identity()
    plane.client("sts").get_caller_identity()
    denied = plane.send(target("DynamoDB_20120810.ListTables", {}))
    assert denied.status == 400
    after = Told(plane)
    counted = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert counted["locum_calls_total{service=sts,status=2xx,verdict=allowed}"] == 2
    assert counted["locum_calls_total{service=dynamodb,status=4xx,verdict=none}"] == 1
    assert counted["locum_call_duration_seconds_count{service=sts}"] == 2
    assert after["locum_call_duration_seconds_bucket{le=+Inf,service=sts}"] >= 2


def test_a_denial_and_what_is_only_observed_are_told_apart(tmp_path: Path) -> None:
    for mode, verdict, status in (("enforce", "denied", "4xx"), ("observe", "observed", "2xx")):
        plane = InProcess(tmp_path / mode, mode=mode)
        key = plane.user("ann")
        with suppress(ClientError):
            plane.client("iam", key).list_users()
        assert Told(plane)[f"locum_calls_total{{service=iam,status={status},verdict={verdict}}}"] == 1
        plane.close()


def test_the_journal_the_metadata_service_and_the_agents_are_told(plane: InProcess) -> None:
    before = Told(plane)
    plane.client("iam").create_user(UserName="bob")
    after = Told(plane)
    assert after["locum_journal_sequence{}"] == before["locum_journal_sequence{}"] + 1
    commits = "locum_journal_commit_duration_seconds_count{}"
    assert after[commits] > before[commits]
    assert after["locum_journal_size_bytes{}"] > 0
    assert after["locum_journal_failed{}"] == 0
    assert after["locum_effects_pending{}"] == 0
    assert after["locum_agents_under_way{agent=stacks}"] == 0
    assert after["locum_on_duty{}"] == 1
    assert "locum_imds_requests" in after.families


@pytest.mark.parametrize("number", range(3))
def test_attack_no_request_makes_up_a_label(plane: InProcess, number: int) -> None:
    Told(plane)
    for request in (
        target(f"Made.Up{number}", {}),
        HttpRequest("GET", f"/made-up-{number}", "", {"host": f"made-up-{number}.localhost"}),
        HttpRequest("POST", "/", "", {"host": "h", "content-type": "application/x-www-form-urlencoded"},
                    f"Action=Made{number}&Version=2010-05-08".encode()),
    ):  # fmt: skip
        plane.send(request)
    told = Told(plane)
    services = set(re.findall(r'service="([^"]*)"', told.text))
    assert "unknown" in services
    assert not any("ade" in service for service in services)
    assert re.search("made.?up", told.text, re.IGNORECASE) is None


def test_nothing_of_who_calls_is_told(plane: InProcess) -> None:
    plane.client("iam").create_user(UserName="carol-the-secret-user")
    told = Told(plane).text
    assert plane.root.access_key_id not in told
    assert "carol" not in told
    assert re.search(r"\b[0-9]{12}\b", told) is None  # an account
    assert "arn:" not in told


def test_values_and_words_are_escaped() -> None:
    (family,) = text_string_to_metric_families(text([gauge("g", 'a\nb\\c"d', [({"name": 'x\n"y"\\'}, 1.5)])]).decode())
    assert family.documentation == 'a\nb\\c"d'
    assert [(sample.labels, sample.value) for sample in family.samples] == [({"name": 'x\n"y"\\'}, 1.5)]


def test_a_histogram_counts_what_is_on_a_bound_below_it_and_no_time_that_ran_backwards() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (1.0, 1.5, 3.0, -5.0):
        histogram.add(value)
    assert (histogram.counts, histogram.total) == ([2, 1, 1], 5.5)
