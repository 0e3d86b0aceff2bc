"""Whatever is done to a signed document: it says what was signed, or nothing."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from locum.credentials import saml
from support.saml_idp import Login, encrypted, metadata, octets, signed_assertion, signed_response, signer

LOGIN = Login(now=1_790_000_000.0, attributes={"Role": ["a,b", "c,d"]})
KEY = signer("reader")
DOCUMENTS = tuple(
    octets(element)
    for element in (
        signed_assertion(LOGIN),
        signed_response(LOGIN),
        LOGIN.response(encrypted(signer().sign(LOGIN.assertion()), KEY)),
        LOGIN.response(encrypted(signer().sign(LOGIN.assertion()), KEY, "cbc")),
    )
)
TRUE = saml.validate_response(DOCUMENTS[0], [signer().der]).assertion


def said(data: bytes) -> saml.Assertion | None:
    try:
        return saml.validate_response(data, [signer().der], [KEY.pem.encode()]).assertion
    except saml.SamlError:
        return None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_a_changed_document_never_says_something_else(document: bytes, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(document)))
    end = data.draw(st.integers(begin, min(len(document), begin + 40)))
    middle = data.draw(st.binary(max_size=8) | st.sampled_from([b"<!-- -->", b"<a/>", b"&amp;", b"\r\n", b'"']))
    assert said(document[:begin] + middle + document[end:]) in (TRUE, None)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_pieces_put_elsewhere_never_say_something_else(document: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(document)), min_size=3, max_size=3)))
    pieces = [document[: cuts[0]], document[cuts[0] : cuts[1]], document[cuts[1] : cuts[2]], document[cuts[2] :]]
    order = data.draw(st.lists(st.sampled_from(range(4)), min_size=1, max_size=6))
    assert said(b"".join(pieces[index] for index in order)) in (TRUE, None)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.integers(0, 1500).map(lambda cut: metadata()[:cut] + metadata()[cut + 1 :]))
def test_metadata_is_read_or_refused(text: str) -> None:
    with suppress(saml.BadMetadata):
        assert saml.read_metadata(text).certificates
