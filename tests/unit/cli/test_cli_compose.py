"""From a data directory to a plane: what the first start makes, and what later ones leave alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from locum.backends.http import HttpBackend
from locum.backends.lazy import LazyBackend
from locum.cli.backends import identities
from locum.cli.compose import Node
from locum.cli.home import CREDENTIALS_FILE, read_root_key
from locum.cli.options import Options
from locum.cli.root_account import DEFAULT_ACCOUNT
from locum.core.errors import ConfigurationError, StorageError
from locum.services.verbs import Settings
from locum.state import Account
from support.inprocess import InProcess, refusal
from support.plane import TRUSTS_EC2 as TRUST


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


def test_the_first_start_makes_the_root_users_key_for_nobody_else_to_read(plane: InProcess) -> None:
    file = plane.node.options.data / CREDENTIALS_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert plane.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{DEFAULT_ACCOUNT}:root"


def test_a_later_start_finds_everything_as_it_was(plane: InProcess) -> None:
    plane.client("iam").create_user(UserName="ann")
    root = plane.root
    plane.close()
    plane.start()
    assert plane.root == root
    assert plane.client("iam").get_user(UserName="ann")["User"]["UserName"] == "ann"


def test_a_credentials_file_that_was_lost_is_written_again(plane: InProcess) -> None:
    data = plane.node.options.data
    plane.close()
    (data / CREDENTIALS_FILE).unlink()
    plane.start()
    assert read_root_key(data).access_key_id == plane.root.access_key_id


def test_a_root_user_without_a_key_gets_one_and_its_account_stays_as_it_is(plane: InProcess) -> None:
    plane.client("iam").create_account_alias(AccountAlias="acme")
    plane.client("iam").delete_access_key(AccessKeyId=plane.root.access_key_id)
    assert refusal(plane.client("sts").get_caller_identity)[0] == "InvalidClientTokenId"
    plane.close()
    plane.start()
    account = plane.node.ledger.state.get(Account, DEFAULT_ACCOUNT, DEFAULT_ACCOUNT)
    assert account is not None
    assert account.alias == "acme"
    assert plane.client("iam").list_account_aliases()["AccountAliases"] == ["acme"]


def test_a_directory_that_a_plane_holds_is_refused(plane: InProcess) -> None:
    with pytest.raises(StorageError):
        Node(Options(data=plane.node.options.data, port=0))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"backends": {"no-such": "http://h"}, "backend_keys": ("a", "b")}, "there is no service 'no-such'"),
        ({"backends": {"s3": "http://h"}}, "LOCUM_BACKEND_ACCESS_KEY_ID"),
        ({"backends": {"s3": "h:9000"}, "backend_keys": ("a", "b")}, "is no URL"),
    ],
)
def test_a_backend_that_cannot_be_is_refused_and_the_directory_stays_free(
    tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Node(Options(data=tmp_path / "data", **options))
    InProcess(tmp_path / "data").close()


def test_a_region_of_any_partition_is_taken_and_one_that_aws_may_yet_have(tmp_path: Path) -> None:
    session = Session()
    regions = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    }
    assert {"us-east-1", "us-gov-west-1", "cn-north-1"} <= regions
    for region in (*regions, "eu-test-9"):
        assert Options(data=tmp_path, settings=Settings(region)).settings.region == region


def test_backends_are_by_service_and_the_others_are_motos(tmp_path: Path) -> None:
    plane = InProcess(tmp_path, backends={"s3": "http://127.0.0.1:9"}, backend_keys=("a", "b"))
    backends = plane.node.runtime.backends
    assert isinstance(backends.of("s3"), HttpBackend)
    assert isinstance(backends.of("sqs"), LazyBackend)
    assert refusal(plane.client("s3").list_buckets)[:2] == ("ServiceUnavailable", 503)
    plane.close()


def test_one_backend_can_be_that_of_all_services(tmp_path: Path) -> None:
    plane = InProcess(tmp_path, backends={"*": "http://127.0.0.1:9"}, backend_keys=("a", "b"))
    assert isinstance(plane.node.runtime.backends.of("sqs"), HttpBackend)
    plane.close()


def test_backends_are_told_of_roles_and_profiles_as_they_are_now(plane: InProcess) -> None:
    iam, known = plane.client("iam"), identities(lambda: plane.node.ledger.state)
    iam.create_instance_profile(InstanceProfileName="web")
    (profile,) = known.profiles(DEFAULT_ACCOUNT)
    assert (profile.name, profile.roles) == ("web", [])
    arn = iam.create_role(RoleName="Web", Path="/team/", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="Web")
    (profile,) = known.profiles(DEFAULT_ACCOUNT)
    assert [role.name for role in profile.roles] == ["Web"]
    assert known.role(arn) == profile.roles[0]
    assert [known.role(other) for other in (arn.lower(), arn.replace("/team", ""), "Web", "")] == [None] * 4
    assert list(known.profiles("444455556666")) == []
