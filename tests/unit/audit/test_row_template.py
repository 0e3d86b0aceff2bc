"""A row out of a mould is the row of the record that the call would have had."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from locum.audit import Identity, Record, Resource, RowTemplate, decode

RECORD = Record(
    event_id="a",
    request_id="b",
    at=1.5,
    account="111122223333",
    region="eu-west-1",
    event_source="sts.amazonaws.com",
    service="sts",
    operation="AssumeRole",
    identity=Identity("user", "arn:aws:iam::111122223333:user/ann", "111122223333", "AIDA", "ann", "AKIA"),
    read_only=True,
    user_agent='quoted "agent", with a comma',
    parameters={"first": 1},
    resources=(Resource("AWS::IAM::Role", "first"),),
    verdict="allow",
    determining=("policy#1",),
)

times = st.floats(min_value=0, max_value=4e9, allow_nan=False)
parameters = st.none() | st.dictionaries(st.text(), st.text() | st.integers(-9, 9) | st.booleans())
resources = st.lists(st.builds(Resource, st.text(), st.text(), st.text(), st.text())).map(tuple)


@given(times, parameters, resources)
def test_a_moulded_row_is_that_of_the_record(at: float, given_: Any, about: tuple[Resource, ...]) -> None:
    row = RowTemplate(RECORD).row("event", "request", at, given_, about)
    own = msgspec.structs.replace(
        RECORD, event_id="event", request_id="request", at=at, parameters=given_, resources=about
    )
    assert decode(row.data) == own
    assert row._replace(data=b"") == own.row()._replace(data=b"")
