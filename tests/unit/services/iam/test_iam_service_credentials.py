"""Service-specific credentials: one row an outcome."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from locum.credentials import BrokenSeal
from locum.credentials.servicekeys import open_service_secret
from locum.services.iam.limits import CREDENTIALS_PER_SERVICE_AND_USER
from locum.state import ServiceSpecificCredential, decode, encode
from support.iam_plane import ACCOUNT, NOW, Plane

GIT, CASSANDRA, BEDROCK, LOGS = (f"{name}.amazonaws.com" for name in ("codecommit", "cassandra", "bedrock", "logs"))
DAY = 86_400
MISSING = "satisfiesregexbutstillinvalid"
NO_USER = ("NoSuchEntity", 404, "The user with name nobody cannot be found.")
NO_CREDENTIAL = ("NoSuchEntity", 404, f"No such credential {MISSING} exists")


def no_service(name: str) -> tuple[str, int, str]:
    return ("NoSuchEntity", 404, f"No such service {name} is supported for Service Specific Credentials")


@pytest.fixture
def ann(plane: Plane) -> Plane:
    plane.user("Ann")
    return plane


def create(plane: Plane, service: str = GIT, user: str = "ann", **params: Any) -> dict[str, Any]:
    answer = plane.call("CreateServiceSpecificCredential", UserName=user, ServiceName=service, **params)
    made: dict[str, Any] = answer["ServiceSpecificCredential"]
    return made


def listed(plane: Plane, **params: Any) -> list[dict[str, Any]]:
    answer = plane.call("ListServiceSpecificCredentials", **params)
    assert answer["IsTruncated"] is False
    found: list[dict[str, Any]] = answer["ServiceSpecificCredentials"]
    return found


@pytest.mark.parametrize("service", [GIT, CASSANDRA])
def test_a_password_is_shown_once(ann: Plane, service: str) -> None:
    made = create(ann, service)
    assert re.fullmatch("[A-Za-z0-9+/]{59}=", made.pop("ServicePassword"))
    assert listed(ann, UserName="ann") == [made]
    assert re.fullmatch("ACCA[A-Z2-7]{17}", made.pop("ServiceSpecificCredentialId"))
    assert made == {
        "CreateDate": NOW,
        "ServiceName": service,
        "ServiceUserName": f"Ann-at-{ACCOUNT}",
        "UserName": "Ann",
        "Status": "Active",
    }


@pytest.mark.parametrize(("service", "prefix"), [(BEDROCK, "ABSK"), (LOGS, "ACWL")])
@pytest.mark.parametrize("days", [None, 1, 36_600])
def test_an_api_key_is_shown_once(ann: Plane, service: str, prefix: str, days: int | None) -> None:
    age: dict[str, Any] = {"CredentialAgeDays": days} if days else {}
    made = create(ann, service, **age)
    secret = made.pop("ServiceCredentialSecret")
    assert secret.startswith(prefix)
    alias, _, rest = base64.b64decode(secret[len(prefix) :], validate=True).decode().partition(":")
    assert (alias, len(rest)) == (f"Ann-at-{ACCOUNT}", 60)
    assert listed(ann, UserName="ann") == [made]
    made.pop("ServiceSpecificCredentialId")
    assert made == {
        "CreateDate": NOW,
        **({"ExpirationDate": NOW + days * DAY} if days else {}),
        "ServiceName": service,
        "ServiceCredentialAlias": f"Ann-at-{ACCOUNT}",
        "UserName": "Ann",
        "Status": "Active",
    }


@pytest.mark.parametrize(("service", "member"), [(GIT, "ServicePassword"), (BEDROCK, "ServiceCredentialSecret")])
def test_a_secret_is_kept_sealed_and_replaced_by_a_reset(ann: Plane, service: str, member: str) -> None:
    first = create(ann, service)
    key = {"ServiceSpecificCredentialId": first["ServiceSpecificCredentialId"]}
    assert first[member].encode() not in encode(ann.events)
    assert decode(encode(ann.events)) == ann.events
    ann.now += DAY
    second = ann.call("ResetServiceSpecificCredential", UserName="ann", **key)["ServiceSpecificCredential"]
    assert second.pop(member) != first[member]
    del first[member]
    assert second == first
    (kept,) = ann.state.every(ServiceSpecificCredential)
    assert open_service_secret(ann.keyring, kept.id, kept.secret) != ""
    with pytest.raises(BrokenSeal):
        open_service_secret(ann.keyring, "ACCAANOTHER", kept.secret)


def test_a_user_has_two_for_each_service(ann: Plane) -> None:
    assert CREDENTIALS_PER_SERVICE_AND_USER == 2
    names = [create(ann)["ServiceUserName"], create(ann)["ServiceUserName"]]
    assert names == [f"Ann-at-{ACCOUNT}", f"Ann+1-at-{ACCOUNT}"]
    assert ann.fault("CreateServiceSpecificCredential", UserName="ann", ServiceName=GIT) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2",
    )
    assert create(ann, BEDROCK)["ServiceCredentialAlias"] == f"Ann-at-{ACCOUNT}"


def test_no_two_credentials_of_a_service_have_the_same_name(ann: Plane) -> None:
    create(ann)
    ann.call("UpdateUser", UserName="ann", NewUserName="Bea")
    ann.user("Ann")
    assert create(ann)["ServiceUserName"] == f"Ann+1-at-{ACCOUNT}"
    (moved,) = listed(ann, UserName="bea")
    assert (moved["UserName"], moved["ServiceUserName"]) == ("Bea", f"Ann-at-{ACCOUNT}")


@pytest.mark.parametrize("name", ["nonexistentservice.amazonaws.com", "o3on3n3onosneo", "lambda.amazonaws.com"])
def test_services_without_such_credentials(ann: Plane, name: str) -> None:
    assert ann.fault("CreateServiceSpecificCredential", UserName="ann", ServiceName=name) == no_service(name)
    assert ann.fault("ListServiceSpecificCredentials", UserName="ann", ServiceName=name) == no_service(name)
    assert ann.fault("CreateServiceSpecificCredential", UserName="nobody", ServiceName=name) == NO_USER


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("CreateServiceSpecificCredential", {"UserName": "nobody", "ServiceName": GIT}, NO_USER),
        ("ListServiceSpecificCredentials", {"UserName": "nobody"}, NO_USER),
        (
            "UpdateServiceSpecificCredential",
            {"UserName": "nobody", "ServiceSpecificCredentialId": MISSING, "Status": "Active"},
            NO_USER,
        ),
        ("ResetServiceSpecificCredential", {"UserName": "nobody", "ServiceSpecificCredentialId": MISSING}, NO_USER),
        ("DeleteServiceSpecificCredential", {"UserName": "nobody", "ServiceSpecificCredentialId": MISSING}, NO_USER),
        (
            "UpdateServiceSpecificCredential",
            {"UserName": "ann", "ServiceSpecificCredentialId": MISSING, "Status": "Active"},
            NO_CREDENTIAL,
        ),
        ("ResetServiceSpecificCredential", {"UserName": "ann", "ServiceSpecificCredentialId": MISSING}, NO_CREDENTIAL),
        ("DeleteServiceSpecificCredential", {"UserName": "ann", "ServiceSpecificCredentialId": MISSING}, NO_CREDENTIAL),
        (
            "ListServiceSpecificCredentials",
            {},
            ("ValidationError", 400, "Must specify userName when calling with non-User credentials"),
        ),
        (
            "ListServiceSpecificCredentials",
            {"AllUsers": True, "UserName": "ann"},
            ("InvalidInput", 400, "AllUsers cannot be specified together with UserName."),
        ),
        (
            "CreateServiceSpecificCredential",
            {"UserName": "ann", "ServiceName": GIT, "CredentialAgeDays": 1},
            (
                "ValidationError",
                400,
                "CredentialAgeDays is only valid for services that support long-term API keys.",
            ),
        ),
    ],
)
def test_what_is_refused(ann: Plane, operation: str, params: dict[str, Any], expected: tuple[str, int, str]) -> None:
    assert ann.fault(operation, **params) == expected


def test_a_credential_is_the_business_of_its_user_alone(ann: Plane) -> None:
    key = {"ServiceSpecificCredentialId": create(ann)["ServiceSpecificCredentialId"]}
    ann.user("Ben")
    ann.become("ben")
    fault = ("NoSuchEntity", 404, f"No such credential {key['ServiceSpecificCredentialId']} exists")
    for given in ({}, {"UserName": "ben"}):
        assert ann.fault("UpdateServiceSpecificCredential", **key, **given, Status="Inactive") == fault
        assert ann.fault("ResetServiceSpecificCredential", **key, **given) == fault
        assert ann.fault("DeleteServiceSpecificCredential", **key, **given) == fault
    ann.become("ann")
    assert ann.call("DeleteServiceSpecificCredential", **key) == {}
    assert listed(ann) == []


def test_a_credential_is_switched_off_and_expires(ann: Plane) -> None:
    made = create(ann, BEDROCK, CredentialAgeDays=1)
    named = {"UserName": "ann", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    seen = []
    for status in ("Inactive", "Active"):
        assert ann.call("UpdateServiceSpecificCredential", **named, Status=status) == {}
        seen += [one["Status"] for one in listed(ann, UserName="ann")]
    for instant in (NOW + DAY - 0.01, NOW + DAY):
        ann.now = instant
        seen += [one["Status"] for one in listed(ann, UserName="ann")]
    ann.call("UpdateServiceSpecificCredential", **named, Status="Active")
    seen += [one["Status"] for one in listed(ann, UserName="ann")]
    assert seen == ["Inactive", "Active", "Active", "Expired", "Expired"]
    assert ann.fault("UpdateServiceSpecificCredential", **named, Status="Expired")[0] == "InvalidInput"


def test_lists_are_of_a_user_or_a_service_or_everybody(ann: Plane) -> None:
    ann.user("Ben")
    made = [create(ann, service, user) for user in ("ann", "ben") for service in (GIT, BEDROCK, GIT)]
    ids = [one["ServiceSpecificCredentialId"] for one in made]
    services = [one["ServiceName"] for one in made]

    def found(**params: Any) -> set[int]:
        return {ids.index(one["ServiceSpecificCredentialId"]) for one in listed(ann, **params)}

    assert found(UserName="ann") == {0, 1, 2}
    assert found(UserName="ben", ServiceName=GIT) == {3, 5}
    assert found(UserName="ben", ServiceName=CASSANDRA) == set()
    assert found(AllUsers=True) == {0, 1, 2, 3, 4, 5}
    assert found(AllUsers=True, ServiceName=BEDROCK) == {1, 4}
    assert found(AllUsers=False, UserName="ann") == {0, 1, 2}
    assert services == [GIT, BEDROCK, GIT] * 2
    pages = ann.pages("ListServiceSpecificCredentials", "ServiceSpecificCredentials", AllUsers=True, MaxItems=4)
    assert [[one["UserName"] for one in page] for page in pages] == [["Ann"] * 3 + ["Ben"], ["Ben"] * 2]
    ann.become("ben")
    assert found() == {3, 4, 5}
