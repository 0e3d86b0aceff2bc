"""The variables of a function's process."""

from __future__ import annotations

from locum.compute.environment import of_function
from support.functions import function

ROLE = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "SessionToken": "token"}


def test_a_function_has_its_own_variables_the_roles_credentials_and_where_the_gateway_is() -> None:
    made = of_function(function("", environment={"STAGE": "test"}), ROLE, "http://127.0.0.1:4566", "/bin")
    assert (
        made.items()
        >= {
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
            "AWS_LAMBDA_FUNCTION_NAME": "app",
            "AWS_REGION": "us-east-1",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "PATH": "/bin",
            "STAGE": "test",
            "_HANDLER": "main.handler",
        }.items()
    )


def test_what_is_reserved_a_function_cannot_set() -> None:
    own = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_LAMBDA_FUNCTION_NAME": "other", "AWS_ENDPOINT_URL": "http://own"}
    made = of_function(function("", environment=own), ROLE, "http://127.0.0.1:4566", "/bin")
    assert (made["AWS_ACCESS_KEY_ID"], made["AWS_LAMBDA_FUNCTION_NAME"]) == ("ASIAEXAMPLE", "app")
    assert made["AWS_ENDPOINT_URL"] == "http://own"


def test_what_is_not_reserved_it_can() -> None:
    own = {"PATH": "/opt/own", "TZ": "Europe/Berlin", "LANG": "C"}
    assert of_function(function("", environment=own), ROLE, "", "/bin").items() >= own.items()


def test_a_runtime_of_the_os_alone_has_no_name() -> None:
    assert "AWS_EXECUTION_ENV" in of_function(function(""), ROLE, "", "")
    assert "AWS_EXECUTION_ENV" not in of_function(function("", runtime="provided.al2023"), ROLE, "", "")
