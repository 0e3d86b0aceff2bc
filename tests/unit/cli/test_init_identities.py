"""Roles and users in YAML: what they mean, and where what is wrong with them stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from locum.cli.accounts.model import Account
from locum.cli.inits.folder import Kind, contents
from locum.cli.inits.identities import identities
from locum.core.errors import ConfigurationError
from support.plane import ACCOUNT

AWS = "arn:aws:iam::aws:policy"


def read(text: str) -> Account:
    return identities("f.yaml", text, ACCOUNT).account


def trusted(text: str) -> Any:
    (role,) = read(f"roles: [{{name: r, trust: {text}}}]").roles.values()
    (statement,) = role.trust["Statement"]
    return statement["Principal"]


def test_short_words_are_whole_identities() -> None:
    found = identities(
        "f.yaml",
        """
policies:
  - name: jobs
    path: /teams/
    document:
      Version: 2012-10-17
      Statement:
        - {Effect: Allow, Action: sqs:*, Resource: "arn:aws:sqs:*:${AWS::AccountId}:jobs"}
groups:
  - {name: devs, policies: [PowerUserAccess]}
users:
  - {name: ann, groups: [devs], keys: true}
  - {name: bob, boundary: jobs}
roles:
  - name: app
    profile: true
    max_session_duration: 7200
    tags: {cost: 012}
    policies:
      - jobs
      - service-role/AWSLambdaBasicExecutionRole
      - arn:aws:iam::${AWS::AccountId}:policy/other
      - name: own
        document: {Statement: [{Effect: Deny, Action: "*", Resource: "*"}]}
