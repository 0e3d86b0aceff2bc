"""TemplateURL names an object of S3, at S3's hosts and at the plane's own addresses, and nothing else."""

from __future__ import annotations

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.templates import s3_object
from locum.services.verbs import Settings

SETTINGS = Settings(endpoint="http://127.0.0.1:4566", tls_port=4443)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://s3.amazonaws.com/b/k/t.json", ("b", "k/t.json", "", "")),
        ("https://b.s3.eu-west-1.amazonaws.com/k", ("b", "k", "eu-west-1", "")),
        ("http://127.0.0.1:4566/b/k?versionId=7", ("b", "k", "", "7")),
        ("https://localhost:4443/b/k", ("b", "k", "", "")),
        ("https://s3.localhost:4443/b/k", ("b", "k", "", "")),
        ("https://b.s3.localhost:4443/k", ("b", "k", "", "")),
        ("https://b.s3.us-east-1.localhost:4443/k", ("b", "k", "", "")),
        ("http://b.localhost:4566/k", ("b", "k", "", "")),
        ("http://[::1]:4566/b/k", ("b", "k", "", "")),
    ],
)
def test_an_object_is_named_by_a_url_of_s3_or_of_the_plane(url: str, expected: tuple[str, ...]) -> None:
    assert s3_object(url, SETTINGS) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:4566/b/k",
        "http://localhost:4443/b/k",
        "http://localhost/b/k",
        "http://localhost:99999/b/k",
        "http://localhost.example:4566/b/k",
        "http://127.0.0.1:8080/b/k",
        "http://169.254.169.254/latest",
        "ftp://localhost:4566/b/k",
    ],
)
def test_what_is_neither_s3_nor_the_plane_is_refused(url: str) -> None:
    with pytest.raises(Fault, match="TemplateURL must be a supported URL"):
        s3_object(url, SETTINGS)
