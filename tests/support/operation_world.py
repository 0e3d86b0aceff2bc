"""A plane with two or three of everything that IAM has, and a way back from whatever a call made of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from botocore.loaders import Loader

from locum.credentials.delegation import seal_exchange_token
from locum.services.verbs import Outcome
from locum.state import Event, Removed, State, put
from support.authenticator import Authenticator
from support.certificates import certified, rsa_key, ssh
from support.inprocess import InProcess, Key
from support.operation_rows import ACCOUNT, CALLER, PASSWORD, READ, TRUST, Row, arn
from support.saml_idp import metadata

COMMON: Final = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "IncompleteSignature",
        "InternalFailure",
        "InvalidAction",
        "InvalidClientTokenId",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "InvalidQueryParameter",
        "MalformedQueryString",
        "MissingAction",
        "MissingAuthenticationToken",
        "MissingParameter",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "ServiceUnavailable",
        "Throttling",
        "ValidationError",
    }
)
"""IAM and STS API Reference, "Common Errors"; what they call AccessDeniedException comes as AccessDenied."""

TAGS: Final = [{"Key": key, "Value": key} for key in ("one", "three", "two")]
TEAM: Final = "/team/"


@cache
def model(service: str) -> dict[str, Any]:
    """botocore's model."""
    loaded: dict[str, Any] = Loader().load_service_model(service, "service-2")
    return loaded


def documented(service: str, operation: str) -> set[str]:
    """The codes of the errors that the model has for an operation."""
    shapes = model(service)["shapes"]
    names = [error["shape"] for error in model(service)["operations"][operation].get("errors", [])]
    return {shapes[name].get("error", {}).get("code", name) for name in names}


