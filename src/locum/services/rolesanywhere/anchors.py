"""Trust anchors: the authorities whose certificates are trusted. AWS Private CA is not there to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.identifiers import request_id
from locum.credentials.certificatepaths import BadBundle, read_bundle
from locum.services.rolesanywhere.faults import not_implemented, validation
from locum.services.rolesanywhere.lookup import (
    Kind,
    changed,
    check_aliases,
    check_limit,
    common_operations,
    find,
    tags_of,
)
from locum.services.verbs import Context, Operation, Outcome, Params, writes
from locum.state import put
from locum.state.anywhere import TrustAnchor

MOST: Final = 50
"""User Guide, "Quotas": trust anchors."""
_BUNDLE: Final = "CERTIFICATE_BUNDLE"
_TITLE: Final = "Trust anchor"
_EVENTS: Final = ("CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY")


def shown(anchor: TrustAnchor) -> dict[str, Any]:
    """A TrustAnchorDetail."""
    return {
        "trustAnchorId": anchor.id,
        "trustAnchorArn": anchor.arn,
        "name": anchor.name,
        "source": {"sourceType": _BUNDLE, "sourceData": {"x509CertificateData": anchor.certificates}},
        "enabled": anchor.enabled,
        "createdAt": anchor.created,
        "updatedAt": anchor.updated,
        "notificationSettings": _settings(anchor),
    }


def create_trust_anchor(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:CreateTrustAnchor."""
    check_aliases(params)
    check_limit(ctx, TrustAnchor, MOST, "trust anchors")
    anchor = TrustAnchor(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        name=params["name"],
        certificates=_certificates(params["source"]),
        enabled=bool(params.get("enabled")),
        created=int(ctx.now),
        updated=int(ctx.now),
        notifications=tuple(_setting(setting) for setting in params.get("notificationSettings", ())),
        tags=tags_of(params.get("tags", ())),
    )
    return Outcome({"trustAnchor": shown(anchor)}, (put(anchor),))


def update_trust_anchor(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:UpdateTrustAnchor."""
    check_aliases(params)
    found = find(ctx, TrustAnchor, params["trustAnchorId"], _TITLE)
    certificates = _certificates(params["source"]) if "source" in params else found.certificates
    name = params.get("name", found.name)
    return changed(ctx, found, shown, "trustAnchor", name=name, certificates=certificates)


def put_notification_settings(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:PutNotificationSettings. They are kept and shown; nobody is notified."""
    found = find(ctx, TrustAnchor, params["trustAnchorId"], _TITLE)
    given = [_setting(setting) for setting in params["notificationSettings"]]
    named = {(setting["event"], setting["channel"]) for setting in given}
    kept = [it for it in found.notifications if (it["event"], it["channel"]) not in named]
    return changed(ctx, found, shown, "trustAnchor", notifications=(*kept, *given))


def reset_notification_settings(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:ResetNotificationSettings."""
    found = find(ctx, TrustAnchor, params["trustAnchorId"], _TITLE)
    reset = {(key["event"], key.get("channel", "ALL")) for key in params["notificationSettingKeys"]}
    kept = tuple(it for it in found.notifications if (it["event"], it["channel"]) not in reset)
    return changed(ctx, found, shown, "trustAnchor", notifications=kept)


def _certificates(source: Mapping[str, Any]) -> str:
    kind = source.get("sourceType")
    if kind != _BUNDLE:
        raise not_implemented(f"trust anchors of the type {kind}")
    text: str = source.get("sourceData", {}).get("x509CertificateData", "")
    try:
        read_bundle(text)
    except BadBundle as error:
        raise validation(str(error)) from None
    return text


def _setting(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"channel": "ALL", "threshold": 45, **given}


def _settings(anchor: TrustAnchor) -> list[dict[str, Any]]:
    """API Reference, NotificationSetting: by default both events are on, 45 days before the expiry."""
    own = [{**setting, "configuredBy": anchor.account} for setting in anchor.notifications]
    named = {setting["event"] for setting in own}
    default = {"enabled": True, "threshold": 45, "channel": "ALL", "configuredBy": "rolesanywhere.amazonaws.com"}
    return [*own, *({"event": event, **default} for event in _EVENTS if event not in named)]


KIND: Final = Kind(TrustAnchor, "trustAnchor", "trustAnchors", "trustAnchorId", _TITLE, shown)
OPERATIONS: Final[dict[str, Operation]] = {
    **common_operations(KIND, "TrustAnchor", "TrustAnchors"),
    "CreateTrustAnchor": writes(create_trust_anchor),
    "PutNotificationSettings": writes(put_notification_settings),
    "ResetNotificationSettings": writes(reset_notification_settings),
    "UpdateTrustAnchor": writes(update_trust_anchor),
}
