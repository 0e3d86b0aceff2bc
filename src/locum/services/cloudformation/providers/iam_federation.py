"""IAM: identity providers, service-linked roles and server certificates."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    is_gone,
)
from locum.services.cloudformation.providers.iam_parts import EXISTS, tags
from locum.services.cloudformation.providers.steps import Steps, until
from locum.services.cloudformation.providers.table import Call, Change, Each, Listing, Name, Row, Shown, provider

_OIDC: Final = {"OpenIDConnectProviderArn": "{id}"}
_SAML: Final = {"SAMLProviderArn": "{id}"}
_CERTIFICATE: Final = {"ServerCertificateName": "{id}"}


def _oidc_arn(resource: Resource) -> str:
    return f"arn:aws:iam::{resource.account}:oidc-provider/{resource.properties['Url'].partition('://')[2]}"


_OIDC_PROVIDERS: Final = Row(
    service="iam",
    create=Call("CreateOpenIDConnectProvider", takes="Url ClientIdList ThumbprintList"),
    tags=tags("OpenIDConnectProvider", "OpenIDConnectProviderArn"),
    exists=EXISTS,
    adopted=_oidc_arn,
    physical="{c.OpenIDConnectProviderArn}",
    attributes={"Arn": "{id}"},
    settings=(Change(Call("UpdateOpenIDConnectProviderThumbprint", _OIDC, "ThumbprintList")),),
    items=(
        Each(
            "ClientIdList",
            Call("AddClientIDToOpenIDConnectProvider", {**_OIDC, "ClientID": "{item}"}),
            Call("RemoveClientIDFromOpenIDConnectProvider", {**_OIDC, "ClientID": "{item}"}),
            apart=False,
        ),
    ),
    deletes=(Call("DeleteOpenIDConnectProvider", _OIDC),),
    shown=Shown(
        Call("GetOpenIDConnectProvider", {"OpenIDConnectProviderArn": "{id}"}),
        "",
        hides="Url",
        told="Tags",
        lists=Listing(Call("ListOpenIDConnectProviders"), "OpenIDConnectProviderList", "{item.Arn}"),
    ),
)

_SAML_PROVIDERS: Final = Row(
    service="iam",
    create=Call("CreateSAMLProvider", takes="SamlMetadataDocument AssertionEncryptionMode AddPrivateKey"),
    name=Name("Name", 128),
    tags=tags("SAMLProvider", "SAMLProviderArn"),
    exists=EXISTS,
    adopted="arn:aws:iam::{account}:saml-provider/{name}",
    read=Call("GetSAMLProvider", _SAML),
    physical="{c.SAMLProviderArn}",
    attributes={"Arn": "{id}", "SamlProviderUUID": "{r.SAMLProviderUUID}"},
    settings=(Change(Call("UpdateSAMLProvider", _SAML, "SamlMetadataDocument AssertionEncryptionMode")),),
    deletes=(Call("DeleteSAMLProvider", _SAML),),
)

_CERTIFICATES: Final = Row(
    service="iam",
    create=Call("UploadServerCertificate", takes="CertificateBody CertificateChain Path PrivateKey"),
    name=Name("ServerCertificateName", 128),
    tags=tags("ServerCertificate", "ServerCertificateName"),
    exists=EXISTS,
    read=Call("GetServerCertificate", {"ServerCertificateName": "{name}"}),
    physical="{name}",
    attributes={"Arn": "{r.ServerCertificate.ServerCertificateMetadata.Arn}"},
    settings=(Change(Call("UpdateServerCertificate", _CERTIFICATE, "NewPath=Path"), defaults={"Path": "/"}),),
    deletes=(Call("DeleteServerCertificate", _CERTIFICATE),),
)

_LINKED: Final = Row(
    service="iam",
    create=Call("CreateServiceLinkedRole", takes="AWSServiceName CustomSuffix Description"),
    physical="{c.Role.RoleName}",
    attributes={"RoleName": "{id}"},
    settings=(Change(Call("UpdateRole", {"RoleName": "{id}"}, "Description"), defaults={"Description": ""}),),
    deletes=(),
)


def _service_linked_roles() -> Provider:
    """Service-linked roles, which a task deletes."""
    row = provider(_LINKED)

    def create(resource: Resource) -> Work:
        try:
            return (yield from row.create(resource))
        except Fault as fault:
            found = (yield from _existing(resource.properties)) if resource.again else ""
            if fault.code != "InvalidInput" or not found:
                raise
        return Made(found, {"RoleName": found})

    return row._replace(create=create, delete=_delete_linked)


def _existing(properties: Properties) -> Steps[str]:
    """The name of the role that is there already: the one with the suffix, or the one that has none."""
    path = f"/aws-service-role/{properties['AWSServiceName']}/"
    answer = yield Request("iam", "ListRoles", {"PathPrefix": path})
    names = (role["RoleName"] for role in answer["Roles"])
    suffix = f"_{properties['CustomSuffix']}" if "CustomSuffix" in properties else ""
    return min((name for name in names if name.endswith(suffix)), key=len, default="")


def _delete_linked(resource: Resource) -> Ending:
    try:
        task = yield Request("iam", "DeleteServiceLinkedRole", {"RoleName": resource.physical})
    except Fault as fault:
        if is_gone(fault):
            return
        raise
    asked = Request("iam", "GetServiceLinkedRoleDeletionStatus", {"DeletionTaskId": task["DeletionTaskId"]})
    answer = yield from until(asked, lambda found: found["Status"] in ("SUCCEEDED", "FAILED"))
    if answer["Status"] == "FAILED":
        raise Fault("ResourceConflict", answer.get("Reason", {}).get("Reason", "The role is in use."))


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::IAM::OIDCProvider": provider(_OIDC_PROVIDERS),
    "AWS::IAM::SAMLProvider": provider(_SAML_PROVIDERS),
    "AWS::IAM::ServerCertificate": provider(_CERTIFICATES),
    "AWS::IAM::ServiceLinkedRole": _service_linked_roles(),
}
