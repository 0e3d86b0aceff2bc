"""AWS's host names: the endpoints that botocore's own rules make, and what only looks like one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader

from locum.core.errors import Fault
from locum.wire import aws_host, aws_suffixes, bucket_of_host, is_aws_host
from support.wire_requests import name_of, rest

REGIONS = ("us-west-2", "us-gov-west-1", "cn-north-1")
OTHERS = frozenset({"codecatalyst", "signin"})
"""One that is signed for any region at its global endpoint, and one that is not below AWS's suffixes."""


def endpoints(region: str) -> Iterator[tuple[str, str, str]]:
    """The service, its signing name and its host, of all services and variants in a region."""
    loader = Loader()
    partitions = loader.load_data("partitions")
    for service in loader.list_available_services("endpoint-rule-set-1"):
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        for fips, dual in ((False, False), (True, False), (False, True)):
            try:
                found = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual)
            except EndpointProviderError:
                continue
            schemes = found.properties.get("authSchemes") or [{}]
            signed_as = schemes[0].get("signingName") or metadata.get("signingName") or metadata["endpointPrefix"]
            yield service, signed_as, found.url.partition("//")[2].partition("/")[0]


@pytest.mark.parametrize("region", REGIONS)
def test_no_endpoint_of_any_service_is_taken_for_that_of_another_service_or_region(region: str) -> None:
    total = known = 0
    for service, signed_as, name in endpoints(region):
        found = aws_host(name)
        total += 1
        if service in OTHERS:
            continue
        assert found is not None, name
        assert not found.signed_as or signed_as in found.signed_as, (name, signed_as, found)
        assert not found.regions or region in found.regions or region not in name, (name, found)
        known += bool(found.signed_as)
    assert known > total * 0.95


@pytest.mark.parametrize(
    ("name", "prefix", "regions", "label"),
    [
        ("sts.amazonaws.com:443", "sts", ("us-east-1", "us-gov-west-1"), ""),
        ("STS.eu-west-1.amazonaws.com", "sts", ("eu-west-1",), ""),
        ("iam.global.api.aws", "iam", ("us-east-1", "us-gov-west-1"), ""),
        ("sts.cn-north-1.amazonaws.com.cn", "sts", ("cn-north-1",), ""),
        ("s3.amazonaws.com", "s3", (), ""),
        ("a.b.s3.amazonaws.com", "s3", (), "a.b"),
        ("a.b.s3.us-west-2.amazonaws.com", "s3", ("us-west-2",), "a.b"),
        ("a.s3-us-west-2.amazonaws.com", "s3", ("us-west-2",), "a"),
        ("a.s3.dualstack.us-west-2.amazonaws.com", "s3", ("us-west-2",), "a"),
        ("a.s3-accelerate.dualstack.amazonaws.com", "s3-accelerate", (), "a"),
        ("a-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "s3-accesspoint", ("us-west-2",), "a-123456789012"),
        ("a--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "s3express", ("us-east-1",),
         "a--use1-az4--x-s3"),
        ("123456789012.s3-control.us-west-2.amazonaws.com", "s3-control", ("us-west-2",), "123456789012"),
        ("123456789012.ddb.us-west-2.amazonaws.com", "ddb", ("us-west-2",), "123456789012"),
        ("streams.dynamodb.us-west-2.amazonaws.com", "streams.dynamodb", ("us-west-2",), ""),
        ("us-west-2.queue.amazonaws.com", "queue", ("us-west-2",), ""),
        ("queue.amazonaws.com", "queue", ("us-east-1", "us-gov-west-1"), ""),
        ("us-west-2.elasticmapreduce.amazonaws.com", "elasticmapreduce", ("us-west-2",), ""),
        ("a1b2.execute-api.us-west-2.amazonaws.com", "execute-api", ("us-west-2",), "a1b2"),
        ("a1b2.lambda-url.us-west-2.on.aws", "lambda-url", ("us-west-2",), "a1b2"),
        ("search-x.us-west-2.no-such.amazonaws.com", "", ("us-east-1", "us-gov-west-1"), "search-x.us-west-2.no-such"),
    ],
)  # fmt: skip
def test_a_name_tells_service_and_region(name: str, prefix: str, regions: tuple[str, ...], label: str) -> None:
    found = aws_host(name)
    assert found is not None
    assert (found.prefix, found.regions, found.label) == (prefix, regions, label)


@pytest.mark.parametrize(
    "name",
    ["", "localhost:4566", "127.0.0.1", "[::1]:443", "amazonaws.com", "amazonaws.com.example.org", "xamazonaws.com",
     "s3.amazonaws.com.", "vpce-1a2b3c4d-5e6f.sqs.us-east-1.vpce.amazonaws.com", "a." * 130 + "s3.amazonaws.com"],
)  # fmt: skip
def test_other_names_are_nobodys(name: str) -> None:
    assert aws_host(name) is None


def test_the_suffixes_are_those_of_all_partitions() -> None:
    assert {"amazonaws.com", "api.aws", "on.aws", "amazonaws.com.cn", "amazonaws.eu", "c2s.ic.gov"} < set(
        aws_suffixes()
    )
    assert is_aws_host("a.b.s3.amazonaws.com")
    assert not any(map(is_aws_host, ("amazonaws.com", "xamazonaws.com", "a.amazonaws.com.example", "localhost", "")))


@pytest.mark.parametrize("name", ["s3-control", "s3-outposts", "s3-object-lambda"])
def test_the_account_of_another_endpoint_of_s3_is_no_bucket(name: str) -> None:
    assert bucket_of_host(f"123456789012.{name}.us-east-1.amazonaws.com") == ""


@pytest.mark.parametrize(
    ("host", "path", "operation"),
    [
        ("s3.eu-west-1.amazonaws.com", "/bucket", "s3.ListObjects"),
        ("a.b.s3.amazonaws.com", "/k", "s3.GetObject"),
        ("oidc.us-east-1.amazonaws.com", "/logout", ""),
    ],
)
def test_an_unsigned_request_is_for_the_service_of_its_host(host: str, path: str, operation: str) -> None:
    if operation:
        assert name_of(rest("GET", path, host=host), None) == operation
    else:
        with pytest.raises(Fault):
            name_of(rest("GET", path, host=host), None)


@pytest.mark.parametrize("host", ["dynamodb.us-east-1.amazonaws.com", "x.no-such.us-east-1.amazonaws.com"])
def test_an_unsigned_request_to_another_service_never_reads_a_bucket(host: str) -> None:
    with pytest.raises(Fault) as refused:
        name_of(rest("GET", "/bucket/key", host=host), None)
    assert refused.value.code == "UnknownOperationException"
