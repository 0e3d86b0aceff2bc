"""ARNs that take more than text: paths of IAM resources, S3's two addressing forms, EC2's ids, queue URLs.

Each function here is named by a `via` in the catalogue. It gets the values of the type's variables (None where
the call has none) and answers the ARNs, which may be none: then there is nothing to be permitted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from locum.authz import organization_arns
from locum.authz.call import Call
from locum.core.arn import PARTITION, Arn, iam_arn, root_arn
from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID
from locum.core.principal import PrincipalKind
from locum.state import (
    AccessKey,
    Group,
    InstanceProfile,
    Named,
    Policy,
    ProfileAssociation,
    Role,
    ServerCertificate,
    State,
    User,
    delegations,
)
from locum.state.indexes import ACCESS_KEY_ID
from locum.state.service_linked_roles import PATH as SERVICE_LINKED
from locum.state.service_linked_roles import linked_service

Values = tuple[str | None, ...]
Resolver = Callable[[State, Call, Values], Iterable[str]]


def account_of(arn: str, default: str) -> str:
    """The account in `arn`, or `default` where there is none (S3, images, AWS's managed policies)."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and ACCOUNT_ID.fullmatch(fields[4]) else default


def _named(kind: type[Named]) -> Resolver:
    """(Path, Name) of one kind of IAM resource: the path is known to whoever stored it, not to the request."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        path, name = values
        account = call.caller.principal.account
        if name is not None and name.startswith("arn:"):
            return (name,)
        entity = state.get(kind, account, name.lower()) if name else None
        if entity is not None and path is None:
            return (entity.arn,)
        return (iam_arn(account, kind.arn_kind, path or "/", name or "*"),)

    return resolve


def _renamed(kind: type[Named]) -> Resolver:
    """(new Path, new Name, Name): what a resource will be called. What is not given anew stays as it is."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        path, new, name = values
        account = call.caller.principal.account
        entity = state.get(kind, account, name.lower()) if name else None
        kept = "/" if entity is None else entity.path
        return (iam_arn(account, kind.arn_kind, path or kept, new or name or "*"),)

    return resolve


_user = _named(User)


def _iam_user(state: State, call: Call, values: Values) -> Iterable[str]:
    """IAM API: "If you do not specify a user name, IAM determines the user name implicitly" from the caller's key."""
    if values[1] is not None:
        return _user(state, call, values)
    principal = call.caller.principal
    if principal.kind is PrincipalKind.ROOT:
        return (root_arn(principal.account),)
    if principal.kind is PrincipalKind.USER:
        return (principal.arn,)
    return (iam_arn(principal.account, "user", "/", "*"),)


def _iam_user_of_key(state: State, call: Call, values: Values) -> Iterable[str]:
    (key_id,) = values
    key = state.first(AccessKey, ACCESS_KEY_ID, key_id or "")
    account = call.caller.principal.account
    if key is not None and key.account == account and not key.user:
        return (root_arn(account),)
    if key is None or key.account != account:
        return (iam_arn(account, "user", "/", "*"),)
    return _user(state, call, (None, key.user))


def _sts_root_user(state: State, call: Call, values: Values) -> Iterable[str]:
    """AssumeRoot, TargetPrincipal: "The member account principal ARN or account ID"."""
    target = values[0] or "*"
    return (target if target.startswith("arn:") else root_arn(target),)


def _iam_new_mfa(state: State, call: Call, values: Values) -> Iterable[str]:
    path, name = values
    return (iam_arn(call.caller.principal.account, "mfa", path or "/", name or "*"),)


def _iam_oidc_provider(state: State, call: Call, values: Values) -> Iterable[str]:
    """A new provider's ARN has its URL in it, as IAM keeps it: without scheme and query."""
    try:
        parts = urlsplit(values[0] or "")
    except ValueError:
        parts = urlsplit("")
    return (iam_arn(call.caller.principal.account, "oidc-provider", "/", parts.netloc + parts.path or "*"),)


def _iam_service_linked_role(state: State, call: Call, values: Values) -> Iterable[str]:
    """The role that CreateServiceLinkedRole makes: AWSServiceName alone does not say its name, but determines it."""
    principal, suffix = values
    account = call.caller.principal.account
    linked = linked_service(principal or "")
    if linked is None:
        return (iam_arn(account, "role", SERVICE_LINKED, f"{principal or '*'}/*"),)
    return (iam_arn(account, "role", linked.path, linked.role_name(suffix or "")),)


def _iam_role_of_deletion(state: State, call: Call, values: Values) -> Iterable[str]:
    """The role that a deletion task is about: `task/aws-service-role/SERVICE/ROLE/UUID`."""
    path, _, _ = (values[0] or "").removeprefix("task/").rpartition("/")
    return (iam_arn(call.caller.principal.account, "role", "/", path or "*"),)


def _iam_delegation_request(state: State, call: Call, values: Values) -> Iterable[str]:
    """A delegation request of the caller's account, or one that has no account yet."""
    account, request = call.caller.principal.account, delegations.request_of(state, values[0] or "")
    if request is not None and request.owner_account in ("", account):
        return (delegations.arn_of(request, account),)
    return (iam_arn(account, delegations.KIND, "/", values[0] or "*"),)


def profile_of(state: State, call: Call, arn: str | None, name: str | None) -> InstanceProfile | None:
    """The instance profile that a call names by ARN or by name."""
    account = call.caller.principal.account
    if arn:
        account, name = account_of(arn, account), arn.rsplit("/", 1)[-1]
    profile = state.get(InstanceProfile, account, (name or "").lower())
    return None if profile is None or (arn and profile.arn != arn) else profile


def _iam_role_of_profile(state: State, call: Call, values: Values) -> Iterable[str]:
    """The role that whoever hands out an instance profile passes on: none, if the profile holds none."""
    arn, name = values
    if name is not None and name.startswith("arn:"):
        arn, name = name, None
    if not arn and not name:
        return
    profile = profile_of(state, call, arn, name)
    if profile is None:
        # [U] Which role would be passed is not known, so whoever may not pass every role is refused.
        yield iam_arn(account_of(arn or "", call.caller.principal.account), "role", "/", "*")
        return
    for key in profile.roles:
        role = state.get(Role, profile.account, key)
        if role is not None:
            yield role.arn


def _ec2_instance_of_association(state: State, call: Call, values: Values) -> Iterable[str]:
    account = call.caller.principal.account
    association = state.get(ProfileAssociation, account, values[0] or "")
    instance = "*" if association is None else association.instance
    return (f"arn:{PARTITION}:ec2:{call.region}:{account}:instance/{instance}",)


EC2_KIND_OF_ID: Final[Mapping[str, str]] = {
    "acl": "network-acl",
    "ami": "image",
    "cagw": "carrier-gateway",
    "cgw": "customer-gateway",
    "cr": "capacity-reservation",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "fleet": "fleet",
    "h": "dedicated-host",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pg": "placement-group",
    "pl": "prefix-list",
    "rtb": "route-table",
    "scr": "subnet-cidr-reservation",
    "sfr": "spot-fleet-request",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "sir": "spot-instances-request",
    "snap": "snapshot",
    "subnet": "subnet",
    "tgw": "transit-gateway",
    "tgw-attach": "transit-gateway-attachment",
    "tgw-rtb": "transit-gateway-route-table",
    "vgw": "vpn-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
    "vpce-svc": "vpc-endpoint-service",
    "vpn": "vpn-connection",
}
"""Amazon EC2 User Guide, "Resource IDs": the part before the last dash tells the type."""

_EC2_UNOWNED: Final = frozenset({"image", "snapshot"})


def _ec2_resource(state: State, call: Call, values: Values) -> Iterable[str]:
    identifier = values[0] or "*"
    kind = EC2_KIND_OF_ID.get(identifier.rpartition("-")[0], "*")
    account = "" if kind in _EC2_UNOWNED else call.caller.principal.account
    return (f"arn:{PARTITION}:ec2:{call.region}:{account}:{kind}/{identifier}",)


def _s3_bucket(state: State, call: Call, values: Values) -> Iterable[str]:
    bucket = values[0] or "*"
    return (bucket if bucket.startswith("arn:") else f"arn:{PARTITION}:s3:::{bucket}",)


def s3_object(state: State, call: Call, values: Values) -> Iterable[str]:
    """An object; behind an access point its ARN has `/object/` in the middle."""
    bucket, key = values
    if bucket is not None and bucket.startswith("arn:"):
        return (f"{bucket}/object/{key}",)
    return (f"arn:{PARTITION}:s3:::{bucket or '*'}/{key or '*'}",)


_SOURCE: Final = re.compile(r"(?P<path>[^?#;\x00-\x1f]+)(?:\?versionId=(?P<version>[^?#&;\x00-\x20]*))?")
_SOURCE_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|arn:aws:s3:[a-z0-9-]+:[0-9]{12}:accesspoint/[a-z0-9-]+")


def s3_source(text: str) -> tuple[str, str, str]:
    """Bucket, key and version of an x-amz-copy-source header: `/bucket/key?versionId=v`, URL-encoded.

    Raises Fault InvalidArgument for everything that could be read in another way than this (a scheme, a fragment,
    further parameters, two slashes in front): the backend might find another object in it than is decided on here.
    """
    found = _SOURCE.fullmatch(text)
    path = unquote(found["path"]).removeprefix("/") if found is not None else ""
    bucket, _, key = path.partition("/object/" if path.startswith("arn:") else "/")
    if found is None or not key or not _SOURCE_BUCKET.fullmatch(bucket):
        raise Fault(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            members={"ArgumentName": "x-amz-copy-source", "ArgumentValue": text},
        )
    return bucket, key, unquote(found["version"] or "")


def _s3_renamed(state: State, call: Call, values: Values) -> Iterable[str]:
    bucket, source = values
    return s3_object(state, call, (bucket, unquote(source or "").removeprefix("/")))


_URL_OF_QUEUE: Final = re.compile(r"[^?#\x00-\x20]+")


def _sqs_queue(state: State, call: Call, values: Values) -> Iterable[str]:
    """`https://host/account/name`; SQS also takes a bare name, and GetQueueUrl another account's."""
    owner, url = values
    if url is not None and url.startswith("arn:"):
        return (url,)
    if url is not None and not _URL_OF_QUEUE.fullmatch(url):
        raise Fault("InvalidAddress", f"The address {url[:200]} is not valid for this endpoint.", 404)
    account = owner or call.caller.principal.account
    parts = [part for part in urlsplit(url or "").path.split("/") if part]
    if len(parts) >= 2 and ACCOUNT_ID.fullmatch(parts[-2]):
        account = parts[-2]
    return (f"arn:{PARTITION}:sqs:{call.region}:{account}:{parts[-1] if parts else '*'}",)


def _sns_topic_of_subscription(state: State, call: Call, values: Values) -> Iterable[str]:
    """arn:aws:sns:region:account:topic:id is a subscription to arn:aws:sns:region:account:topic."""
    arn = values[0] or ""
    if arn.count(":") == 6:
        return (arn.rsplit(":", 1)[0],)
    return (f"arn:{PARTITION}:sns:{call.region}:{call.caller.principal.account}:*",)


def _lambda_function(state: State, call: Call, values: Values) -> Iterable[str]:
    """A function by name, partial ARN (`account:function:name`) or ARN, each perhaps with a qualifier."""
    name, qualifier = values
    account, region, rest = call.caller.principal.account, call.region, name or "*"
    arn = Arn.find(rest)
    if arn is not None:
        account, region, rest = arn.account, arn.region, arn.resource
    head, found, tail = rest.rpartition("function:")
    if found:
        account, rest = head.rstrip(":") or account, tail
    if qualifier and ":" not in rest:
        rest = f"{rest}:{qualifier}"
    return (f"arn:{PARTITION}:lambda:{region}:{account}:function:{rest}",)


def _kms_key(state: State, call: Call, values: Values) -> Iterable[str]:
    key = values[0] or "*"
    if key.startswith("arn:"):
        return (key,)
    kind = key if key.startswith("alias/") else f"key/{key}"
    return (f"arn:{PARTITION}:kms:{call.region}:{call.caller.principal.account}:{kind}",)


_KEY_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")


def _kms_ciphertext(state: State, call: Call, values: Values) -> Iterable[str]:
    """Ciphertexts of local KMS backends begin with the id of their key. Without it or a key beside it: every key.

    The account is that of the key beside it: "To specify a KMS key in a different AWS account, you must use the key
    ARN or alias ARN".
    """
    ciphertext, key = values
    found = _KEY_ID.match(ciphertext or "")
    if found is not None:
        account = account_of(key or "", call.caller.principal.account)
        return (f"arn:{PARTITION}:kms:{call.region}:{account}:key/{found.group()}",)
    return () if key else _kms_key(state, call, ("*",))


def _ssm_parameter(state: State, call: Call, values: Values) -> Iterable[str]:
    """A parameter's name may begin with a slash, which its ARN does not repeat.

    SSM API Reference, GetParameter: "To query by parameter label, use Name: name:label. To query by parameter version,
    use Name: name:version": neither is of the ARN.
    """
    name = values[0] or "*"
    if name.startswith("arn:"):
        return (":".join(name.split(":")[:6]),)
    name = name.partition(":")[0]
    account = call.caller.principal.account
    return (f"arn:{PARTITION}:ssm:{call.region}:{account}:parameter/{name.removeprefix('/')}",)


def _ecs_task_definition(state: State, call: Call, values: Values) -> Iterable[str]:
    """`family` or `family:revision`."""
    name = values[0] or "*"
    if name.startswith("arn:"):
        return (name,)
    revised = name if ":" in name else f"{name}:*"
    return (f"arn:{PARTITION}:ecs:{call.region}:{call.caller.principal.account}:task-definition/{revised}",)


def _events_rule(state: State, call: Call, values: Values) -> Iterable[str]:
    """`rule/name` on the default bus, `rule/bus/name` on another, which may be named by its ARN."""
    bus, name = values
    account, bus = account_of(bus or "", call.caller.principal.account), (bus or "default").rsplit("/", 1)[-1]
    path = name or "*" if bus == "default" else f"{bus}/{name or '*'}"
    return (f"arn:{PARTITION}:events:{call.region}:{account}:rule/{path}",)


def _dynamodb_stream(state: State, call: Call, values: Values) -> Iterable[str]:
    """A shard iterator begins with the ARN of its stream, up to a bar."""
    stream = (values[0] or "").split("|", 1)[0]
    if stream.startswith("arn:"):
        return (stream,)
    return (f"arn:{PARTITION}:dynamodb:{call.region}:{call.caller.principal.account}:table/*/stream/*",)


RESOLVERS: Final[Mapping[str, Resolver]] = {
    **organization_arns.RESOLVERS,
    "dynamodb_stream": _dynamodb_stream,
    "ec2_instance_of_association": _ec2_instance_of_association,
    "ec2_resource": _ec2_resource,
    "ecs_task_definition": _ecs_task_definition,
    "events_rule": _events_rule,
    "iam_delegation_request": _iam_delegation_request,
    "iam_group": _named(Group),
    "iam_new_mfa": _iam_new_mfa,
    "iam_oidc_provider": _iam_oidc_provider,
    "iam_policy": _named(Policy),
    "iam_profile": _named(InstanceProfile),
    "iam_renamed_group": _renamed(Group),
    "iam_renamed_server_certificate": _renamed(ServerCertificate),
    "iam_renamed_user": _renamed(User),
    "iam_role": _named(Role),
    "iam_role_of_profile": _iam_role_of_profile,
    "iam_role_of_deletion": _iam_role_of_deletion,
    "iam_server_certificate": _named(ServerCertificate),
    "iam_service_linked_role": _iam_service_linked_role,
    "iam_user": _iam_user,
    "iam_user_of_key": _iam_user_of_key,
    "kms_ciphertext": _kms_ciphertext,
    "kms_key": _kms_key,
    "lambda_function": _lambda_function,
    "s3_bucket": _s3_bucket,
    "s3_object": s3_object,
    "s3_renamed": _s3_renamed,
    "sns_topic_of_subscription": _sns_topic_of_subscription,
    "sqs_queue": _sqs_queue,
    "ssm_parameter": _ssm_parameter,
    "sts_root_user": _sts_root_user,
}