""",
        ACCOUNT,
    )
    account = found.account
    jobs = f"arn:aws:iam::{ACCOUNT}:policy/teams/jobs"
    (statement,) = account.policies["jobs"].document["Statement"]
    assert account.policies["jobs"].document["Version"] == "2012-10-17"
    assert statement["Resource"] == f"arn:aws:sqs:*:{ACCOUNT}:jobs"
    assert account.groups["devs"].attached == (f"{AWS}/PowerUserAccess",)
    assert (account.users["ann"].groups, account.users["bob"].boundary, found.keys) == (("devs",), jobs, ("ann",))
    role = account.roles["app"]
    service = f"{AWS}/service-role/AWSLambdaBasicExecutionRole"
    assert role.attached == (jobs, service, f"arn:aws:iam::{ACCOUNT}:policy/other")
    assert role.trust["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert (role.max_session, role.tags, list(role.inline)) == (7200, {"cost": "012"}, ["own"])
    assert account.profiles["app"].roles == ("app",)


def test_trust_is_a_service_an_account_an_arn_or_a_list_of_them() -> None:
    assert trusted("lambda") == {"Service": "lambda.amazonaws.com"}
    assert trusted("000000000012") == {"AWS": "000000000012"}
    assert trusted("'arn:aws:iam::${AWS::AccountId}:user/ann'") == {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
    assert trusted("[ec2.amazonaws.com, lambda, 111122223333]") == {
        "Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"],
        "AWS": "111122223333",
    }
    document = "{Statement: [{Effect: Allow, Principal: {AWS: '*'}, Action: 'sts:AssumeRole'}]}"
    assert trusted(document) == {"AWS": "*"}


WRONG = {
    "": "f.yaml is empty",
    "roles: [": "f.yaml:1: no YAML",
    "- a": "f.yaml:1: the file is no mapping",
    "role: []": "f.yaml:1: role is unknown here: there are policies, groups, users, roles",
    "roles:\n  name: x": "f.yaml:2: roles is no list",
    "roles:\n  - nme: x": r"f.yaml:2: roles\[0\].nme is unknown here",
    "roles:\n  - path: /": r"f.yaml:2: roles\[0\] has no name",
    "roles:\n  - name: x": r"f.yaml:2: roles\[0\].name has no trust beside it",
    "roles:\n  - {name: x, trust: ec2}\n  - {name: X, trust: ec2}": r"f.yaml:3: roles\[1\].name is there twice",
    "roles:\n  - name: x\n    name: y": r"f.yaml:3: roles\[0\].name is there twice",
    "roles: [{name: 'a b', trust: ec2}]": r"roles\[0\].name is 'a b': a name has letters",
    "roles: [{name: ../../x, trust: ec2}]": r"roles\[0\].name is '../../x'",
    "roles: [{name: x, trust: mars}]": r"roles\[0\].trust is 'mars', which is no service, no account and no ARN",
    "roles: [{name: x, trust: []}]": r"roles\[0\].trust is empty",
    "roles: [{name: x, trust: {Statement: 3}}]": r"roles\[0\].trust is no policy: ",
    "roles: [{name: x, profile: [a]}]": r"roles\[0\].profile is no text",
    "roles: [{name: x, trust: ec2, path: x}]": r"roles\[0\].path is no path",
    "roles: [{name: x, trust: ec2, max_session_duration: 1h}]": "is no number of seconds from 3600 to 43200",
    "roles: [{name: x, trust: ec2, policies: [NoSuch]}]": r"policies\[0\] is 'NoSuch', which is no ARN, no policy of",
    "roles: [{name: x, trust: ec2, policies: [{name: p}]}]": "has not both a name and a document",
    "users: [{name: x, keys: maybe}]": r"users\[0\].keys is neither true nor false",
    "users: [{name: x, tags: [a]}]": r"users\[0\].tags is no mapping",
    "policies: [{name: p}]": r"policies\[0\].name has no document beside it",
    "policies: [{name: p, document: {}}]": r"policies\[0\].document is no policy: ",
    "a: &a [*a]": "more than 200000 values, or one that contains itself",
    "[" * 60 + "]" * 60: "f.yaml:1: nested deeper than 50 levels",
    "\x00": "f.yaml: no YAML",
    "users: !!python/object/apply:os.system ['id']": r"f.yaml:1: users\[0\] is no mapping",
    "? [a]\n: b": "has a key that is no text",
    "a: 1\n--- \nb: 2": "f.yaml:2: no YAML: but found another document",
}
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(f'*{name}' for _ in range(10))}]\n"
    for name, after in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize("text", [*WRONG, LAUGHS])
def test_attack_what_is_wrong_is_told_with_file_line_and_field(text: str) -> None:
    with pytest.raises(ConfigurationError, match=WRONG.get(text, "more than 200000 values")):
        read(text)


# -- a directory ----------------------------------------------------------------------------------------------


def test_entries_are_what_their_names_end_with_in_their_order(tmp_path: Path) -> None:
    files = {
        "30-late.sh": "exit 1",
        "10-Some_net.template.yaml": "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: !If [a, b, c]}}",
        "20-people.yml": "users: [{name: ann}]",
        "25.template.json": '{"Resources": {}}',
        "40-real.json": '{"UserDetailList": []}',
        "README.md": "x",
        ".hidden.sh": "x",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for folder, file in (("05-tf", "main.tf"), ("06-tf", "x.tf.json"), ("docs", "x.md")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    found = contents(tmp_path)
    kinds = [Kind.TERRAFORM, Kind.TERRAFORM, Kind.TEMPLATE, Kind.IDENTITIES, Kind.TEMPLATE, Kind.SCRIPT, Kind.DETAILS]
    assert [item.kind for item in found.items] == kinds
    assert [item.stack for item in found.items if item.kind is Kind.TEMPLATE] == ["Some-net", "stack"]
    assert found.ignored == ["README.md", "docs"]


def test_all_that_is_wrong_in_a_directory_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("users: [{name: 'a b'}]")
    (tmp_path / "b.template.yaml").write_text("Parameters: {}")
    (tmp_path / "c.template.json").write_text("{")
    (tmp_path / "d.json").write_bytes(b"\xff")
    (tmp_path / "1-e.template.json").write_text('{"Resources": {}}')
    (tmp_path / "2-e.template.json").write_text('{"Resources": {}}')
    (tmp_path / "f.yaml").symlink_to(tmp_path / "missing")
    with pytest.raises(ConfigurationError) as caught:
        contents(tmp_path)
    told = str(caught.value).split("; ")
    assert [line.partition(" is ")[0].partition(" cannot ")[0] for line in told] == [
        "a.yaml:1: users[0].name", "b.template.yaml", "c.template.json", "d.json", "f.yaml",
        "1-e.template.json and 2-e.template.json would both be the stack e: rename one of them",
    ]  # fmt: skip


def test_attack_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "roles.yaml")
    with pytest.raises(ConfigurationError, match=r"^roles.yaml is no file$"):
        contents(tmp_path)


def test_the_example_of_the_documentation_is_one() -> None:
    reference = (Path(__file__).resolve().parents[3] / "docs" / "commands.md").read_text()
    example = reference.partition("### Identities in YAML\n\n```yaml\n")[2].partition("```")[0]
    found = identities("example", example, ACCOUNT)
    assert (list(found.account.roles), list(found.account.profiles), found.keys) == (["app"], ["app"], ("ann",))
