from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from locum.core.principal import Caller, Principal
from locum.credentials import saml
from locum.services.iam.limits import SAML_PROVIDERS
from locum.state import SamlProvider, decode, encode
from support.iam_plane import ACCOUNT, NOW, OTHER, Plane, arn
from support.saml_idp import metadata, signer

METADATA = metadata()
ARN = arn("saml-provider", "Okta")
KEY = signer("reader").pem
CENTURY = 36524 * 86400
NO_UPDATES = "Unable to update identity provider. No updates are defined for metadata or encryption assertion."
BOTH = "Unable to add and remove private keys in the same request. Set a value for only one of the two parameters."
NO_KEY = "Unable to set assertion encryption mode to Required because no private key is provided."
PKCS8 = PrivateFormat.PKCS8


@pytest.fixture
def okta(plane: Plane) -> Plane:
    """A plane with the provider Okta."""
    plane.call("CreateSAMLProvider", Name="Okta", SAMLMetadataDocument=METADATA)
    return plane


def shown(plane: Plane) -> dict[str, Any]:
    return plane.call("GetSAMLProvider", SAMLProviderArn=ARN)


def update(plane: Plane, **params: Any) -> None:
    assert plane.call("UpdateSAMLProvider", SAMLProviderArn=ARN, **params) == {"SAMLProviderArn": ARN}


def key_ids(plane: Plane) -> list[str]:
    return [key["KeyId"] for key in shown(plane)["PrivateKeyList"]]


def test_a_new_provider_is_answered_with_its_arn_and_tags(plane: Plane) -> None:
    tags = [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert plane.call("CreateSAMLProvider", Name="x", SAMLMetadataDocument=METADATA, Tags=tags) == {
        "SAMLProviderArn": arn("saml-provider", "x"),
        "Tags": tags,
    }
    assert plane.call("CreateSAMLProvider", Name="y", SAMLMetadataDocument=METADATA) == {
        "SAMLProviderArn": arn("saml-provider", "y")
    }


def test_get_shows_the_document_as_it_came(okta: Plane) -> None:
    provider = shown(okta)
    uuid = provider.pop("SAMLProviderUUID")
    assert 22 <= len(uuid) <= 64
    assert uuid.isalnum()
    assert uuid == uuid.upper()
    assert provider == {
        "SAMLMetadataDocument": METADATA,
        "CreateDate": NOW,
        "ValidUntil": NOW + CENTURY,
        "Tags": [],
        "AssertionEncryptionMode": "Allowed",
        "PrivateKeyList": [],
    }


def test_a_provider_is_valid_as_long_as_its_metadata(plane: Plane) -> None:
    document = metadata(valid_until="2033-05-18T03:33:20Z")
    plane.call("CreateSAMLProvider", Name="Okta", SAMLMetadataDocument=document)
    assert shown(plane)["ValidUntil"] == 2_000_000_000
    update(plane, SAMLMetadataDocument=METADATA)
    assert shown(plane)["ValidUntil"] == NOW + CENTURY
    assert shown(plane)["SAMLMetadataDocument"] == METADATA


def test_a_leap_day_has_no_century(plane: Plane) -> None:
    plane.now = 1_709_210_096  # 2024-02-29T12:34:56Z
    plane.call("CreateSAMLProvider", Name="Okta", SAMLMetadataDocument=METADATA)
    assert shown(plane)["ValidUntil"] == 4_864_797_296  # 2124-02-28T12:34:56Z


def test_a_provider_is_written_down_and_read_again_with_its_keys(okta: Plane) -> None:
    update(okta, AddPrivateKey=KEY, AssertionEncryptionMode="Required")
    assert decode(encode(okta.events)) == okta.events


def test_the_list_has_no_pages_and_no_tags(okta: Plane) -> None:
    okta.call("CreateSAMLProvider", Name="adfs", SAMLMetadataDocument=METADATA, Tags=[{"Key": "a", "Value": ""}])
    assert okta.call("ListSAMLProviders") == {
        "SAMLProviderList": [
            {"Arn": arn("saml-provider", name), "ValidUntil": NOW + CENTURY, "CreateDate": NOW}
            for name in ("adfs", "Okta")
        ]
    }
    okta.caller = Caller(Principal.root(OTHER))
    assert okta.call("ListSAMLProviders") == {"SAMLProviderList": []}


def test_a_deleted_provider_is_gone(okta: Plane) -> None:
    assert okta.call("DeleteSAMLProvider", SAMLProviderArn=ARN) == {}
    assert okta.call("ListSAMLProviders") == {"SAMLProviderList": []}
    okta.call("CreateSAMLProvider", Name="OKTA", SAMLMetadataDocument=METADATA)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetSAMLProvider", {}),
        ("UpdateSAMLProvider", {"SAMLMetadataDocument": METADATA}),
        ("DeleteSAMLProvider", {}),
        ("TagSAMLProvider", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("UntagSAMLProvider", {"TagKeys": ["a"]}),
        ("ListSAMLProviderTags", {}),
    ],
)
def test_a_provider_must_be_there_and_in_the_callers_account(
    okta: Plane, operation: str, params: dict[str, Any]
) -> None:
    for text in (arn("saml-provider", "ghost"), arn("saml-provider", "Okta", OTHER), ARN.lower()):
        refused = okta.fault(operation, SAMLProviderArn=text, **params)
        assert refused == ("NoSuchEntity", 404, f"Manifest not found for arn {text}")
    for text in (arn("role", "Okta-and-more"), "not-an-arn-but-long-enough"):
        assert okta.fault(operation, SAMLProviderArn=text, **params) == (
            "InvalidInput",
            400,
            f"ARN {text} is not valid.",
        )


