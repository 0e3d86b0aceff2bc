"""The table of the operations that put policies: where each policy is, and by which rules it is judged.

Error codes are those of the service models. Texts are AWS's where public reports have them (the Terraform provider's
and CDK's issues, and the troubleshooting pages of the services); `{detail}`, the message of the policy parser, stands
where none is known. Sizes are those of the services' quota pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from locum.authz.resource_policies.buckets import check_access_point_policy, check_bucket_policy
from locum.authz.resource_policies.flaws import Flaw, Words
from locum.authz.resource_policies.permissions import Permission, on_bus, on_function, on_queue, on_topic
from locum.authz.resource_policies.places import Member, NamedAttribute, Patch, Place
from locum.authz.resource_policies.plain_services import ROWS
from locum.authz.resource_policies.rules import Rules, actions_of, limits_of_queues


class Put(NamedTuple):
    """A policy in the parameters of an operation: its place and its rules."""

    place: Place
    rules: Rules


_S3_WORDS: Final = Words(
    "MalformedPolicy",
    "Invalid policy syntax.",
    {
        Flaw.FIRST_BYTE: "Policies must be valid JSON and the first byte must be '{'",
        Flaw.JSON: "This policy contains invalid Json",
        Flaw.SIZE: "Normalized policy document exceeds the maximum allowed size of 20480 bytes.",
        Flaw.MISSING_FIELD: "{detail}",
        Flaw.UNKNOWN_FIELD: "{detail}",
        Flaw.VERSION: "The policy must contain a valid version string",
        Flaw.EMPTY: "Could not parse the policy: Statement is empty!",
        Flaw.EFFECT: "{detail}",
        Flaw.PRINCIPAL: "Invalid principal in policy",
        Flaw.PRINCIPAL_SYNTAX: "Invalid policy syntax.",
        Flaw.ACTION: "Policy has invalid action",
        Flaw.RESOURCE: "Policy has invalid resource",
        Flaw.ACTION_RESOURCE: "{detail}",
        Flaw.CONDITION_TYPE: "{detail}",
        Flaw.CONDITION_KEY: "Policy has an invalid condition key",
        Flaw.CONDITION_ACTION: "{detail}",
    },
)
_BUCKET: Final = Rules(_S3_WORDS, check=check_bucket_policy)
_ACCESS_POINT: Final = Rules(_S3_WORDS, check=check_access_point_policy)

_QUEUE_WORDS: Final = Words(
    "InvalidAttributeValue",
    "Invalid value for the parameter Policy.",
    {Flaw.SIZE: "Submitted policy is over max allowed size."},
    {Flaw.SIZE: ("OverLimit", 403)},
)
_QUEUE: Final = Rules(_QUEUE_WORDS, 8_192, check=limits_of_queues, removed_by_empty=True)
_QUEUE_PERMISSION: Final = Rules(
    Words("InvalidParameterValue", "Value [{value}] for parameter PrincipalId is invalid. Reason: Unable to verify.")
)

_TOPIC: Final = Rules(
    Words(
        "InvalidParameter",
        "Invalid parameter: Policy Error: null",
        {
            Flaw.PRINCIPAL: "Invalid parameter: Policy Error: PrincipalNotFound",
            Flaw.PRINCIPAL_SYNTAX: "Invalid parameter: Policy Error: null",
            Flaw.ACTION: "Invalid parameter: Policy statement action out of service scope!",
        },
    ),
    30_720,
    check=actions_of("sns"),
)

_KEY: Final = Rules(
    Words(
        "MalformedPolicyDocumentException",
        texts={
            Flaw.PRINCIPAL: "Policy contains a statement with one or more invalid principals.",
            Flaw.SERVICE: "Policy contains a statement with one or more invalid service principals.",
            Flaw.LOCKOUT: "The new key policy will not allow you to update the key policy in the future.",
        },
        codes={Flaw.SIZE: ("LimitExceededException", 400)},
    ),
    32_768,
    kept_action="kms:PutKeyPolicy",
)

_SECRET: Final = Rules(
    Words(
        "MalformedPolicyDocumentException",
        "This resource policy contains a syntax error.",
        {
            Flaw.PRINCIPAL: "This resource policy contains an unsupported principal.",
            Flaw.SERVICE: "This resource policy contains an unsupported service principal.",
        },
    )
)

_FUNCTION: Final = Rules(
    Words(
        "InvalidParameterValueException",
        texts={
            Flaw.PRINCIPAL: "The provided principal was invalid. Please check the principal and try again.",
            Flaw.SIZE: "The final policy size ({value}) is bigger than the limit (20480).",
        },
        codes={Flaw.SIZE: ("PolicyLengthExceededException", 400)},
    )
)

_TABLE_INVALID: Final = "One or more parameter values were invalid: "
_TABLE: Final = Rules(
    Words(
        "ValidationException",
        f"{_TABLE_INVALID}Invalid policy document: {{detail}}",
        {
            Flaw.PRINCIPAL: f"{_TABLE_INVALID}Invalid principal in policy document.",
            Flaw.SERVICE: f"{_TABLE_INVALID}Invalid policy document: Policy contains invalid service principal",
            Flaw.ACTION: f"{_TABLE_INVALID}Invalid policy document: "
            'The following action names are invalid: "{value}"',
        },
    ),
    check=actions_of("dynamodb"),
    counts_space=True,
)


def _registry(kind: str, *, resource: bool | None) -> Rules:
    """The rules of Amazon ECR for the policy of a repository or a registry."""
    text = "Invalid parameter at 'PolicyText' failed to satisfy constraint: '%s'"
    words = Words(
        "InvalidParameterException",
        text % f"Invalid {kind} policy provided",
        {Flaw.PRINCIPAL: text % "Principal not found"},
    )
    return Rules(words, 10_240, resource)


_BUS: Final = Rules(
    Words(
        "ValidationException",
        texts={Flaw.SIZE: "Policy size would be larger than the maximum allowed."},
        codes={Flaw.SIZE: ("PolicyLengthExceededException", 400)},
    ),
    10_240,
)
_LOG_WORDS: Final = Words(
    "InvalidParameterException",
    texts={Flaw.PRINCIPAL: "Could not convert to persistable policy."},
    codes={Flaw.SIZE: ("LimitExceededException", 400)},
)
_LOGS: Final = Rules(_LOG_WORDS, 51_200)
_LOG_DESTINATION: Final = Rules(_LOG_WORDS, 5_120)

_API_TEXT: Final = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
_API: Final = Rules(
    Words("BadRequestException", _API_TEXT),
    8_192,
    removed_by_empty=True,
    shorthand=("execute-api:/", "arn:aws:execute-api:*:*:*/"),
)
_DOMAIN: Final = Rules(Words("ValidationException"), 102_400, removed_by_empty=True)


_POLICY: Final = Member(("Policy",))
_IN_ATTRIBUTES: Final = Member(("Attributes", "Policy"))
_ACCESS: Final = Put(Member(("AccessPolicies",)), _DOMAIN)
_POLICY_TEXT: Final = Member(("policyText",))
_REPOSITORY: Final = _registry("repository", resource=False)
_TEMPLATE: Final = Put(Member(("repositoryPolicy",)), _REPOSITORY)
_NEW_API: Final = Put(Member(("policy",)), _API)
_PATCHED_API: Final = Put(Patch("patchOperations", "/policy"), _API)
_FUNCTION_PERMISSION: Final = Put(Permission(on_function, "Principal"), _FUNCTION)

_OWN_WORDS: Final[Mapping[tuple[str, str], tuple[Put, ...]]] = {
    ("s3", "PutBucketPolicy"): (Put(_POLICY, _BUCKET),),
    ("s3control", "PutAccessGrantsInstanceResourcePolicy"): (Put(_POLICY, Rules(_S3_WORDS, 350_000)),),
    ("s3control", "PutAccessPointPolicy"): (Put(_POLICY, _ACCESS_POINT),),
    ("s3control", "PutAccessPointPolicyForObjectLambda"): (Put(_POLICY, Rules(_S3_WORDS)),),
    ("s3control", "PutBucketPolicy"): (Put(_POLICY, Rules(_S3_WORDS)),),
    ("s3control", "PutMultiRegionAccessPointPolicy"): (Put(Member(("Details", "Policy")), Rules(_S3_WORDS)),),
    ("sqs", "AddPermission"): (Put(Permission(on_queue), _QUEUE_PERMISSION),),
    ("sqs", "CreateQueue"): (Put(_IN_ATTRIBUTES, _QUEUE),),
    ("sqs", "SetQueueAttributes"): (Put(_IN_ATTRIBUTES, _QUEUE),),
    ("sns", "AddPermission"): (Put(Permission(on_topic), _TOPIC),),
    ("sns", "CreateTopic"): (Put(_IN_ATTRIBUTES, _TOPIC),),
    ("sns", "SetTopicAttributes"): (Put(NamedAttribute("AttributeName", "Policy", "AttributeValue"), _TOPIC),),
    ("kms", "CreateKey"): (Put(_POLICY, _KEY),),
    ("kms", "PutKeyPolicy"): (Put(_POLICY, _KEY),),
    ("kms", "ReplicateKey"): (Put(_POLICY, _KEY),),
    ("secretsmanager", "PutResourcePolicy"): (Put(Member(("ResourcePolicy",)), _SECRET),),
    ("lambda", "AddLayerVersionPermission"): (_FUNCTION_PERMISSION,),
    ("lambda", "AddPermission"): (_FUNCTION_PERMISSION,),
    ("lambda", "PutResourcePolicy"): (Put(_POLICY, _FUNCTION),),
    ("dynamodb", "CreateTable"): (Put(Member(("ResourcePolicy",)), _TABLE),),
    ("dynamodb", "PutResourcePolicy"): (Put(_POLICY, _TABLE),),
    ("ecr", "CreateRepositoryCreationTemplate"): (_TEMPLATE,),
    ("ecr", "PutRegistryPolicy"): (Put(_POLICY_TEXT, _registry("registry", resource=True)),),
    ("ecr", "SetRepositoryPolicy"): (Put(_POLICY_TEXT, _REPOSITORY),),
    ("ecr", "UpdateRepositoryCreationTemplate"): (_TEMPLATE,),
    ("ecr-public", "SetRepositoryPolicy"): (Put(_POLICY_TEXT, _REPOSITORY),),
    ("events", "PutPermission"): (Put(_POLICY, _BUS), Put(Permission(on_bus), _BUS)),
    ("logs", "PutDeliveryDestinationPolicy"): (Put(Member(("deliveryDestinationPolicy",)), _LOGS),),
    ("logs", "PutDestinationPolicy"): (Put(Member(("accessPolicy",)), _LOG_DESTINATION),),
    ("logs", "PutResourcePolicy"): (Put(Member(("policyDocument",)), _LOGS),),
    ("apigateway", "CreateDomainName"): (_NEW_API,),
    ("apigateway", "CreateRestApi"): (_NEW_API,),
    ("apigateway", "UpdateDomainName"): (_PATCHED_API,),
    ("apigateway", "UpdateRestApi"): (_PATCHED_API,),
    ("es", "CreateElasticsearchDomain"): (_ACCESS,),
    ("es", "UpdateElasticsearchDomainConfig"): (_ACCESS,),
    ("glacier", "SetVaultAccessPolicy"): (
        Put(Member(("policy", "Policy")), Rules(Words("InvalidParameterValueException"), resource=None)),
    ),
    ("opensearch", "CreateDomain"): (_ACCESS,),
    ("opensearch", "UpdateDomainConfig"): (_ACCESS,),
}


def _all_puts() -> dict[tuple[str, str], tuple[Put, ...]]:
    puts = dict(_OWN_WORDS)
    for row in ROWS:
        put = Put(Member((row.member,)), Rules(Words(row.code), row.size, None))
        key = row.service, row.operation
        puts[key] = (*puts.get(key, ()), put)
    return puts


PUTS: Final[Mapping[tuple[str, str], tuple[Put, ...]]] = _all_puts()
"""The policies in the parameters of each operation, by botocore's names."""

