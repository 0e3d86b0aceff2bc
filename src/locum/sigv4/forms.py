"""Signatures in the fields of S3's POST forms, of Signature Version 4 and of version 2.

S3 API Reference, "Authenticating requests in browser-based uploads using POST"; Amazon S3 User Guide, "Authenticating
requests using AWS signature version 2: browser-based uploads using POST". The signature is that of the policy as it is
in the form, in Base64, so that the form is only as good as its policy (`post_policy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.s3_errors import ACCESS_DENIED
from locum.sigv4 import post_policy, version2
from locum.sigv4.claim import SIGV2, Claim, Mechanism, Scope
from locum.sigv4.claims import credential_of
from locum.sigv4.faults import Failure, Family, fault
from locum.sigv4.keys import ALGORITHM, constant_time_equal, sign, signing_key
from locum.sigv4.times import epoch_of

MAX_AGE: Final = 604_800
"""The lifetime of a signing key in seconds: "the signing key is valid for up to seven days"."""
_MAX_SKEW: Final = 900

_POLICY: Final = "policy"
_FIELDS_4: Final = ("X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date")
_FIELDS_2: Final = ("Signature", "AWSAccessKeyId")


def read_form(request: HttpRequest, fields: Mapping[str, str]) -> Claim | None:
    """Parse the signature in `fields` (by lower-case name); None where the form is unsigned.

    Raises Fault where it is incomplete, malformed, or of both versions.
    """
    of_version_4, of_version_2 = (_signed(fields, names) for names in (_FIELDS_4, _FIELDS_2))
    if of_version_4 and of_version_2:
        raise fault(Failure.TWO_MECHANISMS, Family.S3, members={"ArgumentName": "Signature"})
    if not of_version_4 and not of_version_2:
        if fields.get(_POLICY):  # a policy that nobody signed binds nobody
            raise Fault(*ACCESS_DENIED)
        return None
    if not fields.get(_POLICY):
        raise _missing(_POLICY)
    if of_version_2:
        signature, key_id = fields["signature"], fields["awsaccesskeyid"]
        scope, date, signed_at, algorithm = Scope("", "", "s3"), "", 0, SIGV2
    else:
        signature, algorithm = fields["x-amz-signature"], ALGORITHM
        key_id, scope, date, signed_at = _version_4(request, fields)
    return Claim(
        key_id,
        scope,
        date,
        signed_at,
        (),
        signature,
        Family.S3,
        Mechanism.FORM,
        session_token=fields.get("x-amz-security-token"),
        algorithm=algorithm,
    )


def verify_signature(claim: Claim, fields: Mapping[str, str], secret: str, now: float) -> None:
    """Verify that `secret` signed the policy in `fields`, no more than `MAX_AGE` ago. Raises Fault."""
    text = fields[_POLICY]
    if claim.algorithm == SIGV2:
        ours = version2.sign(secret, text)
    else:
        scope = claim.scope
        ours = sign(signing_key(secret, scope.date, scope.region, scope.service), text)
    if not constant_time_equal(ours, claim.signature):
        members = {"AWSAccessKeyId": claim.access_key_id, "StringToSign": text, "SignatureProvided": claim.signature}
        raise fault(Failure.SIGNATURE, Family.S3, members=members)
    if claim.algorithm == ALGORITHM and now - claim.signed_at > MAX_AGE:
        raise fault(Failure.STALE_URL, Family.S3)
    if claim.algorithm == ALGORITHM and claim.signed_at - now > _MAX_SKEW:
        raise fault(Failure.EARLY_URL, Family.S3)


def verify_form(claim: Claim, fields: Mapping[str, str], secret: str, now: float, *, bucket: str, size: int) -> None:
    """Verify that `secret` signed the policy of a form, and that the form keeps to it. Raises Fault.

    `fields` are those with `${filename}` replaced, `size` is the file's in octets.
    """
    verify_signature(claim, fields, secret, now)
    post_policy.check(fields[_POLICY], post_policy.Subject({**fields, "bucket": bucket}, size), now)


def _signed(fields: Mapping[str, str], names: tuple[str, ...]) -> bool:
    """Whether all of `names` are there, False where none is. Raises Fault where some are."""
    missing = [name for name in names if not fields.get(name.lower())]
    if missing and len(missing) < len(names):
        raise _missing(missing[0])
    return not missing


def _version_4(request: HttpRequest, fields: Mapping[str, str]) -> tuple[str, Scope, str, int]:
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise fault(Failure.INCOMPLETE_QUERY, Family.S3, s3=f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    key_id, scope = credential_of(request, fields["x-amz-credential"], presigned=True, family=Family.S3)
    if scope.service != "s3":
        text = f'incorrect service "{scope.service[:100]}". This endpoint belongs to "s3".'
        raise fault(Failure.QUERY_SCOPE, Family.S3, s3=text)
    date = fields["x-amz-date"]
    signed_at = epoch_of(date)
    if signed_at is None:
        text = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        raise fault(Failure.INCOMPLETE_QUERY, Family.S3, s3=text)
    if date[:8] != scope.date:
        text = f'Invalid credential date "{scope.date[:100]}". This date is not the same as X-Amz-Date: "{date[:8]}".'
        raise fault(Failure.QUERY_SCOPE, Family.S3, s3=text)
    return key_id, scope, date, signed_at


def _missing(name: str) -> Fault:
    text = (
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    )
    return Fault("InvalidArgument", text, members={"ArgumentName": name, "ArgumentValue": ""})
