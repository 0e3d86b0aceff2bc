"""Change sets, held against recordings of AWS's answers: which changes are told, why, and with which values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import refused, trusting
from support.stacks import Stacks, template

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
QUEUE = {"Type": "AWS::SQS::Queue"}


def topic(name: str, display: Any = "shown") -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "DisplayName": display}}


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def given(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


class Proposed:
    """A change set of a stack that was made of the first template by a change set, too."""

    def __init__(self, stacks: Stacks, name: str) -> None:
        self._stacks = stacks
        self.client, self.name, self.id = stacks.client, name, ""

    def propose(self, body: str, values: Mapping[str, str] | None = None, kind: str = "UPDATE") -> None:
        made = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName="next",
            ChangeSetType=kind,
            TemplateBody=body,
            Parameters=given(values or {}),
            Capabilities=["CAPABILITY_IAM"] if "AWS::IAM::" in body else [],
        )
        self.id = made["Id"]

    def execute(self) -> None:
        self.client.execute_change_set(ChangeSetName=self.id)
        assert self._stacks.settled(self.name).endswith("_COMPLETE")

    def update(
        self, before: str, after: str, old: Mapping[str, str] | None = None, new: Mapping[str, str] | None = None
    ) -> None:
        """Make the stack of `before`, and propose `after`."""
        self.propose(before, old, "CREATE")
        self.execute()
        self.propose(after, new)

    def described(self, *, values: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_change_set(ChangeSetName=self.id, IncludePropertyValues=values)
        return found

    def changes(self, *, values: bool = False) -> list[dict[str, Any]]:
        return [it["ResourceChange"] for it in self.described(values=values)["Changes"]]

    def details(self, logical: str, *, values: bool = False) -> list[tuple[str, ...]]:
        (found,) = [it for it in self.changes(values=values) if it["LogicalResourceId"] == logical]
        return [
            (
                it["Target"].get("Name", it["Target"]["Attribute"]),
                it["Evaluation"],
                it["ChangeSource"],
                it.get("CausingEntity", ""),
                it["Target"]["RequiresRecreation"],
            )
            for it in found["Details"]
        ]


@pytest.fixture
def proposed(stacks: Stacks, request: pytest.FixtureRequest) -> Proposed:
    return Proposed(stacks, request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[:100])


# -- what a change set tells of itself ------------------------------------------------------------------------


def test_a_change_set_tells_no_member_that_it_has_nothing_for(proposed: Proposed) -> None:
    proposed.propose(template({"Made": parameter("x")}), kind="CREATE")
    told = proposed.described()
    assert {"Parameters", "Tags", "OnStackFailure", "Description", "StatusReason"}.isdisjoint(told)
    assert (told["Capabilities"], told["NotificationARNs"], told["RollbackConfiguration"]) == ([], [], {})
    assert told["IncludeNestedStacks"] is False
    (change,) = proposed.changes()
    assert change == {
        "Action": "Add",
        "Details": [],
        "LogicalResourceId": "Made",
        "ResourceType": "AWS::SSM::Parameter",
        "Scope": [],
    }


def test_changes_are_in_the_order_of_logical_ids(proposed: Proposed) -> None:
    before = {"SNSTopic": topic("ordered-1")}
    after = {"TopicPlaceholder": topic("ordered-2"), "Function": QUEUE, "FunctionRole": QUEUE}
    proposed.update(template(before), template(after))
    assert [(it["Action"], it["LogicalResourceId"]) for it in proposed.changes()] == [
        ("Add", "FunctionRole"),
        ("Add", "Function"),
        ("Remove", "SNSTopic"),
        ("Add", "TopicPlaceholder"),
    ]


def test_an_executed_change_set_is_not_listed_and_can_be_described(proposed: Proposed) -> None:
    proposed.propose(template({"Made": parameter("x")}), kind="CREATE")
    first = proposed.id
    proposed.execute()
    assert proposed.client.list_change_sets(StackName=proposed.name)["Summaries"] == []
    assert proposed.described()["ExecutionStatus"] == "EXECUTE_COMPLETE"
    proposed.propose(template({"Made": parameter("y")}))
    assert [it["ChangeSetId"] for it in proposed.client.list_change_sets(StackName=proposed.name)["Summaries"]] == [
        proposed.id
    ]
    assert proposed.client.describe_change_set(ChangeSetName=first)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    by_name = proposed.client.describe_change_set(StackName=proposed.name, ChangeSetName="next")
    assert by_name["ChangeSetId"] == proposed.id


def test_the_change_set_of_a_deleted_stack_can_be_described(stacks: Stacks, proposed: Proposed) -> None:
    proposed.propose(template({"Made": parameter("x")}), kind="CREATE")
    proposed.execute()
    deleted = stacks.told(proposed.name)["StackId"]
    assert stacks.delete(proposed.name) == "DELETE_COMPLETE"
    assert proposed.described()["ExecutionStatus"] == "EXECUTE_COMPLETE"
    first = proposed.id
    proposed.propose(template({"Made": parameter("x")}), kind="CREATE")
    assert proposed.id != first
    assert proposed.described()["StackId"] != deleted
    assert stacks.told(deleted)["StackStatus"] == "DELETE_COMPLETE"
    again = {"StackName": deleted, "ChangeSetName": "again", "ChangeSetType": "CREATE"}
    fault = refused(proposed.client.create_change_set, TemplateBody=template({"Made": QUEUE}), **again)
    assert fault.message == f"Stack [{deleted}] already exists and cannot be created again with the changeSet [again]."


def test_a_stack_under_review_can_be_created_and_makes_its_change_set_obsolete(
    stacks: Stacks, proposed: Proposed
) -> None:
    body = template({"Made": parameter("x")})
    proposed.propose(body, kind="CREATE")
    review = stacks.told(proposed.name)
    assert (review["StackStatus"], review["StackStatusReason"]) == ("REVIEW_IN_PROGRESS", "User Initiated")
    assert {"ChangeSetId", "LastUpdatedTime", "Capabilities", "Parameters"}.isdisjoint(review)
    made = proposed.client.create_stack(StackName=proposed.name, TemplateBody=body)
    assert made["StackId"] == review["StackId"]
    assert stacks.settled(proposed.name) == "CREATE_COMPLETE"
    assert {"ChangeSetId", "LastUpdatedTime", "StackStatusReason"}.isdisjoint(stacks.told(proposed.name))
    told = proposed.described()
    assert (told["ExecutionStatus"], told["Status"]) == ("OBSOLETE", "CREATE_COMPLETE")
    assert refused(proposed.client.execute_change_set, ChangeSetName=proposed.id).code == "InvalidChangeSetStatus"


def test_what_asks_for_a_change_set_that_is_not_there_is_told_why(stacks: Stacks, proposed: Proposed) -> None:
    client, body = stacks.client, template({"Made": parameter("x")})
    nameless = "StackName must be specified if ChangeSetName is not specified as an ARN."
    for call in (client.describe_change_set, client.delete_change_set, client.execute_change_set):
        assert refused(call, ChangeSetName="none").message == nameless
        fault = refused(call, StackName="nowhere", ChangeSetName="none")
        assert (fault.code, fault.message) == ("ValidationError", "Stack [nowhere] does not exist")
    assert refused(client.get_template, ChangeSetName="none").message == "StackName is a required parameter."
    arn = "arn:aws:cloudformation:us-east-1:000000000000:changeSet/none/d065e78c"
    fault = refused(client.get_template, ChangeSetName=arn)
    assert (fault.code, fault.message) == ("ChangeSetNotFound", f"ChangeSet [{arn}] does not exist")
    proposed.propose(body, kind="CREATE")
    proposed.execute()
    params = {"StackName": proposed.name, "ChangeSetName": "again", "ChangeSetType": "CREATE", "TemplateBody": body}
    assert refused(client.create_change_set, **params).message == (
        f"Stack [{proposed.name}] already exists and cannot be created again with the changeSet [again]."
    )


def test_a_change_set_without_changes_fails_and_cannot_be_executed(proposed: Proposed) -> None:
    body = template({"Made": parameter("x")})
    proposed.update(body, body)
    told = proposed.described()
    assert (told["Status"], told["ExecutionStatus"], told["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert told["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    fault = refused(proposed.client.execute_change_set, ChangeSetName=proposed.id)
    assert fault.message == f"ChangeSet [{proposed.id}] cannot be executed in its current status of [FAILED]"


# -- why something changes ------------------------------------------------------------------------------------


def test_a_changed_text_is_a_static_direct_modification(proposed: Proposed) -> None:
    proposed.update(template({"One": topic("text-1", "a")}), template({"One": topic("text-1", "b")}))
    assert proposed.details("One") == [("DisplayName", "Static", "DirectModification", "", "Never")]
    (change,) = proposed.changes()
    assert (change["Replacement"], change["Scope"]) == ("False", ["Properties"])
    assert "PolicyAction" not in change


def test_what_has_an_attribute_of_what_changes_may_change(proposed: Proposed) -> None:
    """With values, nothing is told of it: its value is the same so far."""
    attribute = {"Fn::GetAtt": ["One", "DisplayName"]}
    before = {"One": topic("att-1", "a"), "Two": topic("att-2", attribute)}
    proposed.update(template(before), template(before | {"One": topic("att-1", "b")}))
    assert proposed.details("Two") == [("DisplayName", "Dynamic", "ResourceAttribute", "One.DisplayName", "Never")]
    assert [it["LogicalResourceId"] for it in proposed.changes(values=True)] == ["One"]


def test_what_refers_to_what_changes_in_place_stays(proposed: Proposed) -> None:
    before = {"One": topic("ref-1", "a"), "Two": topic("ref-2", {"Ref": "One"})}
    proposed.update(template(before), template(before | {"One": topic("ref-1", "b")}))
    assert [it["LogicalResourceId"] for it in proposed.changes()] == ["One"]


@pytest.mark.parametrize(
    ("function", "source", "entity"),
    [
        ({"Ref": "One"}, "ResourceReference", "One"),
        ({"Fn::GetAtt": ["One", "TopicName"]}, "ResourceAttribute", "One.TopicName"),
    ],
    ids=["ref", "attribute"],
)
def test_what_refers_to_what_is_replaced_changes_to_what_is_not_known(
    proposed: Proposed, function: Any, source: str, entity: str
) -> None:
    name = f"gone-{source}"
    before = {"One": topic(name), "Two": parameter(function)}
    proposed.update(template(before), template(before | {"One": topic(f"{name}-new")}))
    one, two = proposed.changes()
    assert (one["Replacement"], one["PolicyAction"]) == ("True", "ReplaceAndDelete")
    assert (two["Replacement"], "PolicyAction" in two) == ("False", False)
    assert proposed.details("One") == [("TopicName", "Static", "DirectModification", "", "Always")]
    assert proposed.details("Two") == [("Value", "Static", source, entity, "Never")]
    assert proposed.details("Two", values=True) == [
        ("Value", "Static", source, entity, "Never"),
        ("Value", "Dynamic", "DirectModification", "", "Never"),
    ]
    told = proposed.changes(values=True)[1]
    assert json.loads(told["AfterContext"])["Properties"] == {"Type": "String", "Value": UNKNOWN}
    assert json.loads(told["BeforeContext"])["Properties"]["Value"].endswith(name)


def test_another_value_of_a_parameter_is_told_with_its_name(proposed: Proposed) -> None:
    body = template({"Made": topic("by-parameter", {"Ref": "Shown"})}, Parameters={"Shown": {"Type": "String"}})
    proposed.update(body, body, {"Shown": "a"}, {"Shown": "b"})
    expected = [
        ("DisplayName", "Static", "ParameterReference", "Shown", "Never"),
        ("DisplayName", "Dynamic", "DirectModification", "", "Never"),
    ]
    assert proposed.details("Made") == expected
    assert proposed.details("Made", values=True) == expected
    assert proposed.described()["Parameters"] == given({"Shown": "b"})


def test_a_new_parameter_is_told_with_its_name(proposed: Proposed) -> None:
    text = {"Fn::Sub": ["It is ${it}", {"it": {"Ref": "Shown"}}]}
    after = template({"Made": topic("new-parameter", text)}, Parameters={"Shown": {"Type": "String", "Default": "new"}})
    proposed.update(template({"Made": topic("new-parameter")}), after)
    assert [it[2:4] for it in proposed.details("Made")] == [("ParameterReference", "Shown"), ("DirectModification", "")]


def test_another_value_behind_the_same_name_in_systems_manager_is_a_direct_modification(
    plane: InProcess, proposed: Proposed
) -> None:
    ssm = plane.client("ssm")
    ssm.put_parameter(Name="behind", Value="a", Type="String")
    body = template(
        {"Made": parameter({"Ref": "Read"})}, Parameters={"Read": {"Type": "AWS::SSM::Parameter::Value<String>"}}
    )
    proposed.propose(body, {"Read": "behind"}, "CREATE")
    proposed.execute()
    ssm.put_parameter(Name="behind", Value="b", Type="String", Overwrite=True)
    proposed.propose(body, {"Read": "behind"})
    assert proposed.details("Made") == [("Value", "Static", "DirectModification", "", "Never")]
    (told,) = proposed.described()["Parameters"]
    assert told == {"ParameterKey": "Read", "ParameterValue": "behind", "ResolvedValue": "b"}


def test_an_entry_of_a_mapping_by_a_parameter_is_told_with_the_parameter(proposed: Proposed) -> None:
    body = template(
        {"Made": topic("by-mapping", {"Fn::FindInMap": ["Texts", "all", {"Ref": "Key"}]})},
        Mappings={"Texts": {"all": {"one": "a", "two": "b"}}},
        Parameters={"Key": {"Type": "String"}},
    )
    proposed.update(body, body, {"Key": "one"}, {"Key": "two"})
    assert proposed.details("Made")[0][:4] == ("DisplayName", "Static", "ParameterReference", "Key")


def test_another_entry_of_a_mapping_is_a_direct_modification(proposed: Proposed) -> None:
    found = {"Made": topic("mapped", {"Fn::FindInMap": ["Texts", "all", "one"]})}
    before, after = (template(found, Mappings={"Texts": {"all": {"one": text}}}) for text in "ab")
    proposed.update(before, after)
    assert proposed.details("Made") == [("DisplayName", "Static", "DirectModification", "", "Never")]


def test_a_dependency_changes_nothing(proposed: Proposed) -> None:
    before = {"One": topic("depends-1", "a"), "Two": topic("depends-2") | {"DependsOn": "One"}}
    after = {"One": topic("depends-1", "b"), "Two": topic("depends-2") | {"DependsOn": ["One", "Three"]}}
    proposed.update(template(before), template(after | {"Three": topic("depends-3")}))
    assert [(it["Action"], it["LogicalResourceId"]) for it in proposed.changes()] == [
        ("Modify", "One"),
        ("Add", "Three"),
    ]


# -- with the values of properties ----------------------------------------------------------------------------


def test_a_modification_is_told_with_the_values_before_and_after(proposed: Proposed) -> None:
    proposed.update(template({"One": topic("values", "a")}), template({"One": topic("values", "b")}))
    (told,) = proposed.changes(values=True)
    assert told["Details"][0]["Target"] == {
        "AfterValue": "b",
        "Attribute": "Properties",
        "AttributeChangeType": "Modify",
        "BeforeValue": "a",
        "Name": "DisplayName",
        "Path": "/Properties/DisplayName",
        "RequiresRecreation": "Never",
    }
    contexts = [json.loads(told[name]) for name in ("BeforeContext", "AfterContext")]
    assert contexts == [{"Properties": {"TopicName": "values", "DisplayName": text}} for text in "ab"]


def test_what_is_added_has_no_context_before_and_what_is_removed_none_after(proposed: Proposed) -> None:
    """The values that a removed resource had of others are not told."""
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::GetAtt": ["One", "TopicName"]}}}
    one = topic("context-1")
    proposed.update(
        template({"One": one, "Group": group}), template({"One": one, "Two": topic("context-2", {"Ref": "One"})})
    )
    removed, added = proposed.changes(values=True)
    assert (removed["Action"], removed["PolicyAction"], "AfterContext" in removed) == ("Remove", "Delete", False)
    assert json.loads(removed["BeforeContext"]) == {"Properties": {"LogGroupName": UNKNOWN}}
    assert (added["Action"], "BeforeContext" in added) == ("Add", False)
    assert json.loads(added["AfterContext"])["Properties"]["DisplayName"].endswith(":context-1")


def tagged(name: str, *tags: tuple[str, str], **attributes: Any) -> str:
    found = topic(name)
    found["Properties"] |= {"Tags": [{"Key": key, "Value": value} for key, value in tags]} if tags else {}
    return template({"Made": {**found, **attributes}})


def policy(*resources: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": list(resources)}
    return {"Version": "2012-10-17", "Statement": [statement]}


def targets(proposed: Proposed) -> list[tuple[str, ...]]:
    """The paths, the kinds of change and the values before and after of the one resource that changes."""
    (change,) = proposed.changes(values=True)
    found = [it["Target"] for it in change["Details"]]
    members = ("Path", "AttributeChangeType", "BeforeValue", "AfterValue")
    return [tuple(it.get(member, "") for member in members) for it in found]


def test_tags_are_an_attribute_that_is_told_tag_by_tag(proposed: Proposed) -> None:
    proposed.update(tagged("tags", ("a", "1"), ("b", "2")), tagged("tags", ("c", "3"), ("b", "2"), ("d", "4")))
    assert targets(proposed) == [
        ("/Properties/Tags/0/Key", "Modify", "a", "c"),
        ("/Properties/Tags/0/Value", "Modify", "1", "3"),
        ("/Properties/Tags/2", "Add", "", '{"Key":"d","Value":"4"}'),
    ]
    (change,) = proposed.changes(values=True)
    assert change["Scope"] == ["Tags"]
    assert all(it["Target"]["Attribute"] == "Tags" and "Name" not in it["Target"] for it in change["Details"])


def test_a_property_that_comes_is_told_as_a_whole(proposed: Proposed) -> None:
    proposed.update(tagged("tagless"), tagged("tagless", ("a", "1")))
    assert targets(proposed) == [("/Properties/Tags", "Add", "", '[{"Key":"a","Value":"1"}]')]


def test_an_object_is_told_by_its_members(proposed: Proposed) -> None:
    def bucket(status: dict[str, str]) -> str:
        return template({"Made": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": status}}})

    proposed.update(bucket({"Status": "Enabled"}), bucket({"Status": "Suspended"}))
    assert targets(proposed) == [("/Properties/VersioningConfiguration/Status", "Modify", "Enabled", "Suspended")]


def role(*policies: tuple[str, Any]) -> dict[str, Any]:
    trust = json.loads(trusting(Service="ec2.amazonaws.com"))
    inline = [{"PolicyName": name, "PolicyDocument": document} for name, document in policies]
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": inline}}


def test_a_policy_is_told_as_a_whole_where_it_is_another_one(proposed: Proposed) -> None:
    one, before, after = (policy(*(f"arn:aws:s3:::{name}/*" for name in names)) for names in ("x", "a", "ab"))
    proposed.update(
        template({"Made": role(("one", one), ("two", before))}), template({"Made": role(("one", one), ("two", after))})
    )
    documents = [json.dumps(document, separators=(",", ":")) for document in (before, after)]
    assert targets(proposed) == [("/Properties/Policies/1/PolicyDocument", "Modify", *documents)]


def test_a_reference_within_a_policy_is_told_by_its_place(proposed: Proposed) -> None:
    resource = {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"}
    body = template({"Made": role(("one", policy("*", resource)))}, Parameters={"Bucket": {"Type": "String"}})
    proposed.update(body, body, {"Bucket": "a"}, {"Bucket": "b"})
    path = "/Properties/Policies/0/PolicyDocument/Statement/0/Resource/1"
    assert targets(proposed) == [(path, "Modify", "arn:aws:s3:::a/*", "arn:aws:s3:::b/*")] * 2
    assert proposed.details("Made", values=True) == [
        ("Policies", "Static", "ParameterReference", "Bucket", "Never"),
        ("Policies", "Dynamic", "DirectModification", "", "Never"),
    ]


def test_what_changes_beside_a_reference_is_told_as_well(proposed: Proposed) -> None:
    def body(other: str) -> str:
        found = topic("beside")
        found["Properties"]["Tags"] = [{"Key": "a", "Value": {"Ref": "Given"}}, {"Key": "b", "Value": other}]
        return template({"Made": found}, Parameters={"Given": {"Type": "String"}})

    proposed.update(body("1"), body("2"), {"Given": "x"}, {"Given": "y"})
    assert targets(proposed) == [
        ("/Properties/Tags/0/Value", "Modify", "x", "y"),
        ("/Properties/Tags/0/Value", "Modify", "x", "y"),
        ("/Properties/Tags/1/Value", "Modify", "1", "2"),
    ]
    assert [it[1:3] for it in proposed.details("Made", values=True)] == [
        ("Static", "ParameterReference"),
        ("Dynamic", "DirectModification"),
        ("Static", "DirectModification"),
    ]


def test_of_long_values_the_signatures_are_told(proposed: Proposed) -> None:
    """Recorded: SHA-256 of the value as JSON without spaces, of 4,353 characters, and none of 2,134."""
    before, after = (policy(*(f"arn:aws:s3:::{name}-{number:045}/*" for number in range(70))) for name in "ab")
    proposed.update(template({"Made": role(("long", before))}), template({"Made": role(("long", after))}))
    signatures = []
    for document in (before, after):
        told = json.dumps([{"PolicyName": "long", "PolicyDocument": document}], separators=(",", ":"))
        signatures.append(f"(Truncated-Signature):{hashlib.sha256(told.encode()).hexdigest()}")
    assert targets(proposed) == [("/Properties/Policies", "Modify", *signatures)]
    (change,) = proposed.changes(values=True)
    contexts = [json.loads(change[name])["Properties"]["Policies"] for name in ("BeforeContext", "AfterContext")]
    assert contexts == signatures


def test_contexts_have_the_metadata_and_the_policies_that_are_named(proposed: Proposed) -> None:
    named = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Delete", "Metadata": {"aws:cdk:path": "a/b"}}
    proposed.update(tagged("contexts", ("a", "1"), **named), tagged("contexts", ("a", "2"), DeletionPolicy="Delete"))
    (change,) = proposed.changes(values=True)
    before, after = (json.loads(change[name]) for name in ("BeforeContext", "AfterContext"))
    assert list(before) == ["Properties", "Metadata", "UpdateReplacePolicy", "DeletionPolicy"]
    assert {name: before[name] for name in named} == named
    assert {name: value for name, value in after.items() if name != "Properties"} == {"DeletionPolicy": "Delete"}


def test_a_secret_is_not_told_by_a_change_set_or_an_event(stacks: Stacks, proposed: Proposed) -> None:
    """An attack with DescribeChangeSet and DescribeStackEvents alone."""
    tagged = topic("secretive") | {"Metadata": {"Held": {"Ref": "Secret"}}}
    tagged["Properties"]["Tags"] = [{"Key": "held", "Value": {"Ref": "Secret"}}]
    body = template({"Made": tagged}, Parameters={"Secret": {"Type": "String", "NoEcho": True}})
    proposed.update(body, body, {"Secret": "first-secret"}, {"Secret": "second-secret"})
    assert proposed.details("Made") == [
        ("Metadata", "Static", "ParameterReference", "Secret", "Never"),
        ("Tags", "Static", "ParameterReference", "Secret", "Never"),
        ("Metadata", "Dynamic", "DirectModification", "", "Never"),
        ("Tags", "Dynamic", "DirectModification", "", "Never"),
    ]
    (change,) = proposed.changes()
    assert change["Scope"] == ["Metadata", "Tags"]
    assert change["Details"][1]["Target"] == {"Attribute": "Tags", "RequiresRecreation": "Never"}
    told = json.dumps(proposed.described(values=True), default=str)
    proposed.execute()
    told += json.dumps(stacks.client.describe_stack_events(StackName=proposed.name), default=str)
    assert "****" in told
    assert "first-secret" not in told
    assert "second-secret" not in told


def test_what_a_dynamic_reference_names_is_not_told(plane: InProcess, stacks: Stacks, proposed: Proposed) -> None:
    plane.client("ssm").put_parameter(Name="named", Value="what-it-names", Type="String")
    written = "{{resolve:ssm:named}}"
    proposed.update(template({"Made": parameter(written)}), template({"Made": parameter(f"{written}!")}))
    told = json.dumps(proposed.described(values=True), default=str)
    told += json.dumps(stacks.client.describe_stack_events(StackName=proposed.name), default=str)
    assert written in told
    assert "what-it-names" not in told
