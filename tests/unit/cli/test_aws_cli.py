"""The environment of the AWS CLI that `locum aws` runs: the plane is all that it leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from locum.cli.aws_cli import aws_program, environment_of, line_of
from locum.cli.home import Plane, RootKey
from locum.core.errors import ConfigurationError

PLANE = Plane("http://127.0.0.1:4566", 4566, "eu-west-1", "000000000000", 1)
KEY = RootKey("AKIAROOT", "secret")


@pytest.mark.parametrize(
    "name",
    [
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_CLOUDFORMATION", "AWS_USE_FIPS_ENDPOINT"),
        *("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "no_proxy"),
    ],
)
@pytest.mark.parametrize("key", [KEY, None])
def test_no_variable_leads_elsewhere(name: str, key: RootKey | None) -> None:
    made = environment_of({name: "http://elsewhere.example"}, PLANE, key, "aws")
    assert [value for value in made.values() if "elsewhere" in value] == []
    assert made["https_proxy"] == made["HTTPS_PROXY"] == made["AWS_ENDPOINT_URL"] == PLANE.endpoint
    assert "127.0.0.1" in made["no_proxy"].split(",")


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"])
def test_credentials_of_the_environment_are_those_of_as_me_alone(name: str) -> None:
    given = {name: "mine", "AWS_ACCESS_KEY_ID": "AKIAMINE", "AWS_REGION": "us-west-2"}
    own = environment_of(given, PLANE, KEY, "aws")
    assert name not in own
    assert (own["AWS_ACCESS_KEY_ID"], own["AWS_REGION"]) == ("AKIAROOT", "eu-west-1")
    mine = environment_of(given, PLANE, None, "aws")
    assert (mine[name], mine["AWS_ACCESS_KEY_ID"], mine["AWS_REGION"]) == ("mine", "AKIAMINE", "us-west-2")


def test_a_region_is_given_where_nothing_has_one() -> None:
    assert environment_of({}, PLANE, None, "aws")["AWS_REGION"] == "eu-west-1"
    assert "AWS_REGION" not in environment_of({"AWS_PROFILE": "work"}, PLANE, None, "aws")


def test_arguments_are_handed_on_as_they_are() -> None:
    line = line_of("/bin/aws", PLANE, ["s3", "cp", "--", "-x"])
    assert line == ["/bin/aws", "--endpoint-url", PLANE.endpoint, "s3", "cp", "--", "-x"]
    assert line_of("/bin/aws", PLANE, []) == ["/bin/aws", "--endpoint-url", PLANE.endpoint]


@pytest.mark.parametrize("option", ["--endpoint-url", "--endpoint-url=", "--endpoint", "--end", "--e"])
def test_attack_no_argument_leads_elsewhere(option: str) -> None:
    with pytest.raises(ConfigurationError, match="leave --endpoint-url out"):
        line_of("/bin/aws", PLANE, ["s3", "ls", option, "http://elsewhere.example"])


def test_without_a_command_line_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ConfigurationError, match="pip install awscli"):
        aws_program({"PATH": str(tmp_path)})
