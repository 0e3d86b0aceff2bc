"""What of the host's environment a command inside an instance sees."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from locum.compute.aws_hosts import trusting
from locum.compute.environment import inside, secret_places

ENDPOINT = "http://127.0.0.1:4566"
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
prefixes = st.sampled_from(["AWS_", "AWS", "BOTO_", "LOCUM_", "AMAZON_", "EC2_", "ECS_CONTAINER_"])
OURS = {
    "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "BOTO_CONFIG", "NO_PROXY", "no_proxy",
}  # fmt: skip


@given(st.dictionaries(st.builds(str.__add__, prefixes, names), st.just("leaked"), min_size=1))
def test_nothing_of_the_hosts_aws_configuration_gets_in(host: dict[str, str]) -> None:
    environment = inside(host, ENDPOINT, "eu-west-1")
    assert "leaked" not in environment.values()
    assert set(environment) == OURS


@given(st.dictionaries(names.filter(lambda name: not name.startswith(("AWS", "BOTO_", "LOCUM_", "AMAZON_", "EC2_",
                                                                     "ECS_", "S3_", "NO_PROXY", "no_proxy"))),
                       st.text()))  # fmt: skip
def test_everything_else_is_as_it_was(host: dict[str, str]) -> None:
    environment = inside(host, ENDPOINT, "eu-west-1")
    assert {name: environment[name] for name in host} == host


def test_credentials_in_all_their_spellings_stay_outside() -> None:
    host = dict.fromkeys(
        [
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
            "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWSACCESSKEYID", "AWSSECRETKEY",
            "S3_ACCESS_KEY", "S3_SECRET_KEY", "LOCUM_DATA", "LOCUM_BACKEND_SECRET_ACCESS_KEY",
        ],
        "leaked",
    )  # fmt: skip
    assert "leaked" not in inside(host, ENDPOINT, "eu-west-1").values()


def test_sdks_are_told_the_endpoint_the_region_and_no_shared_files() -> None:
    environment = inside({}, ENDPOINT, "eu-west-1")
    assert environment["AWS_ENDPOINT_URL"] == ENDPOINT
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT" not in environment


def test_where_the_metadata_service_is_elsewhere_sdks_are_told() -> None:
    environment = inside({}, ENDPOINT, "eu-west-1", "http://127.0.0.1:1338/")
    assert environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == "http://127.0.0.1:1338/"


def test_neither_the_metadata_service_nor_the_gateway_is_asked_through_a_proxy() -> None:
    for host, kept in (({}, ""), ({"no_proxy": "corp"}, "corp,"), ({"NO_PROXY": "a", "no_proxy": "b"}, "a,")):
        environment = inside(host, ENDPOINT, "eu-west-1")
        own = "169.254.169.254,169.254.170.2,169.254.170.23,127.0.0.1,localhost"
        assert environment["NO_PROXY"] == environment["no_proxy"] == f"{kept}{own}"


def test_the_files_that_the_hosts_clients_read_are_among_the_hidden() -> None:
    host = {"AWS_SHARED_CREDENTIALS_FILE": "/run/keys", "AWS_CONFIG_FILE": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/t"}
    assert secret_places(host, Path("/home/ann"), Path("/data")) == [
        Path("/home/ann/.aws"), Path("/data"), Path("/run/keys"), Path("/run/t"),
    ]  # fmt: skip


def test_where_awss_hosts_are_the_gateway_no_endpoint_is_named_and_no_proxy_is_asked_for_them() -> None:
    found = inside({"AWS_ENDPOINT_URL": "http://host", "no_proxy": "a"}, "", "eu-west-1", direct=("amazonaws.com",))
    assert "AWS_ENDPOINT_URL" not in found
    assert found["AWS_REGION"] == "eu-west-1"
    assert found["no_proxy"] == "a,169.254.169.254,169.254.170.2,169.254.170.23,127.0.0.1,localhost,.amazonaws.com"


def test_every_kind_of_client_is_told_whom_to_trust() -> None:
    bundle = dict.fromkeys(("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"))
    told = trusting(Path("/data"))
    assert {told[name] for name in bundle} == {"/data/ca-certificates.pem"}
    assert told["NODE_EXTRA_CA_CERTS"] == "/data/authority.pem"
