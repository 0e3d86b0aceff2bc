"""The rows of the credential report.

IAM User Guide, "Generate credential reports for your AWS account", and recorded reports, which have 22 columns: the
guide's `additional_credentials_info` is for users with more than two keys or certificates, which are impossible here.
Inactive keys and certificates keep their dates. Keys are in the order of their creation; of certificates the inactive
ones are first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from locum.core.clock import DAY, iso8601
from locum.services.iam import last_use
from locum.services.iam.account import account_of
from locum.services.iam.kinds import USER, by_name
from locum.services.iam.sign_in.password_policy import policy_of
from locum.services.verbs import Context
from locum.state import AccessKey, LoginProfile, SigningCertificate
from locum.state.indexes import CREDENTIALS_OF_USER, KEYS_OF_USER, MFA_OF_USER, scoped

COLUMNS: Final = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(
        f"access_key_{number}_{fact}"
        for number in (1, 2)
        for fact in ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
    ),
    *(f"cert_{number}_{fact}" for number in (1, 2) for fact in ("active", "last_rotated")),
)

_NOT_APPLICABLE: Final = "N/A"
_NO_INFORMATION: Final = "no_information"
_NOT_SUPPORTED: Final = "not_supported"
_SLOTS: Final = 2
"""The number of access keys, and of certificates, that a row has columns for."""

Row = list[str]


class _KeyUse(NamedTuple):
    """The last use of an access key, in the report's format."""

    date: str = _NOT_APPLICABLE
    region: str = _NOT_APPLICABLE
    service: str = _NOT_APPLICABLE


class _Subject(NamedTuple):
    """The user of a row. `key` is the user's key, empty for the root user, whose `unique_id` is the account id."""

    key: str
    unique_id: str
    name: str
    arn: str
    created: int


def report(context: Context) -> str:
    """The report as CSV: the root user first, then the users by name. It does not end with a newline."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(_row(context, subject) for subject in _subjects(context))
    return text.getvalue().removesuffix("\n")


def _last_use_of_key(context: Context, subject: str, key: AccessKey) -> _KeyUse:
    """The last use of `key`. `subject` is the unique id of its user, or the account id for the root user."""
    last = last_use.of_key(context, subject, key)
    return _KeyUse() if last is None else _KeyUse(iso8601(last.at), last_use.region_of(last), last_use.service_of(last))


def _subjects(context: Context) -> Iterator[_Subject]:
    account = account_of(context)
    yield _Subject("", account.account, "<root_account>", account.arn, account.created)
    for user in sorted(USER.all(context), key=by_name):
        yield _Subject(user.key, user.id, user.name, user.arn, user.created)


def _row(context: Context, subject: _Subject) -> Row:
    return [
        subject.name,
        subject.arn,
        iso8601(subject.created),
        *_password(context, subject),
        _flag(context.state.count(MFA_OF_USER, scoped(context.account, subject.key)) > 0),
        *_keys(context, subject),
        *_certificates(context, subject),
    ]


def _password(context: Context, subject: _Subject) -> Row:
    profile = context.state.get(LoginProfile, context.account, subject.key)
    if profile is None:
        if not subject.key:  # at AWS every root user has a password, which auditors take for granted
            return [_flag(False), _NO_INFORMATION, _NOT_APPLICABLE, _NOT_SUPPORTED]
        return [_flag(False), _NOT_APPLICABLE, _NOT_APPLICABLE, _NOT_APPLICABLE]
    used = iso8601(profile.used) if profile.used else _NO_INFORMATION
    return [_flag(True), used, iso8601(profile.changed), _next_rotation(context, profile)]


def _next_rotation(context: Context, profile: LoginProfile) -> str:
    if not profile.user:
        return _NOT_SUPPORTED
    policy = policy_of(context)
    if policy is None or not policy.max_age:
        return _NOT_APPLICABLE
    return iso8601(profile.changed + policy.max_age * DAY)


def _keys(context: Context, subject: _Subject) -> Row:
    found = context.state.find(KEYS_OF_USER, scoped(context.account, subject.key))
    keys = sorted((key for key in found if isinstance(key, AccessKey)), key=_order)
    rows = [
        [_flag(key.active), iso8601(key.created), *_last_use_of_key(context, subject.unique_id, key)] for key in keys
    ]
    return _padded(rows, [_flag(False), _NOT_APPLICABLE, *_KeyUse()])


def _order(key: AccessKey) -> tuple[int, int, str]:
    return key.created, key.millisecond, key.id


def _certificates(context: Context, subject: _Subject) -> Row:
    found = context.state.find(CREDENTIALS_OF_USER, scoped(context.account, subject.key))
    certificates = [one for one in found if isinstance(one, SigningCertificate)]
    certificates.sort(key=lambda one: (one.active, one.uploaded, one.id))
    return _padded(
        [[_flag(one.active), iso8601(one.uploaded)] for one in certificates], [_flag(False), _NOT_APPLICABLE]
    )


def _padded(rows: Sequence[Row], absent: Row) -> Row:
    """`rows` concatenated, with `absent` for each missing one."""
    filled = [*rows, *([absent] * _SLOTS)][:_SLOTS]
    return [cell for row in filled for cell in row]


def _flag(value: bool) -> str:
    return "true" if value else "false"
