"""What an HTTP endpoint behind the gateway is told of the client's headers."""

from __future__ import annotations

import pytest

from locum.backends.http import _forwarded


@pytest.mark.parametrize("name", ["x_amz_copy_source", "x-amz_copy-source", "x_amz_target", "x_moto_account_id"])
def test_a_header_spelt_with_underscores_is_not_passed_on(name: str) -> None:
    assert _forwarded({name: "v", "content-type": "text/plain"}) == {"content-type": "text/plain"}


def test_metadata_may_have_underscores() -> None:
    assert _forwarded({"x-amz-meta-a_b": "v"}) == {"x-amz-meta-a_b": "v"}
