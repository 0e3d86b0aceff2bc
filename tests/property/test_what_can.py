"""What a principal can do, against brute force: calls on resources of its account that have no policy of their own."""

from __future__ import annotations

import os
from itertools import product

from hypothesis import given, settings

from locum.analysis.candidates import by_name
from locum.analysis.what_can import doer, what_can
from locum.core.principal import Caller, Principal
from locum.policy.patterns import ArnPattern, scan
from locum.state import Role, User
from property.test_who_can import ASKED, CIRCUMSTANCES, NOW, Case, cases, is_allowed, session
from support.small_worlds import ONE, bucket

EXAMPLES = int(os.environ.get("LOCUM_WHO_CAN_EXAMPLES", "40"))
_MORE = ("arn:aws:s3:::other/x", "arn:aws:s3:::bkt/deep/er")


def covers(pattern: str, resource: str) -> bool:
    """Whether a row's resource is about `resource`: variables that are not known may have any value."""
    opened = pattern
    for variable in ("${aws:PrincipalTag/team}", "${aws:userid}"):
        opened = opened.replace(variable, "*")
    return ArnPattern(opened, scan(opened, variables=False), complete=True).matches(resource, lambda _key: None) is True


@given(cases())
@settings(max_examples=EXAMPLES // 2)
def test_what_a_principal_may_is_in_it_and_what_is_without_conditions_it_may(case: Case) -> None:
    alone = Case(case.state, bucket())
    holders: list[User | Role] = [*case.state.every(User), *case.state.every(Role)]
    for holder in (it for it in holders if it.account == ONE):
        who = doer(case.state, by_name(case.state, ONE, holder.arn, NOW), [], [], NOW)
        rows = what_can(case.state, who, ["s3"], "us-east-1", NOW)
        mine = [row for row in rows if "GetObject" in row.actions]
        user = Principal.user(ONE, holder.arn, holder.id, holder.name)
        caller = Caller(user) if isinstance(holder, User) else session(holder, "run", mfa=True, session_tags={})
        for resource, around in product((*ASKED, *_MORE), CIRCUMSTANCES[::3]):
            about = [row for row in mine if any(covers(pattern, resource) for pattern in row.resources)]
            if is_allowed(alone, caller, resource, around):
                assert about, (holder.arn, resource)
            else:
                assert all(row.answer.verdict == "conditional" for row in about), (holder.arn, resource, around)
