"""IAM Roles Anywhere: trust anchors, profiles, revocation lists."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.steps import truth, without
from locum.services.cloudformation.providers.table import Call, Change, Each, Listing, Row, Shown, Tags, provider

_ANCHOR: Final = {"trustAnchorId": "{id}"}
_PROFILE: Final = {"profileId": "{id}"}
_CRL: Final = {"crlId": "{id}"}


def _tags(arn: str) -> Tags:
    """The tags of the resource `arn`."""
    return Tags(
        add=Call("TagResource", {"resourceArn": arn, "tags": "{tags}"}),
        remove=Call("UntagResource", {"resourceArn": arn, "tagKeys": "{keys}"}),
        member="tags",
        key="key",
        value="value",
    )


def _switch(noun: str, given: dict[str, str]) -> Change:
    return Change(Call(f"Enable{noun}", given), on="Enabled", removed=Call(f"Disable{noun}", given))


def _shaped(properties: Properties) -> Properties:
    """The properties; what is not enabled has no `Enabled`, and notifications have their channel."""
    found = dict(properties) if truth(properties.get("Enabled")) else without(properties, ["Enabled"])
    if "NotificationSettings" in found:
        found["NotificationSettings"] = [{"Channel": "ALL", **item} for item in found["NotificationSettings"]]
    return found


_NOTICE: Final = {"event": "{item.Event}", "channel": "{item.Channel}"}
_ANCHORS: Final = Row(
    service="rolesanywhere",
    create=Call("CreateTrustAnchor", takes="Enabled Name NotificationSettings Source"),
    tags=_tags("{attr.TrustAnchorArn}"),
    physical="{c.trustAnchor.trustAnchorId}",
    attributes={"TrustAnchorId": "{id}", "TrustAnchorArn": "{c.trustAnchor.trustAnchorArn}"},
    settings=(
        Change(Call("UpdateTrustAnchor", _ANCHOR, "Name Source")),
        _switch("TrustAnchor", _ANCHOR),
    ),
    items=(
        Each(
            "NotificationSettings",
            Call("PutNotificationSettings", {**_ANCHOR, "notificationSettings": ["{item}"]}),
            Call("ResetNotificationSettings", {**_ANCHOR, "notificationSettingKeys": [_NOTICE]}),
            key="{item.Event} {item.Channel}",
            apart=False,
        ),
    ),
    deletes=(Call("DeleteTrustAnchor", _ANCHOR),),
    shaped=_shaped,
    shown=Shown(
        Call("GetTrustAnchor", {"trustAnchorId": "{id}"}),
        "trustAnchor",
        hides="NotificationSettings",
        lists=Listing(Call("ListTrustAnchors"), "trustAnchors", "{item.trustAnchorId}"),
    ),
)

_CHANGED: Final = "AcceptRoleSessionName DurationSeconds ManagedPolicyArns Name RoleArns SessionPolicy"
_MAPPING: Final = {**_PROFILE, "certificateField": "{item.CertificateField}"}
_PROFILES: Final = Row(
    service="rolesanywhere",
    create=Call("CreateProfile", takes=f"{_CHANGED} Enabled RequireInstanceProperties"),
    tags=_tags("{attr.ProfileArn}"),
    physical="{c.profile.profileId}",
    attributes={"ProfileId": "{id}", "ProfileArn": "{c.profile.profileArn}"},
    settings=(
        Change(
            Call("UpdateProfile", _PROFILE, _CHANGED),
            defaults={
                "AcceptRoleSessionName": False,
                "DurationSeconds": 3600,
                "ManagedPolicyArns": [],
                "SessionPolicy": "",
            },
        ),
        _switch("Profile", _PROFILE),
    ),
    items=(
        Each(
            "AttributeMappings",
            Call("PutAttributeMapping", {**_MAPPING, "mappingRules": "{item.MappingRules}"}),
            Call("DeleteAttributeMapping", _MAPPING),
            key="{item.CertificateField}",
            goes=True,
        ),
    ),
    deletes=(Call("DeleteProfile", _PROFILE),),
    shaped=_shaped,
    shown=Shown(
        Call("GetProfile", {"profileId": "{id}"}),
        "profile",
        hides="AttributeMappings",
        lists=Listing(Call("ListProfiles"), "profiles", "{item.profileId}"),
    ),
)

_LISTS: Final = Row(
    service="rolesanywhere",
    create=Call("ImportCrl", takes="CrlData Enabled Name TrustAnchorArn"),
    tags=_tags("arn:aws:rolesanywhere:{region}:{account}:crl/{id}"),
    physical="{c.crl.crlId}",
    attributes={"CrlId": "{id}"},
    settings=(Change(Call("UpdateCrl", _CRL, "CrlData Name")), _switch("Crl", _CRL)),
    deletes=(Call("DeleteCrl", _CRL),),
    shaped=_shaped,
    shown=Shown(Call("GetCrl", {"crlId": "{id}"}), "crl", lists=Listing(Call("ListCrls"), "crls", "{item.crlId}")),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::RolesAnywhere::CRL": provider(_LISTS),
    "AWS::RolesAnywhere::Profile": provider(_PROFILES),
    "AWS::RolesAnywhere::TrustAnchor": provider(_ANCHORS),
}
