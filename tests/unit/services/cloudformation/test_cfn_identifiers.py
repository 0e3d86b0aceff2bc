"""Primary identifiers and physical ids, each made of the other."""

from __future__ import annotations

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.identifiers import (
    _REF,
    identified,
    identified_by,
    identifier_of,
    identifier_paths,
    is_told,
)
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.schemas import schema_of

STAGE = "AWS::ApiGateway::Stage"
RULE = "AWS::Events::Rule"
SERVICE = "AWS::ECS::Service"


@pytest.mark.parametrize("kind", sorted(PROVIDERS))
def test_an_identifier_and_what_it_is_made_of_tell_each_other(kind: str) -> None:
    paths = identifier_paths(kind)
    text = "|".join(f"value-{number}" for number in range(max(len(paths), 1)))
    it = identified(kind, text)
    assert identifier_of(kind, it.physical, it.properties) == text
    assert identified_by(kind, it.properties) == it if paths else it.physical == text
    assert list(it.properties) == [".".join(path) for path in paths]


@pytest.mark.parametrize("kind", sorted(_REF))
def test_the_physical_id_is_the_value_of_a_property_that_identifies(kind: str) -> None:
    schema = schema_of(kind)
    assert schema is not None
    assert (_REF[kind],) in schema.identifier


def test_a_part_that_only_the_physical_id_tells_is_taken_from_it() -> None:
    attributes = {"ServiceArn": "arn:s", "Name": "s"}
    assert identifier_of(SERVICE, "arn:s", {"Cluster": "c"}, attributes) == "arn:s|c"
    assert identified(SERVICE, "arn:s|c").physical == "arn:s"


def test_a_rule_is_identified_by_its_arn_and_referred_to_by_its_name() -> None:
    head = "arn:aws:events:us-east-1:000000000000:rule/"
    assert identifier_of(RULE, "r", {"Name": "r"}, {"Arn": f"{head}r"}) == f"{head}r"
    assert identified(RULE, f"{head}r").physical == "r"
    assert identified(RULE, f"{head}bus/r").physical == "bus|r"
    assert not is_told(RULE, {"Name": "r"})


def test_an_identifier_may_be_an_object_of_exactly_what_identifies() -> None:
    it = identified(STAGE, '{"StageName": "prod", "RestApiId": "api"}')
    assert (it.identifier, it.physical) == ("api|prod", "prod")
    for text in (
        '{"StageName": "prod"}',
        '{"StageName": "prod", "RestApiId": "api", "Other": "x"}',
        '{"StageName',
        "{}",
    ):
        with pytest.raises(
            Fault, match=r"exactly one identifier from \[\[/properties/RestApiId, /properties/StageName\]"
        ):
            identified(STAGE, text)
    with pytest.raises(Fault, match="exactly one identifier"):
        identified(STAGE, '{"StageName": ["prod"], "RestApiId": "api"}')


@pytest.mark.parametrize("text", ["prod", "api|", "|prod", "a|b|c"])
def test_what_has_not_all_parts_is_no_identifier(text: str) -> None:
    with pytest.raises(Fault) as caught:
        identified(STAGE, text)
    assert caught.value.code == "ValidationException"
    assert caught.value.message == (
        f"Identifier {text} is not valid for identifier [/properties/RestApiId, /properties/StageName]"
    )


def test_what_is_not_known_is_not_made_up() -> None:
    assert not is_told(STAGE, {})
    with pytest.raises(Fault, match="RestApiId"):
        identifier_of(STAGE, "prod", {})