class World:
    """`call` calls, and holds every error against the documented ones. `names` are what `$name` in a row stands for."""

    def __init__(self, data: Path) -> None:
        self.plane = InProcess(data)
        self.names: dict[str, str] = {}
        self._clients: dict[tuple[str, Key | None], Any] = {}
        self.iam = self.plane.client("iam")
        self._build()

    # -- calls -------------------------------------------------------------------------------------------

    def call(self, service: str, operation: str, params: Mapping[str, Any], key: Key | None = None) -> Any:
        """The answer. Raises ClientError, and AssertionError where its code is none that AWS documents for this."""
        client = self._clients.get((service, key))
        if client is None:
            client = self._clients[service, key] = self.plane.client(service, key, parameter_validation=False)
        try:
            return client._make_api_call(operation, dict(params))
        except ClientError as error:
            if error.response["Error"]["Code"] not in COMMON | documented(service, operation):
                raise AssertionError(f"{operation} does not document it: {error}") from error
            raise

    def refused(
        self, service: str, operation: str, params: Mapping[str, Any], key: Key | None = None
    ) -> tuple[str, str]:
        """Code and message of the error, both empty where there is none."""
        try:
            self.call(service, operation, params, key)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return "", ""

    def known(self, value: Any) -> Any:
        """`value` with every `$name` in it filled in."""
        if isinstance(value, str):
            for name in sorted(self.names, key=len, reverse=True):
                value = value.replace(f"${name}", self.names[name])
            return value
        if isinstance(value, Mapping):
            return {key: self.known(item) for key, item in value.items()}
        return [self.known(item) for item in value] if isinstance(value, list | tuple) else value

    def params(self, row: Row) -> dict[str, Any]:
        """What the operation of `row` is called with."""
        params: dict[str, Any] = self.known(row.params)
        return params

    # -- and back ----------------------------------------------------------------------------------------

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever happens inside is taken back at the end."""
        ledger = self.plane.node.runtime.ledger
        before = ledger.state
        try:
            yield
        finally:
            events = tuple(_way_back(before, ledger.state))
            if events:
                self.plane.run(ledger.transact(lambda _state: Outcome({}, events), lambda _outcome: ()))

    # -- what there is -----------------------------------------------------------------------------------

    def _build(self) -> None:
        self._policies()
        self._principals()
        self._credentials()
        self._providers()
        self._organization()
        self._delegation()
        self._reports()

    def _policies(self) -> None:
        for name in ("p1", "p2", "p3", "spare"):
            self.iam.create_policy(PolicyName=name, Path=TEAM, PolicyDocument=READ, Tags=TAGS)
        for _ in range(2):
            self.iam.create_policy_version(PolicyArn=arn("policy/team/p1"), PolicyDocument=READ)

    def _principals(self) -> None:
        iam = self.iam
        for name in ("ann", "bea", "idle"):
            iam.create_user(UserName=name, Path=TEAM, Tags=TAGS)
        for name in ("g1", "g2", "g3", "idle"):
            iam.create_group(GroupName=name, Path=TEAM)
        for group, user in (("g1", "ann"), ("g1", "bea"), ("g2", "ann"), ("g3", "ann")):
            iam.add_user_to_group(GroupName=group, UserName=user)
        for name in ("r1", "r2", "idle"):
            iam.create_role(RoleName=name, Path=TEAM, AssumeRolePolicyDocument=TRUST, Tags=TAGS)
        for name in ("i1", "i2", "idle"):
            iam.create_instance_profile(InstanceProfileName=name, Path=TEAM, Tags=TAGS)
        for name in ("i1", "i2"):
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName="r1")
        for kind, who in (("User", "ann"), ("Group", "g1"), ("Role", "r1")):
            for name in ("one", "three", "two"):
                self._do(f"Put{kind}Policy", **{f"{kind}Name": who}, PolicyName=name, PolicyDocument=READ)
            for name in ("p1", "p2", "p3"):
                self._do(f"Attach{kind}Policy", **{f"{kind}Name": who}, PolicyArn=arn(f"policy/team/{name}"))
        iam.attach_user_policy(UserName="bea", PolicyArn=arn("policy/team/p1"))
        for kind, who in (("User", "ann"), ("Role", "r1")):
            self._do(f"Put{kind}PermissionsBoundary", **{f"{kind}Name": who}, PermissionsBoundary=arn("policy/team/p2"))
        iam.create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")
        deleted = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
        task = iam.delete_service_linked_role(RoleName=deleted["RoleName"])["DeletionTaskId"]
        self.names["deletion"] = task

    def _do(self, operation: str, **params: Any) -> Any:
        return self.call("iam", operation, params)

    def _credentials(self) -> None:
        iam, now = self.iam, time.time()
        iam.create_user(UserName=CALLER)
        key = iam.create_access_key(UserName=CALLER)["AccessKey"]
        self.caller = Key(key["AccessKeyId"], key["SecretAccessKey"])
        for name in ("ann", CALLER):
            iam.create_login_profile(UserName=name, Password=PASSWORD)
        keys = [iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"] for _ in range(2)]
        bodies = [ssh(rsa_key(f"ssh-{number}")) for number in range(3)]
        shells = [iam.upload_ssh_public_key(UserName="ann", SSHPublicKeyBody=body) for body in bodies[:2]]
        certificates = [certified(f"certificate-{number}", now) for number in range(3)]
        signing = [
            iam.upload_signing_certificate(UserName="ann", CertificateBody=one.body)["Certificate"]["CertificateId"]
            for one in certificates[:2]
        ]
        specific = [
            self._do("CreateServiceSpecificCredential", UserName="ann", ServiceName="codecommit.amazonaws.com")
            for _ in range(2)
        ]
        for number in (1, 2):
            self._do(
                "UploadServerCertificate",
                ServerCertificateName=f"c{number}",
                Path=TEAM,
                CertificateBody=certificates[number].body,
                PrivateKey=certificates[number].key,
                Tags=TAGS,
            )
        for name in ("phone", "tablet", "idle"):
            device = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=name, Tags=TAGS))
            if name != "idle":
                iam.enable_mfa_device(UserName="ann", SerialNumber=device.serial, **device.pair(now))
        self.names |= {
            "key": keys[0],
            "ssh": shells[0]["SSHPublicKey"]["SSHPublicKeyId"],
            "ssh_body": bodies[2],
            "signing": signing[0],
            "certificate_body": certificates[2].body,
            "certificate_key": certificates[2].key,
            "specific": specific[0]["ServiceSpecificCredential"]["ServiceSpecificCredentialId"],
        }

    def _providers(self) -> None:
        iam = self.iam
        for host in ("idp", "spare"):
            iam.create_open_id_connect_provider(
                Url=f"https://{host}.example.com", ClientIDList=["app"], ThumbprintList=["a" * 40], Tags=TAGS
            )
        self.names["metadata"] = metadata()
        iam.create_saml_provider(Name="saml", SAMLMetadataDocument=metadata(), Tags=TAGS)
        iam.create_account_alias(AccountAlias="proven-alias")
        iam.update_account_password_policy(MinimumPasswordLength=8)
        iam.enable_outbound_web_identity_federation()

    def _organization(self) -> None:
        organizations = self.plane.client("organizations")
        organization = organizations.create_organization()["Organization"]["Id"]
        organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
        organizations.create_account(Email="member@example.com", AccountName="member")
        members = organizations.list_accounts()["Accounts"]
        self.names["member"] = next(one["Id"] for one in members if one["Id"] != ACCOUNT)
        root = organizations.list_roots()["Roots"][0]["Id"]
        organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
        self.names["entity_path"] = f"{organization}/{root}/{ACCOUNT}"
        self.iam.enable_organizations_root_credentials_management()
        self.iam.enable_organizations_root_sessions()

    def _delegation(self) -> None:
        iam = self.iam
        for name in ("assigned", "accepted", "finalized"):
            request = iam.create_delegation_request(
                Description=name,
                Permissions={"PolicyTemplateArn": arn("policy/team/p1")},
                RequestorWorkflowId=f"workflow-{name}",
                NotificationChannel=f"arn:aws:sns:us-east-1:{ACCOUNT}:topic",
                SessionDuration=3600,
            )["DelegationRequestId"]
            iam.associate_delegation_request(DelegationRequestId=request)
            self.names[name] = request
        for name in ("accepted", "finalized"):
            iam.accept_delegation_request(DelegationRequestId=self.names[name])
        iam.send_delegation_token(DelegationRequestId=self.names["finalized"])
        inner = self.plane.node.runtime
        self.names["token"] = seal_exchange_token(inner.keyring, ACCOUNT, self.names["finalized"], inner.entropy)

    def _reports(self) -> None:
        iam = self.iam
        allowed = {"Effect": "Allow", "Action": ["s3:*", "sqs:*", "iam:*"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName="ann", PolicyName="three", PolicyDocument=document)
        while iam.generate_credential_report()["State"] != "COMPLETE":
            pass
        self.names["report"] = iam.generate_service_last_accessed_details(Arn=arn("user/team/ann"))["JobId"]
        self.names["policy_report"] = iam.generate_service_last_accessed_details(Arn=arn("policy/team/p1"))["JobId"]
        made = iam.generate_organizations_access_report(EntityPath=self.names["entity_path"])
        self.names["organization_report"] = made["JobId"]


def _way_back(before: State, after: State) -> Iterator[Event]:
    """The events that make `before` out of `after`."""
    for kind, tables in after.tables.items():
        for account, table in tables.items():
            earlier = before.tables[kind][account] if kind in before.tables and account in before.tables[kind] else {}
            if table is not earlier:
                yield from (Removed(kind, account, key) for key in table if key not in earlier)
    for kind, tables in before.tables.items():
        for account, table in tables.items():
            later = after.tables[kind][account] if kind in after.tables and account in after.tables[kind] else {}
            if table is not later:
                yield from (put(one) for key, one in table.items() if later.get(key) is not one)  # type: ignore[arg-type]  # an Entity is one of AnyEntity
