"""What a tour prints can be typed, and fits an old terminal."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.cli import narration

WORDS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=30)
TEXTS = st.text("abcXYZ:*/ ", min_size=1, max_size=9)
DOCUMENTS = st.dictionaries(TEXTS, st.lists(TEXTS)).map(json.dumps)


def typed(lines: list[str]) -> list[str]:
    """What a shell makes of a command that was told (shlex knows no continued lines)."""
    first, *rest = lines
    return shlex.split("\n".join([first.partition("$")[2], *rest]).replace(" \\\n", " "))


def meant(word: str) -> object:
    """A word, and of JSON what it says."""
    try:
        return json.loads(word)
    except ValueError:
        return word


@given(st.lists(WORDS | DOCUMENTS, min_size=1, max_size=12))
def test_a_shell_reads_back_the_words_that_were_told(words: list[str]) -> None:
    told = typed(narration.command_lines(["aws", *words]))
    assert [meant(word) for word in told] == [meant(word) for word in ["aws", *words]]


@given(st.lists(st.text("abcdefgh-", min_size=1, max_size=40), min_size=1, max_size=20))
def test_no_line_is_wider_than_the_terminal(words: list[str]) -> None:
    assert max(map(len, narration.command_lines(words))) <= narration.WIDTH


def test_a_call_is_told_as_the_command_line_would_have_it() -> None:
    parameters = {
        "ImageId": "ami-1",
        "MinCount": 1,
        "MaxCount": 1,
        "IamInstanceProfile": {"Name": "app"},
        "SecurityGroupIds": ["sg-1", "sg-2"],
    }
    assert shlex.join(narration.aws("ec2", "run_instances", parameters)) == (
        "aws ec2 run-instances --image-id ami-1 --iam-instance-profile Name=app --security-group-ids sg-1 sg-2"
    )


def test_what_is_yes_or_no_is_an_option_without_a_value() -> None:
    told = narration.aws("iam", "create_policy_version", {"PolicyArn": "a", "SetAsDefault": True})
    assert told == ["aws", "iam", "create-policy-version", "--policy-arn", "a", "--set-as-default"]
    parameters = {"InstanceId": "i-1", "ShouldDecrementDesiredCapacity": False}
    told = narration.aws("autoscaling", "terminate_instance_in_auto_scaling_group", parameters)
    assert told[-1] == "--no-should-decrement-desired-capacity"


def test_a_document_among_attributes_is_told_as_json() -> None:
    attributes = {"Policy": '{"Statement": []}'}
    *_, told = narration.aws("sqs", "set_queue_attributes", {"QueueUrl": "u", "Attributes": attributes})
    assert json.loads(told) == attributes
    long = {"Policy": json.dumps({"Statement": [{"Sid": f"a statement {n}"} for n in range(9)]})}
    words = narration.aws("sqs", "set_queue_attributes", {"Attributes": long})
    assert json.loads(typed(narration.command_lines(words))[-1]) == long


def test_s3_is_told_by_the_name_of_its_api_commands() -> None:
    assert narration.aws("s3", "delete_bucket", {"Bucket": "b"}) == ["aws", "s3api", "delete-bucket", "--bucket", "b"]


def test_text_is_wrapped_and_names_are_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    arn = "arn:aws:sts::000000000000:assumed-role/a-role-of-some-length/i-0123456789abcdef0"
    narration.answered(f"User: {arn} is not authorized to perform: s3:GetObject")
    lines = capsys.readouterr().out.splitlines()
    assert arn in [line.strip() for line in lines]
