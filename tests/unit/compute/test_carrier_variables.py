"""The variables that a carrier finds its credentials by, as AWS documents them for each kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from locum.compute.carriers import SECRETS, Room, variables
from locum.core.carriers import Carrier, Kind

NUMBER = "0b1c2d3e-4f50-4617-8879-8a9b0c1d2e3f"
ROLE = "arn:aws:iam::000000000000:role/app"
CREDENTIALS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": 1}


def carrier(kind: Kind) -> Carrier:
    return Carrier(
        kind=kind, id=NUMBER, account="000000000000", region="us-east-1", role=ROLE, name="app", secret=NUMBER
    )


def test_a_task_finds_a_relative_uri_and_its_metadata() -> None:
    assert variables(carrier(Kind.ECS), None, SECRETS, {}) == {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": f"/v2/credentials/{NUMBER}",
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "ECS_CONTAINER_METADATA_URI_V4": f"http://169.254.170.2/v4/{NUMBER}",
    }


def test_a_task_without_a_namespace_finds_a_full_uri_and_a_token() -> None:
    found = variables(replace(carrier(Kind.ECS), authorization="shown"), 4711, SECRETS, {})
    assert found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == f"http://127.0.0.1:4711/v2/credentials/{NUMBER}"
    assert found["AWS_CONTAINER_AUTHORIZATION_TOKEN"] == "shown"
    assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in found


def test_a_pod_finds_the_agent_and_the_file_of_its_token() -> None:
    folder = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    assert variables(carrier(Kind.POD), None, SECRETS, {}) == {
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{folder}/eks-pod-identity-token",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    }


def test_a_pod_with_irsa_finds_its_role_and_the_file_of_its_token() -> None:
    assert variables(carrier(Kind.IRSA), None, SECRETS, {}) == {
        "AWS_ROLE_ARN": ROLE,
        "AWS_ROLE_SESSION_NAME": f"app-{NUMBER}",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    }


def test_a_function_finds_its_credentials_in_variables() -> None:
    found = variables(carrier(Kind.LAMBDA), None, SECRETS, CREDENTIALS)
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == ("ASIAEXAMPLE", "secret")
    assert (found["AWS_SESSION_TOKEN"], found["AWS_LAMBDA_FUNCTION_NAME"]) == ("token", "app")


@pytest.mark.parametrize("kind", list(Kind))
def test_the_directory_of_a_carrier_is_its_user_s_alone(tmp_path: Path, kind: Kind) -> None:
    folder = tmp_path / "carriers" / NUMBER
    room = Room.make(folder, carrier(kind))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(room.scratch.iterdir()) == []
    with pytest.raises(FileExistsError):
        Room.make(folder, carrier(kind))