def test_a_name_is_taken_whatever_its_case(okta: Plane) -> None:
    refused = okta.fault("CreateSAMLProvider", Name="OKTA", SAMLMetadataDocument=METADATA)
    assert refused == ("EntityAlreadyExists", 409, "Provider with name OKTA already exists.")


def test_an_account_has_so_many_providers_and_no_more(plane: Plane) -> None:
    for number in range(SAML_PROVIDERS):
        plane.call("CreateSAMLProvider", Name=f"idp-{number}", SAMLMetadataDocument=METADATA)
    refused = plane.fault("CreateSAMLProvider", Name="more", SAMLMetadataDocument=METADATA)
    assert refused == ("LimitExceeded", 409, "Cannot exceed quota for SAMLProvidersPerAccount: 100")


@pytest.mark.parametrize("document", ["a" * 1024, METADATA.replace("IDPSSO", "SPSSO"), "<!DOCTYPE x>" + METADATA])
def test_a_document_that_is_no_metadata_is_refused(okta: Plane, document: str) -> None:
    unreadable = ("InvalidInput", 400, "Could not parse metadata")
    assert okta.fault("CreateSAMLProvider", Name="x", SAMLMetadataDocument=document) == unreadable
    assert okta.fault("UpdateSAMLProvider", SAMLProviderArn=ARN, SAMLMetadataDocument=document) == unreadable


def test_a_private_key_is_kept_sealed_and_never_shown(okta: Plane) -> None:
    update(okta, AddPrivateKey=KEY)
    (key,) = shown(okta)["PrivateKeyList"]
    assert key["Timestamp"] == NOW
    assert 22 <= len(key["KeyId"]) <= 64
    provider = okta.state.get(SamlProvider, ACCOUNT, "okta")
    assert provider is not None
    (kept,) = provider.private_keys
    assert b"PRIVATE KEY" not in kept.key
    assert saml.open_private_key(okta.keyring, kept.id, kept.key) == KEY.encode()


def test_private_keys_are_rotated(okta: Plane) -> None:
    update(okta, AddPrivateKey=KEY, AssertionEncryptionMode="Required")
    update(okta, AddPrivateKey=signer("next reader").pem)
    old, new = key_ids(okta)
    refused = okta.fault("UpdateSAMLProvider", SAMLProviderArn=ARN, AddPrivateKey=KEY)
    assert refused == ("LimitExceeded", 409, "Private key limit of 2 is reached.")
    update(okta, RemovePrivateKey=old)
    assert key_ids(okta) == [new]
    refused = okta.fault("UpdateSAMLProvider", SAMLProviderArn=ARN, RemovePrivateKey=new)
    assert refused == ("InvalidInput", 400, "Failed to remove private key.")
    update(okta, RemovePrivateKey=new, AssertionEncryptionMode="Allowed")
    assert key_ids(okta) == []


def test_a_provider_may_take_encrypted_assertions_only_from_the_start(plane: Plane) -> None:
    given = {"SAMLMetadataDocument": METADATA, "AssertionEncryptionMode": "Required"}
    assert plane.fault("CreateSAMLProvider", Name="Okta", **given) == ("InvalidInput", 400, NO_KEY)
    plane.call("CreateSAMLProvider", Name="Okta", AddPrivateKey=KEY, **given)
    assert shown(plane)["AssertionEncryptionMode"] == "Required"
    assert len(key_ids(plane)) == 1


SEALED = signer("reader").key.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"secret")).decode()
LONG = signer("long", 4104).pem
CURVE = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({}, NO_UPDATES, id="nothing to update"),
        pytest.param({"AddPrivateKey": KEY, "RemovePrivateKey": "A" * 22}, BOTH, id="add and remove"),
        pytest.param({"AssertionEncryptionMode": "Required"}, NO_KEY, id="required without a key"),
        pytest.param({"AddPrivateKey": "no key"}, "Invalid private key.", id="no key"),
        pytest.param({"AddPrivateKey": SEALED}, "Invalid private key.", id="a key with a passphrase"),
        pytest.param({"AddPrivateKey": LONG}, "Invalid private key.", id="a key that takes long to check"),
        pytest.param({"AddPrivateKey": CURVE}, "Invalid private key.", id="a key that does not decrypt"),
        pytest.param(
            {"RemovePrivateKey": "A" * 22},
            "Failed to remove private key because the Key ID does not match a private key.",
            id="a key that is not there",
        ),
    ],
)
def test_an_update_that_cannot_be_is_refused(okta: Plane, params: dict[str, Any], message: str) -> None:
    before = okta.state
    assert okta.fault("UpdateSAMLProvider", SAMLProviderArn=ARN, **params) == ("InvalidInput", 400, message)
    assert okta.state is before


def test_tags_are_added_listed_in_pages_and_removed(okta: Plane) -> None:
    tags = [{"Key": key, "Value": key.upper()} for key in "cab"]
    okta.call("TagSAMLProvider", SAMLProviderArn=ARN, Tags=tags)
    pages = okta.pages("ListSAMLProviderTags", "Tags", SAMLProviderArn=ARN, MaxItems=2)
    assert [[tag["Key"] for tag in page] for page in pages] == [["a", "b"], ["c"]]
    okta.call("UntagSAMLProvider", SAMLProviderArn=ARN, TagKeys=["a", "x"])
    assert shown(okta)["Tags"] == [{"Key": "b", "Value": "B"}, {"Key": "c", "Value": "C"}]


def test_a_provider_has_so_many_tags_and_no_more(okta: Plane) -> None:
    okta.call("TagSAMLProvider", SAMLProviderArn=ARN, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    refused = okta.fault("TagSAMLProvider", SAMLProviderArn=ARN, Tags=[{"Key": "more", "Value": ""}])
    assert refused == ("LimitExceeded", 409, "The number of tags has reached the maximum limit.")
