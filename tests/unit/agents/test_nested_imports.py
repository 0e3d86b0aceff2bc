"""A stack that is there becomes a nested one of another stack, and is what it was where that fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from locum.state import Stack
from support.nested_stacks import RETAINED, TOPIC, Nesting, delay_in, entry, nested, pair, queue
from support.plane import allow, fresh
from support.waiting_stacks import Crafts, crafts, template


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("nests")) as plane:
        yield plane


def test_a_stack_becomes_a_nested_one_and_is_updated_and_deleted_as_such(there: Crafts) -> None:
    nesting = Nesting(there)
    found = nesting.proposed()
    assert found["Changes"][0]["ResourceChange"]["Action"] == "Import"
    assert found["Changes"][0]["ResourceChange"]["PhysicalResourceId"] == nesting.inner
    assert "ParentId" not in there.described(nesting.inner)
    there.cloudformation.execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert there.status(nesting.outer) == "IMPORT_COMPLETE"
    told = there.described(nesting.inner)
    assert told["ParentId"] == told["RootId"] == nesting.outer
    assert told["StackStatus"] == "CREATE_COMPLETE"
    nesting.bucket.put("inner", {"Queue": queue(2)})
    there.update(nesting.outer, nesting.body() | {"Meta": {"Type": "AWS::CDK::Metadata"}})
    assert there.status(nesting.outer) == there.status(nesting.inner) == "UPDATE_COMPLETE"
    assert delay_in(there, nesting.inner) == "2"
    there.update(nesting.outer, {"Topic": TOPIC, "Inner": nested(nesting.url)})
    assert there.status(nesting.outer) == "UPDATE_COMPLETE"
    there.cloudformation.delete_stack(StackName=nesting.outer)
    assert there.status(nesting.outer) == there.status(nesting.inner) == "DELETE_COMPLETE"


def test_its_outputs_are_its_attributes(there: Crafts) -> None:
    nesting = Nesting(there)
    body = template({"Queue": queue(1)}, {"Told": "something"})
    there.cloudformation.update_stack(StackName=nesting.inner, TemplateBody=body)
    assert there.status(nesting.inner) == "UPDATE_COMPLETE"
    nesting.bucket.put("inner", {"Queue": queue(1)}, Outputs={"Told": {"Value": "something"}})
    assert nesting.executed() == "IMPORT_COMPLETE"
    outputs = {"Told": {"Fn::GetAtt": ["Inner", "Outputs.Told"]}}
    there.cloudformation.update_stack(StackName=nesting.outer, TemplateBody=template(nesting.body(), outputs))
    assert there.described(nesting.outer)["Outputs"] == [{"OutputKey": "Told", "OutputValue": "something"}]


def test_its_template_and_its_tags_must_be_those_that_the_resource_has(there: Crafts) -> None:
    nesting = Nesting(there, Tags=[{"Key": "of", "Value": "inner"}])
    tags = {"Tags": [{"Key": "of", "Value": "inner"}]}
    told = f"Tags of resource [Inner] defined in the template don't match those of stack {nesting.inner}."
    assert nesting.reason() == told
    assert nesting.reason(Tags=[{"Key": "of", "Value": "another"}]) == told
    nesting.bucket.put("inner", {"Queue": queue(7)})
    assert nesting.reason(**tags) == (
        f"Template of resource [Inner] defined in the template doesn't match those of stack {nesting.inner}."
    )
    nesting.bucket.put("inner", {"Queue": queue(1)})
    assert nesting.executed(**tags) == "IMPORT_COMPLETE"


def test_only_one_level_is_nested(there: Crafts) -> None:
    around = pair(there, {"Queue": queue(1)})
    nesting = Nesting(there)
    nesting.inner = around.outer
    nesting.bucket.put("inner", {"Inner": nested(around.url)})
    assert nesting.reason() == "Stacks to be imported cannot have any child stacks."
    within = Nesting(there)
    within.outer = around.inner
    found = there.cloudformation.create_change_set(
        StackName=around.inner,
        ChangeSetName=fresh("nests"),
        ChangeSetType="IMPORT",
        TemplateBody=template({"Queue": queue(1), "Inner": within.body()["Inner"]}),
        ResourcesToImport=[entry("Inner", within.inner)],
    )
    told = there.cloudformation.describe_change_set(ChangeSetName=found["Id"])
    assert told["StatusReason"] == "Stacks cannot be imported into a child stack."


def test_a_stack_that_was_imported_itself_is_not_nested_until_it_is_updated(there: Crafts) -> None:
    nesting, url = Nesting(there), there.plane.client("sqs").create_queue(QueueName=fresh("old"))["QueueUrl"]
    body = {"Old": {**queue(0, QueueName=url.rpartition("/")[2]), **RETAINED}}
    own = {"ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Old", "ResourceIdentifier": {"QueueUrl": url}}
    made_by_import = there.cloudformation.create_change_set(
        StackName=fresh("imported"),
        ChangeSetName="brings",
        ChangeSetType="IMPORT",
        TemplateBody=template(body),
        ResourcesToImport=[own],
    )
    there.cloudformation.execute_change_set(ChangeSetName=made_by_import["Id"])
    nesting.inner = made_by_import["StackId"]
    assert there.status(nesting.inner) == "IMPORT_COMPLETE"
    nesting.bucket.put("inner", body)
    assert nesting.reason() == (
        f"Stack {nesting.inner} is not in an importable status, current stack status is IMPORT_COMPLETE."
    )
    tags = [{"Key": "now", "Value": "updated"}]
    there.cloudformation.update_stack(StackName=nesting.inner, UsePreviousTemplate=True, Tags=tags)
    assert there.status(nesting.inner) == "UPDATE_COMPLETE"
    assert nesting.executed(Tags=tags) == "IMPORT_COMPLETE"


def test_nested_stacks_are_not_included_in_an_import(there: Crafts) -> None:
    with pytest.raises(ClientError) as refused:
        there.cloudformation.create_change_set(
            StackName=fresh("none"),
            ChangeSetName=fresh("nests"),
            ChangeSetType="IMPORT",
            IncludeNestedStacks=True,
            TemplateBody=template({"Topic": TOPIC}),
        )
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == "IncludeNestedStacks is not supported for changeSet type: IMPORT."


def test_what_is_no_stack_by_its_id_is_not_found(there: Crafts) -> None:
    nesting = Nesting(there)
    arn = nesting.inner
    told = "Resource of type 'AWS::CloudFormation::Stack' with identifier '{}' was not found."
    for absent in (
        arn.split("/")[1],
        arn[:-1] + ("0" if arn[-1] != "0" else "1"),
        arn.replace("us-east-1", "eu-west-1"),
    ):
        nesting.inner = absent
        assert nesting.reason() == told.format(absent)
    nesting.inner = arn
    there.cloudformation.delete_stack(StackName=arn)
    assert there.status(arn) == "DELETE_COMPLETE"
    assert nesting.reason() == told.format(arn)


def test_an_import_that_fails_leaves_the_stack_by_itself(there: Crafts) -> None:
    nesting, name = Nesting(there), fresh("gone")
    url = there.plane.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    body = nesting.body() | {"Gone": {**queue(0, QueueName=name), **RETAINED, "DependsOn": "Inner"}}
    gone = {"ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Gone", "ResourceIdentifier": {"QueueUrl": url}}
    found = there.cloudformation.create_change_set(
        StackName=nesting.outer,
        ChangeSetName=fresh("nests"),
        ChangeSetType="IMPORT",
        TemplateBody=template(body),
        ResourcesToImport=[entry("Inner", nesting.inner), gone],
    )
    there.plane.client("sqs").delete_queue(QueueUrl=url)
    there.cloudformation.execute_change_set(ChangeSetName=found["Id"])
    assert there.status(nesting.outer) == "IMPORT_ROLLBACK_COMPLETE"
    assert "IMPORT_COMPLETE Resource import completed." in there.reasons(nesting.outer, "Inner")
    told = there.described(nesting.inner)
    assert (told["StackStatus"], told.get("ParentId"), told.get("RootId")) == ("CREATE_COMPLETE", None, None)


def test_attack_a_stack_is_not_nested_in_itself(there: Crafts) -> None:
    nesting = Nesting(there)
    nesting.inner = nesting.outer
    assert nesting.reason() == f"Stack {nesting.outer} cannot be nested in itself."


def test_attack_a_nested_stack_is_not_taken_from_the_stack_that_has_it(there: Crafts) -> None:
    around, nesting = pair(there, {"Queue": queue(1)}), Nesting(there)
    nesting.inner = around.inner
    assert nesting.reason() == f"{around.inner} already exists in stack {around.outer}"
    assert there.described(around.inner)["ParentId"] == around.outer


def test_attack_two_stacks_are_not_nested_in_one_another(there: Crafts) -> None:
    one, other = Nesting(there), Nesting(there)
    other.inner, other.outer = one.outer, one.inner
    other.bucket.put("inner", {"Topic": TOPIC})
    first = one.proposed()
    second = there.cloudformation.create_change_set(
        StackName=other.outer,
        ChangeSetName=fresh("nests"),
        ChangeSetType="IMPORT",
        TemplateBody=template({"Queue": queue(1), "Inner": other.body()["Inner"]}),
        ResourcesToImport=[entry("Inner", other.inner)],
    )
    assert there.cloudformation.describe_change_set(ChangeSetName=second["Id"])["Status"] == "CREATE_COMPLETE"
    there.cloudformation.execute_change_set(ChangeSetName=first["ChangeSetId"])
    assert there.status(one.outer) == "IMPORT_COMPLETE"
    there.cloudformation.execute_change_set(ChangeSetName=second["Id"])
    assert there.status(other.outer) == "IMPORT_ROLLBACK_COMPLETE"
    state = there.plane.node.runtime.ledger.state
    parents = {it.arn: it.parent for it in state.table(Stack, "000000000000").values()}
    assert (parents[one.outer], parents[one.inner]) == ("", one.outer)


def test_attack_who_may_not_read_a_stack_or_its_template_nests_none(there: Crafts) -> None:
    nesting = Nesting(there)
    granted = ["cloudformation:CreateChangeSet", "cloudformation:DescribeStacks", "cloudformation:GetTemplate"]
    for missing in ("cloudformation:DescribeStacks", "cloudformation:GetTemplate", "s3:GetObject"):
        user = fresh("user")
        key = there.plane.user(user, allow([it for it in [*granted, "s3:GetObject"] if it != missing]))
        found = nesting.proposed(there.plane.client("cloudformation", key))
        assert found["Status"] == "FAILED"
        assert f"is not authorized to perform: {missing}" in found["StatusReason"]
