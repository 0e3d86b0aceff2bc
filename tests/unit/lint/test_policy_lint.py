"""Lint finds what IAM Access Analyzer's reference describes, where it is, and nothing where there is nothing."""

from __future__ import annotations

import pytest

from locum.lint import CODES, Finding, Key, PolicyType, Substring, lint
from locum.services.accessanalyzer.catalogue import catalogue
from support import lint_errors, lint_suggestions, lint_warnings
from support.lint_cases import IDENTITY, QUEUE, RCP, RESOURCE, SCP, TRUST, Case, Kind, condition, text

CASES = (*lint_errors.CASES, *lint_warnings.CASES, *lint_suggestions.CASES)


def found(document: str, kind: Kind = IDENTITY) -> list[Finding]:
    return lint(document, kind.type, kind.resource_type, catalogue())


def codes(document: str, kind: Kind = IDENTITY) -> set[str]:
    return {finding.code for finding in found(document, kind)}


def only(document: str, kind: Kind = IDENTITY) -> Finding:
    findings = found(document, kind)
    assert len(findings) == 1, [finding.code for finding in findings]
    return findings[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_is_wrong_is_found(case: Case) -> None:
    assert case.code in codes(case.bad, case.kind)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_is_like_it_and_right_is_not(case: Case) -> None:
    assert case.code not in codes(case.good, case.kind)


def test_every_code_has_its_documents() -> None:
    assert {case.code for case in CASES} == set(CODES)


@pytest.mark.parametrize("kind", [IDENTITY, RESOURCE, QUEUE, TRUST, SCP, RCP], ids=lambda kind: kind.type)
def test_a_faultless_policy_has_no_findings(kind: Kind) -> None:
    assert found(text({}, kind), kind) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_every_finding_has_its_place_in_the_text(case: Case) -> None:
    for finding in found(case.bad, case.kind):
        assert finding.locations
        assert finding.details
        for location in finding.locations:
            span = location.span
            assert 0 <= span.start <= span.end <= len(case.bad)
            before = case.bad[: span.start]
            assert span.line == before.count("\n") + 1
            assert span.column == len(before) - before.rfind("\n")


def test_all_findings_of_a_document_are_told_in_the_order_of_their_places() -> None:
    document = text([{"Effect": "allow", "Action": "s3:GetObjekt"}, {"Resource": "bucket"}])
    assert [finding.code for finding in found(document)] == ["INVALID_EFFECT", "INVALID_ACTION", "INVALID_ARN_PREFIX"]


def test_a_value_is_placed_by_its_path_and_span() -> None:
    document = text({"Action": ["s3:GetObject", "s3:ListBuckets"]})
    finding = only(document)
    (location,) = finding.locations
    assert location.path == ("Statement", 0, "Action", 1)
    assert document[location.span.start : location.span.end] == '"s3:ListBuckets"'
    assert finding.details == (
        "The action s3:ListBuckets does not exist. Did you mean s3:ListAllMyBuckets? The API called ListBuckets "
        "authorizes against the IAM action s3:ListAllMyBuckets."
    )
    assert finding.learn_more.endswith(
        "access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-error-invalid-action"
    )


def test_a_field_of_an_arn_is_placed_by_a_substring() -> None:
    document = text({"Resource": "arn:aws:iam::1234:role/app"})
    (location,) = only(document).locations
    assert location.path == ("Statement", 0, "Resource", Substring(13, 4))
    assert document[location.span.start : location.span.end] == "1234"


def test_escapes_in_a_string_leave_the_span_at_the_whole_string() -> None:
    document = text({}).replace("arn:aws:s3:::bucket/*", "arn:aws:iam::1234:role\\u002fapp")
    (location,) = only(document).locations
    assert document[location.span.start : location.span.end] == '"arn:aws:iam::1234:role\\u002fapp"'


def test_a_key_is_placed_by_the_key() -> None:
    case = condition("", {"StringIs": {"s3:prefix": "x"}}, {})
    (location,) = only(case.bad).locations
    assert location.path == ("Statement", 0, "Condition", Key("StringIs"))
    assert case.bad[location.span.start : location.span.end] == '"StringIs"'


def test_a_syntax_error_says_where() -> None:
    finding = only('{\n  "Version": oops}')
    assert finding.details == "Fix the JSON syntax error at index 15 line 2 column 13."
    assert finding.locations[0].path == ()


def test_a_warning_links_to_its_general_warning() -> None:
    finding = only(text({}).replace('"Version": "2012-10-17",', ""))
    assert finding.learn_more.endswith("#access-analyzer-reference-policy-checks-general-warning-missing-version")


def test_a_resource_policy_of_sts_actions_is_taken_for_a_trust_policy() -> None:
    assert found(text({}, TRUST), QUEUE) == []


def test_half_a_surrogate_does_not_reach_the_findings() -> None:
    (invalid,) = (f for f in found(text({}).replace('"Effect"', '"\\ud800"')) if f.code == "INVALID_POLICY_ELEMENT")
    assert invalid.details == "The policy element ? is not valid."
    assert invalid.locations[0].path == ("Statement", 0, Key("?"))


def test_hostile_patterns_are_linted_as_fast_as_others() -> None:
    stars = [f"s3:{'*a' * 50}{i}" for i in range(400)]
    marks = [f"arn:aws:s3:::{'*?' * 99}{i}" for i in range(100)]
    assert codes(text({"Action": stars, "Resource": marks})) == {
        "INVALID_ACTION",
        "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    }


@pytest.mark.parametrize("policy_type", list(PolicyType))
def test_any_policy_type_reads_any_other(policy_type: PolicyType) -> None:
    for case in CASES[::7]:
        lint(case.bad, policy_type, None, catalogue())