_READS: Final = {
    "apigateway": ("CreateRestApi", "GetRestApi", "GetRestApis", "UpdateRestApi", "GetDomainName", "UpdateDomainName"),
    "backup": ("GetBackupVaultAccessPolicy",),
    "cloudtrail": ("GetResourcePolicy", "PutResourcePolicy"),
    "dynamodb": ("GetResourcePolicy",),
    "ec2": ("CreateVpcEndpoint", "DescribeVpcEndpoints"),
    "ecr": (
        "DeleteRegistryPolicy", "DeleteRepositoryPolicy", "GetRegistryPolicy", "GetRepositoryPolicy",
        "PutRegistryPolicy", "SetRepositoryPolicy",
    ),
    "efs": ("DescribeFileSystemPolicy", "PutFileSystemPolicy"),
    "es": ("DescribeElasticsearchDomain", "DescribeElasticsearchDomainConfig", "DescribeElasticsearchDomains"),
    "events": ("DescribeEventBus", "ListEventBuses"),
    "glue": ("GetResourcePolicies", "GetResourcePolicy"),
    "kinesis": ("GetResourcePolicy",),
    "kms": ("GetKeyPolicy", "ReplicateKey"),
    "lambda": ("AddLayerVersionPermission", "AddPermission", "GetLayerVersionPolicy", "GetPolicy", "GetResourcePolicy"),
    "logs": ("DescribeDestinations", "DescribeResourcePolicies", "GetDeliveryDestinationPolicy", "PutResourcePolicy"),
    "opensearch": ("CreateDomain", "DescribeDomain", "DescribeDomainConfig", "DescribeDomains", "UpdateDomainConfig"),
    "s3": ("GetBucketPolicy",),
    "s3control": ("GetAccessPointPolicy", "GetMultiRegionAccessPointPolicy"),
    "secretsmanager": ("GetResourcePolicy",),
    "sns": ("GetTopicAttributes",),
    "sqs": ("GetQueueAttributes",),
}  # fmt: skip

SHOWN_BY: Final = frozenset((service, operation) for service, names in _READS.items() for operation in names)
"""The operations that answer with policies."""

_ADDED_ONE_BY_ONE: Final = frozenset(key for key, puts in PUTS.items() if isinstance(puts[-1].place, Permission))


def checked_by_model(service: str, operation: str) -> bool:
    """Whether the parameters of an operation become parts of a policy, so that each must be as the model has it."""
    return (service, operation) in _ADDED_ONE_BY_ONE
