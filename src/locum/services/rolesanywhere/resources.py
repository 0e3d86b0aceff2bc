"""Certificate revocation lists, subjects, and tags."""

from __future__ import annotations

from typing import Any, Final

from locum.core.arn import Arn
from locum.core.identifiers import request_id
from locum.credentials.certificatepaths import BadBundle, read_bundle, read_list
from locum.services.rolesanywhere import anchors
from locum.services.rolesanywhere.faults import not_found, validation
from locum.services.rolesanywhere.lookup import (
    MOST_TAGS,
    Kind,
    changed,
    check_aliases,
    check_limit,
    common_operations,
    find,
    tags_of,
)
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.anywhere import AnywhereEntity, AnywhereProfile, CertificateSubject, RevocationList, TrustAnchor

MOST_LISTS: Final = 2
"""User Guide, "Quotas": certificate revocation lists per trust anchor."""
_TITLE: Final = "CRL"


def crl_shown(crl: RevocationList) -> dict[str, Any]:
    """A CrlDetail."""
    return {
        "crlId": crl.id,
        "crlArn": crl.arn,
        "name": crl.name,
        "enabled": crl.enabled,
        "crlData": crl.data,
        "trustAnchorArn": crl.anchor,
        "createdAt": crl.created,
        "updatedAt": crl.updated,
    }


def import_crl(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:ImportCrl. The list has to be one of an authority of the trust anchor."""
    check_aliases(params)
    arn = params["trustAnchorArn"]
    _check_list(ctx, arn, params["crlData"])
    check_limit(ctx, RevocationList, MOST_LISTS * anchors.MOST, "CRLs")
    crl = RevocationList(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        name=params["name"],
        anchor=arn,
        data=params["crlData"],
        enabled=bool(params.get("enabled")),
        created=int(ctx.now),
        updated=int(ctx.now),
        tags=tags_of(params.get("tags", ())),
    )
    return Outcome({"crl": crl_shown(crl)}, (put(crl),))


def update_crl(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:UpdateCrl."""
    check_aliases(params)
    found = find(ctx, RevocationList, params["crlId"], _TITLE)
    data = params.get("crlData", found.data)
    _check_list(ctx, found.anchor, data)
    return changed(ctx, found, crl_shown, "crl", name=params.get("name", found.name), data=data)


def anchor_with_arn(ctx: Context, arn: str) -> TrustAnchor:
    """The trust anchor with that ARN in the caller's account and region. Raises Fault ResourceNotFoundException."""
    found = find(ctx, TrustAnchor, arn.rpartition("/")[2], "Trust anchor")
    if found.arn != arn:
        raise not_found("Trust anchor")
    return found


def _check_list(ctx: Context, arn: str, data: bytes) -> None:
    anchor = anchor_with_arn(ctx, arn)
    try:
        read_list(data, read_bundle(anchor.certificates))
    except BadBundle as error:
        raise validation(str(error)) from None


def subject_shown(subject: CertificateSubject) -> dict[str, Any]:
    """A SubjectSummary."""
    return {
        "subjectArn": subject.arn,
        "subjectId": subject.id,
        "enabled": subject.enabled,
        "x509Subject": subject.name,
        "lastSeenAt": subject.seen,
        "createdAt": subject.created,
        "updatedAt": subject.updated,
    }


def get_subject(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:GetSubject, with the certificates that it was authenticated by."""
    found = find(ctx, CertificateSubject, params["subjectId"], "Subject")
    credentials = [
        {
            "seenAt": each.seen,
            "serialNumber": each.serial,
            "issuer": each.issuer,
            "enabled": True,
            "x509CertificateData": each.certificate,
            "failed": False,
        }
        for each in found.credentials
    ]
    return Outcome({"subject": {**subject_shown(found), "credentials": credentials, "instanceProperties": []}})


def _tagged(ctx: Context, arn: str) -> AnywhereEntity:
    """The resource with that ARN. Raises Fault ResourceNotFoundException."""
    parsed = Arn.find(arn)
    kind, _, identifier = ("", "", "") if parsed is None else parsed.resource.partition("/")
    entity = _KINDS.get(kind)
    if entity is None:
        raise not_found("Resource")
    found: AnywhereEntity = find(ctx, entity, identifier, "Resource")
    if found.arn != arn:
        raise not_found("Resource")
    return found


def tag_resource(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:TagResource."""
    found: Any = _tagged(ctx, params["resourceArn"])
    tags = {**found.tags, **tags_of(params["tags"])}
    if len(tags) > MOST_TAGS:
        raise validation("Too many tags")
    return Outcome({}, changed(ctx, found, lambda _: {}, "", tags=tags).events)


def untag_resource(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:UntagResource."""
    found: Any = _tagged(ctx, params["resourceArn"])
    tags = {key: value for key, value in found.tags.items() if key not in params["tagKeys"]}
    return Outcome({}, changed(ctx, found, lambda _: {}, "", tags=tags).events)


def list_tags_for_resource(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:ListTagsForResource."""
    found: Any = _tagged(ctx, params["resourceArn"])
    return Outcome({"tags": [{"key": key, "value": value} for key, value in found.tags.items()]})


_KINDS: Final[dict[str, type[Any]]] = {
    it.arn_kind: it for it in (TrustAnchor, AnywhereProfile, RevocationList, CertificateSubject)
}
_CRLS: Final = Kind(RevocationList, "crl", "crls", "crlId", _TITLE, crl_shown)
_SUBJECTS: Final = Kind(CertificateSubject, "subject", "subjects", "subjectId", "Subject", subject_shown)
OPERATIONS: Final[dict[str, Operation]] = {
    **common_operations(_CRLS, "Crl", "Crls"),
    "GetSubject": reads(get_subject),
    "ImportCrl": writes(import_crl),
    "ListSubjects": common_operations(_SUBJECTS, "Subject", "Subjects")["ListSubjects"],
    "ListTagsForResource": reads(list_tags_for_resource),
    "TagResource": writes(tag_resource),
    "UntagResource": writes(untag_resource),
    "UpdateCrl": writes(update_crl),
}
