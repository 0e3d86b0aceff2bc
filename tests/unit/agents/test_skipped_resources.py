"""ContinueUpdateRollback goes on without the resources that it is told to skip, in the stack and in nested ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.nested_stacks import Bucket, delay_in, nested, queue
from support.plane import fresh
from support.waiting_stacks import Crafts, crafts

FAILS = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": "https://nobody", "Timeout": "1"}}
NOT_FAILED = "Only the resources failed during UpdateRollback are allowed to be skipped"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("skips")) as plane:
        yield plane


def after(resource: dict[str, Any], *others: str) -> dict[str, Any]:
    return {**resource, "DependsOn": list(others)}


def going_on(there: Crafts, stack: str, *skipped: str) -> None:
    there.cloudformation.continue_update_rollback(StackName=stack, ResourcesToSkip=list(skipped))


def refusal(there: Crafts, stack: str, *skipped: str) -> str:
    """The message with which a rollback is not continued, and that the stack stays as it is."""
    with pytest.raises(ClientError) as refused:
        going_on(there, stack, *skipped)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert there.status(stack) == "UPDATE_ROLLBACK_FAILED"
    return str(refused.value.response["Error"]["Message"])


def name_of(stack: str) -> str:
    return stack.split("/")[1]


def stuck(there: Crafts, depth: int = 1) -> list[str]:
    """A stack with others in it, so many deep: the rollback of `Thing` failed in the last one. The root is first."""
    bucket = Bucket(there)

    def put(of: str, delay: int) -> dict[str, Any]:
        url = bucket.put("last", {"Thing": there.custom(Of=of), "Queue": after(queue(delay), "Thing")})
        for level in range(1, depth):
            url = bucket.put(f"level{level}", {"Inner": nested(url), "Queue": queue(delay)})
        return nested(url) if depth else there.custom(Of=of)

    root = there.create({"Inner": put("one", 1)})
    there.answer(there.asked())
    assert there.status(root) == "CREATE_COMPLETE"
    there.update(root, {"Inner": put("two", 2), "Fails": after(FAILS, "Inner")})
    there.answer(there.asked())
    there.answer(there.asked(), "FAILED", Reason="not any more")
    assert there.status(root) == "UPDATE_ROLLBACK_FAILED"
    found = [root]
    for _ in range(depth):
        found.append(there.resource(found[-1], "Inner").physical)
        assert there.status(found[-1]) == "UPDATE_ROLLBACK_FAILED"
    return found


def test_a_resource_of_the_stack_is_skipped_and_told_to_be_updated(there: Crafts) -> None:
    (root,) = stuck(there, 0)
    going_on(there, root, "Inner")
    assert there.status(root) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.is_asked()
    assert there.reasons(root, "Inner")[-1] == "UPDATE_COMPLETE"
    assert there.resource(root, "Inner").status == "UPDATE_COMPLETE"


def test_a_resource_of_a_nested_stack_is_skipped_and_the_others_of_it_go_back(there: Crafts) -> None:
    root, inner = stuck(there)
    assert delay_in(there, inner) == "2"
    going_on(there, root, f"{name_of(inner)}.Thing")
    assert there.status(root) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.is_asked()
    assert there.reasons(inner, "Thing")[-1] == "UPDATE_COMPLETE"
    assert delay_in(there, inner) == "1"


def test_a_stack_deeper_within_is_named_by_itself(there: Crafts) -> None:
    root, middle, inner = stuck(there, 2)
    going_on(there, root, f"{name_of(inner)}.Thing")
    assert [there.status(it) for it in (root, middle, inner)] == ["UPDATE_ROLLBACK_COMPLETE"] * 3
    assert delay_in(there, inner) == "1"


def test_resources_of_several_stacks_are_skipped_together(there: Crafts) -> None:
    bucket = Bucket(there)

    def put(of: str) -> dict[str, Any]:
        urls = [bucket.put(name, {"Thing": there.custom(Of=of)}) for name in ("first", "second")]
        return {"First": nested(urls[0]), "Second": nested(urls[1])}

    root = there.create(put("one"))
    for _ in range(2):
        there.answer(there.asked())
    assert there.status(root) == "CREATE_COMPLETE"
    first, second = (there.resource(root, name).physical for name in ("First", "Second"))
    there.update(root, {**put("two"), "Fails": after(FAILS, "First", "Second")})
    for status in ("SUCCESS", "FAILED"):
        asking = [there.asked(), there.asked()]
        for each in asking:
            there.answer(each, status, Reason="not any more")
    assert [there.status(it) for it in (root, first, second)] == ["UPDATE_ROLLBACK_FAILED"] * 3
    going_on(there, root, f"{name_of(first)}.Thing", f"{name_of(second)}.Thing")
    assert [there.status(it) for it in (root, first, second)] == ["UPDATE_ROLLBACK_COMPLETE"] * 3
    assert not there.is_asked()


def test_what_was_skipped_stays_so_until_the_rollback_is_complete(there: Crafts) -> None:
    def things(of: str) -> dict[str, Any]:
        return {"One": there.custom(Of=of), "Two": after(there.custom(Of=of), "One")}

    root = there.create(things("one"))
    for _ in range(2):
        there.answer(there.asked())
    assert there.status(root) == "CREATE_COMPLETE"
    there.update(root, {**things("two"), "Fails": after(FAILS, "Two")})
    for _ in range(2):
        there.answer(there.asked())
    for name in ("One", "Two"):
        asking = there.asked()
        assert asking.told["LogicalResourceId"] == name
        there.answer(asking, "FAILED", Reason="not any more")
        assert there.status(root) == "UPDATE_ROLLBACK_FAILED"
        going_on(there, root, name)
    assert there.status(root) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.is_asked()
    there.update(root, things("three"))
    for name in ("One", "Two"):
        asking = there.asked()
        assert (asking.told["LogicalResourceId"], asking.told["ResourceProperties"]["Of"]) == (name, "three")
        there.answer(asking)
    assert there.status(root) == "UPDATE_COMPLETE"


def test_what_was_skipped_once_is_not_for_ever(there: Crafts) -> None:
    root, inner = stuck(there)
    going_on(there, root, f"{name_of(inner)}.Thing")
    assert there.status(root) == "UPDATE_ROLLBACK_COMPLETE"
    there.cloudformation.delete_stack(StackName=root)
    deletion = there.asked()
    assert deletion.told["RequestType"] == "Delete"
    there.answer(deletion)
    assert there.status(root) == there.status(inner) == "DELETE_COMPLETE"


def test_what_may_not_be_skipped_is_refused_in_awss_words(there: Crafts) -> None:
    root, inner = stuck(there)
    assert refusal(there, root, "Thing") == f"Resource [Thing] does not belong to stack {name_of(root)}"
    assert refusal(there, root, "Inner.Thing") == "Stack [Inner] does not exist"
    assert refusal(there, root, f"{name_of(root)}.Inner") == f"Stack [{name_of(root)}] does not exist"
    assert refusal(there, root, "Inner") == "Nested stacks could not be skipped"
    assert refusal(there, root, f"{name_of(inner)}.Queue") == NOT_FAILED
    assert refusal(there, root, f"{name_of(inner)}.Thing", "Fails") == NOT_FAILED
    assert there.resource(inner, "Thing").status == "UPDATE_FAILED"
    assert refusal(there, inner, "Thing") == "RollbackUpdatedStack cannot be invoked on child stacks"


def test_attack_a_resource_of_a_stack_that_is_not_nested_in_the_root_is_not_skipped(there: Crafts) -> None:
    root, _ = stuck(there)
    other, within = stuck(there)
    assert refusal(there, root, f"{name_of(within)}.Thing") == f"Stack [{name_of(within)}] does not exist"
    assert refusal(there, root, f"{name_of(other)}.Inner") == f"Stack [{name_of(other)}] does not exist"


def test_attack_a_stack_that_was_retained_is_not_reached_from_its_root_and_goes_on_by_itself(there: Crafts) -> None:
    bucket = Bucket(there)
    inner_of = {"Inner": {**nested(bucket.put("inner", {"Thing": there.custom(Of="one")})), "DeletionPolicy": "Retain"}}
    root = there.create({**inner_of, "Thing": there.custom(Of="one")})
    for _ in range(2):
        there.answer(there.asked())
    assert there.status(root) == "CREATE_COMPLETE"
    inner = there.resource(root, "Inner").physical
    there.update(root, {"Thing": there.custom(Of="one")})
    assert (there.status(root), there.status(inner)) == ("UPDATE_COMPLETE", "CREATE_COMPLETE")
    for stack in (root, inner):
        there.update(stack, {"Thing": there.custom(Of="two"), "Fails": after(FAILS, "Thing")})
        there.answer(there.asked())
        there.answer(there.asked(), "FAILED", Reason="not any more")
        assert there.status(stack) == "UPDATE_ROLLBACK_FAILED"
    assert refusal(there, root, f"{name_of(inner)}.Thing") == f"Stack [{name_of(inner)}] does not exist"
    for stack in (root, inner):
        going_on(there, stack, "Thing")
        assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_nested_stack_is_skipped_as_a_whole_once_it_is_deleted(there: Crafts) -> None:
    root, inner = stuck(there)
    there.cloudformation.delete_stack(StackName=inner)
    there.answer(there.asked())
    assert there.status(inner) == "DELETE_COMPLETE"
    going_on(there, root, "Inner")
    assert there.status(root) == "UPDATE_ROLLBACK_COMPLETE"


def test_what_an_update_cancelled_did_not_fail_in_the_rollback(there: Crafts) -> None:
    bucket = Bucket(there)
    url = bucket.put("inner", {"Thing": there.custom(Of="one"), "Queue": queue(1)})
    root = there.create({"Inner": nested(url), "Other": there.custom(Of="one")})
    for _ in range(2):
        there.answer(there.asked())
    assert there.status(root) == "CREATE_COMPLETE"
    bucket.put("inner", {"Thing": there.custom(Of="two"), "Queue": queue(2)})
    there.update(root, {"Inner": nested(url), "Other": there.custom(Of="two"), "Fails": after(FAILS, "Other")})
    asking = {it.told["LogicalResourceId"]: it for it in (there.asked(), there.asked())}
    there.answer(asking["Thing"])
    there.answer(asking["Other"])
    back = {it.told["LogicalResourceId"]: it for it in (there.asked(), there.asked())}
    there.answer(back["Thing"])
    there.answer(back["Other"], "FAILED", Reason="not any more")
    assert there.status(root) == "UPDATE_ROLLBACK_FAILED"
    inner = there.resource(root, "Inner").physical
    assert refusal(there, root, f"{name_of(inner)}.Thing") == NOT_FAILED
    going_on(there, root, "Other")
    assert there.status(root) == "UPDATE_ROLLBACK_COMPLETE"


def test_attack_who_may_not_update_the_nested_stack_does_not_have_it_go_on(there: Crafts) -> None:
    root, inner = stuck(there)
    user = fresh("user")
    statement = {"Effect": "Allow", "Action": "cloudformation:ContinueUpdateRollback", "Resource": root}
    client = there.plane.client("cloudformation", there.plane.user(user, statement))
    client.continue_update_rollback(StackName=root, ResourcesToSkip=[f"{name_of(inner)}.Thing"])
    assert there.status(root) == there.status(inner) == "UPDATE_ROLLBACK_FAILED"
    assert delay_in(there, inner) == "2"
    going_on(there, root)
    there.answer(there.asked())
    assert there.status(root) == "UPDATE_ROLLBACK_COMPLETE"
