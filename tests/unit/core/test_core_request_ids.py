"""Request ids that are made many at a time are as good as those made one by one."""

from __future__ import annotations

import re

from locum.core.clock import system_entropy
from locum.core.identifiers import RequestIds

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_each_is_a_random_uuid_and_none_is_given_out_twice() -> None:
    ids = RequestIds(system_entropy)
    given_out = [ids() for _ in range(1000)]
    assert len(set(given_out)) == 1000
    assert all(UUID4.fullmatch(text) for text in given_out)
