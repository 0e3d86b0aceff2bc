from __future__ import annotations

import base64
import re

import pytest

from locum.credentials import saml
from support.saml_idp import ISSUER, metadata, signer

CERTIFICATE = base64.b64encode(signer().der).decode()


def test_metadata_says_who_signs_and_with_what() -> None:
    found = saml.read_metadata(metadata(signer(), signer("next"), valid_until="2030-01-02T03:04:05Z"))
    assert found == saml.Metadata(ISSUER, (signer().der, signer("next").der), 1893553445.0)


def test_metadata_may_be_valid_for_ever() -> None:
    assert saml.read_metadata(metadata()).valid_until is None


def test_a_key_without_a_use_signs_as_well() -> None:
    assert saml.read_metadata(metadata(use="")).certificates == (signer().der,)


def test_an_expired_certificate_is_taken() -> None:
    """IAM "does not evaluate or take action on the expiration of X.509 certificates in SAML metadata documents"."""
    assert signer().certificate.not_valid_after_utc.year == 2020
    assert saml.read_metadata(metadata()).certificates == (signer().der,)


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
FILE = '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>'


def after_the_declaration(text: str) -> str:
    return metadata().replace("?>\n", f"?>{text}", 1)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param("x" * 2000, "is not XML", id="no XML"),
        pytest.param(metadata().replace("EntityDescriptor", "EntitiesDescriptor"), "root element", id="another root"),
        pytest.param(metadata(issuer=""), "entityID", id="no entityID"),
        pytest.param(metadata(issuer="https://" + "x" * 1020), "entityID", id="entityID too long"),
        pytest.param(metadata().replace("IDPSSO", "SPSSO"), "no IDPSSODescriptor", id="a service provider"),
        pytest.param(metadata().replace("2.0:protocol", "1.1:protocol"), "no IDPSSODescriptor", id="SAML 1.1"),
        pytest.param(metadata(use='use="encryption"'), "no certificate", id="no key that signs"),
        pytest.param(metadata().replace(CERTIFICATE, "%%%"), "not base64", id="certificate not base64"),
        pytest.param(metadata().replace(CERTIFICATE, "AAAA"), "valid X.509", id="no certificate"),
        pytest.param(metadata(valid_until="tomorrow"), "not a date", id="validUntil no date"),
        pytest.param("\ufeff" + metadata(), "byte order mark", id="byte order mark"),
        pytest.param(after_the_declaration(BOMB).replace(ISSUER, "&c;"), "document type", id="XML bomb"),
        pytest.param(after_the_declaration(FILE).replace(ISSUER, "&c;"), "document type", id="external entity"),
        pytest.param("\ud800", "not text", id="a lone surrogate"),
    ],
)
def test_what_is_no_metadata_is_refused(document: str, reason: str) -> None:
    with pytest.raises(saml.BadMetadata, match=re.escape(reason)):
        saml.read_metadata(document)
