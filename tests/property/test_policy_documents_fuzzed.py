"""Documents nobody would write: nothing but a refusal comes of them, and never a grant of one that was refused.

Valid documents are mutated in their JSON (members renamed, moved, doubled, emptied, replaced) and in their text
(characters cut, doubled, exchanged); then everything that reads policies reads them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from locum import policy
from locum.core.principal import ANONYMOUS, Principal, PrincipalKind
from locum.lint import PolicyType, lint
from locum.policy import Policies, PolicyKind, Source
from locum.policy.stored import compiled
from locum.services.accessanalyzer.catalogue import catalogue
from support.simulated_cases import raw_cases

# A nightly run asks for 100,000 comparisons of evaluators, and for a tenth of that here: each is decided many times.
EXAMPLES = max(150, int(os.environ.get("LOCUM_POLICY_EXAMPLES", "0")) // 10)

pytestmark = pytest.mark.timeout(max(120, EXAMPLES // 4))

RAW = list(raw_cases(Path(__file__).parents[1] / "conformance" / "decisions"))
KINDS = list(PolicyKind)
PLACES = {
    "boundary": PolicyKind.BOUNDARY,
    "resource_policy": PolicyKind.RESOURCE,
    "identity_policies": PolicyKind.IDENTITY,
    "session_policies": PolicyKind.SESSION,
}


def documents() -> Iterator[tuple[dict[str, Any], PolicyKind]]:
    """Every document of the corpus, and what it is used as."""
    for raw in RAW:
        for place, kind in PLACES.items():
            found = raw.get(place)
            for document in found if isinstance(found, list) else [found]:
                if isinstance(document, dict):
                    yield document, kind
        for place, kind in (("scps", PolicyKind.SCP), ("rcps", PolicyKind.RCP)):
            yield from ((document, kind) for level in raw.get(place) or () for document in level)


DOCUMENTS = list({json.dumps(document): (document, kind) for document, kind in documents()}.values())

NAMES: tuple[str, ...] = (
    *("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource"),
    *("NotResource", "Condition", "AWS", "Service", "Federated", "CanonicalUser", "StringLike", "Null", "Bool"),
    *("ForAllValues:StringEqualsIfExists", "NumericEquals", "IpAddress", "ArnLike", "DateLessThan", "aws:username"),
)
WORDS: tuple[str, ...] = (
    *(
        "",
        "*",
        "**",
        "?",
        "${",
        "${}",
        "${aws:username}",
        "${aws:username, 'x'}",
        "${a${b}}",
        "${*}",
        "arn:",
        "arn:aws",
    ),
    *("arn:aws:s3:::${*}", "arn:aws:s3:::b/*", "s3:*", ":", "s3:", "Allow", "Deny", "allow", "2012-10-17", "true"),
    *("1e999", "-0", "10.0.0.0/33", "::/129", "9999-12-31T23:59:59+23:59", "\0", "\ud800", "é", "a" * 3000, "*a" * 300),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=3),
    max_leaves=8,
)

Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The way to every value in a document."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in members:
        yield from places(item, (*path, name))


def changed(value: Any, path: Path_, change: Callable[[Any], Any]) -> Any:
    """A copy of `value` in which what stands at `path` is changed."""
    if not path:
        return change(value)
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, PolicyKind]:
    """The text of a document of the corpus after some mutations, and a kind: mostly its own."""
    document, kind = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(document))))
        document = changed(document, path, draw(st.sampled_from(MUTATIONS))(draw))
    text = json.dumps(document)
    if draw(st.integers(0, 3)) == 0:
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 4))
        text = text[:at] + draw(st.text(max_size=3) | st.sampled_from(('"', "}", "[", ",", ":"))) + text[at + length :]
    return text, draw(st.sampled_from([kind, kind, kind, *KINDS]))


Mutation = Callable[[st.DrawFn], Callable[[Any], Any]]


def replaced(draw: st.DrawFn) -> Callable[[Any], Any]:
    other = draw(JSON)
    return lambda _value: other


def wrapped(draw: st.DrawFn) -> Callable[[Any], Any]:
    times = draw(st.integers(1, 3))
    return lambda value: [value] * times


def named(draw: st.DrawFn) -> Callable[[Any], Any]:
    """A member more, or one under another name."""
    name, value = draw(st.sampled_from(NAMES)), draw(JSON)
    moved = draw(st.booleans())

    def change(found: Any) -> Any:
        if not isinstance(found, dict):
            return {name: found}
        if moved and found:
            first, *others = found.items()
            return {name: first[1], **dict(others)}
        return found | {name: value}

    return change


def emptied(_draw: st.DrawFn) -> Callable[[Any], Any]:
    return lambda value: type(value)() if isinstance(value, (dict, list, str)) else None


def spliced(draw: st.DrawFn) -> Callable[[Any], Any]:
    """A word in the midst of a text."""
    word, at = draw(st.sampled_from(WORDS)), draw(st.integers(0, 40))
    return lambda value: value[:at] + word + value[at:] if isinstance(value, str) else value


MUTATIONS: tuple[Mutation, ...] = (replaced, wrapped, named, emptied, spliced, spliced)

ME = "111111111111"
CALLERS = (
    Principal.user(ME, f"arn:aws:iam::{ME}:user/alice", "AIDAEXAMPLEUSERID0001", "alice"),
    Principal.role_session(f"arn:aws:iam::{ME}:role/team/app", "AROAEXAMPLEROLEID0001", "run"),
    Principal.root(ME),
    ANONYMOUS,
)
CONTEXTS: tuple[dict[str, str | tuple[str, ...]], ...] = (
    {},
    {"aws:tagkeys": ("a", "b"), "aws:principaltag/team": "red", "aws:sourceip": "2001:db8::1"},
    {
        "aws:tagkeys": (),
        "aws:principaltag/team": "",
        "s3:max-keys": "1e9",
        "aws:currenttime": "now",
        "aws:sourceip": "x",
    },
)


def attached(made: policy.CompiledPolicy, kind: PolicyKind) -> Policies:
    """All policies of a caller who may do everything, but for the one."""
    return {
        PolicyKind.IDENTITY: Policies(identity=(made,)),
        PolicyKind.BOUNDARY: Policies(identity=(EVERYTHING,), boundary=made),
        PolicyKind.SESSION: Policies(identity=(EVERYTHING,), session=(made,)),
        PolicyKind.SCP: Policies(identity=(EVERYTHING,), scps=((made,),)),
        PolicyKind.RCP: Policies(identity=(EVERYTHING,), rcps=((made,),)),
        PolicyKind.RESOURCE: Policies(resource=made),
        PolicyKind.TRUST: Policies(resource=made),
    }[kind]


FULL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
EVERYTHING = policy.compile(policy.parse(FULL, PolicyKind.IDENTITY), Source(PolicyKind.IDENTITY))
LINTED = {
    **dict.fromkeys(KINDS, PolicyType.IDENTITY_POLICY),
    PolicyKind.RESOURCE: PolicyType.RESOURCE_POLICY,
    PolicyKind.TRUST: PolicyType.RESOURCE_POLICY,
    PolicyKind.SCP: PolicyType.SERVICE_CONTROL_POLICY,
    PolicyKind.RCP: PolicyType.RESOURCE_CONTROL_POLICY,
}


def read_by_all(text: str, kind: PolicyKind) -> None:
    """Parses, compiles, decides, explains and lints `text`; only a refusal may come of it."""
    for finding in lint(text, LINTED[kind], None, catalogue()):
        assert finding.code
    for strict in (True, False):
        try:
            document = policy.parse(text, kind, judge_values=strict)
        except policy.MalformedPolicy as refusal:
            refusal.describe()
            if strict and kind is PolicyKind.RESOURCE:
                assert_leaves_it_to_the_owner(text)
            elif strict:
                assert_grants_nothing(text, kind)
            continue
        policies = attached(policy.compile(document, Source(kind)), kind)
        for request in requests(kind):
            decision = policy.evaluate(request, policies)
            explanation = policy.explain(request, policies, decision)
            assert explanation.text()
            assert json.dumps(explanation.as_dict())


def assert_grants_nothing(text: str, kind: PolicyKind) -> None:
    """A plane that has stored it all the same denies everything by it."""
    policies = attached(compiled(text, kind, "stored"), kind)
    for request in requests(kind):
        assert policy.evaluate(request, policies).verdict is policy.Verdict.EXPLICIT_DENY


def assert_leaves_it_to_the_owner(text: str) -> None:
    """Kept with a resource all the same, it grants nothing, and denies nothing to whom the owner's policies allow."""
    stranger = Principal.user("222222222222", "arn:aws:iam::222222222222:user/bob", "AIDAEXAMPLEUSERID0002", "bob")
    for arn in ("arn:aws:s3:::b/k", f"arn:aws:kms:us-east-1:{ME}:key/k"):
        made = compiled(text, PolicyKind.RESOURCE, "stored", arn)
        action = "s3:GetObject" if ":s3:" in arn else "kms:Decrypt"
        for caller in (*CALLERS, stranger):
            for identity in ((), (EVERYTHING,)):
                request = policy.Request(caller, action, arn, ME, {})
                allowed = policy.evaluate(request, Policies(identity=identity, resource=made)).allowed
                owners = caller.account == ME and caller is not ANONYMOUS
                assert allowed is (owners and (bool(identity) or caller.kind is PrincipalKind.ROOT))


def requests(kind: PolicyKind) -> Iterator[policy.Request]:
    """What a policy of this kind may be asked."""
    action = "sts:AssumeRole" if kind is PolicyKind.TRUST else "s3:GetObject"
    resource = f"arn:aws:iam::{ME}:role/target" if kind is PolicyKind.TRUST else "arn:aws:s3:::b/k"
    # Service control policies are not asked about strangers.
    callers = CALLERS[:-1] if kind is PolicyKind.SCP else CALLERS
    return (policy.Request(caller, action, resource, ME, context) for caller in callers for context in CONTEXTS)


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated())
def test_a_mutated_document_is_refused_or_decides(found: tuple[str, PolicyKind]) -> None:
    read_by_all(*found)


@settings(max_examples=EXAMPLES, deadline=None)
@given(JSON.map(json.dumps) | st.text(), st.sampled_from(KINDS))
def test_random_json_and_text_are_refused_or_decide(text: str, kind: PolicyKind) -> None:
    read_by_all(text, kind)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(JSON, max_size=2) | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5), st.sampled_from(KINDS))
def test_random_statements_are_refused_or_decide(statement: Any, kind: PolicyKind) -> None:
    read_by_all(json.dumps({"Version": "2012-10-17", "Statement": statement}), kind)
