"""The actions of calls, where their names do not say so, for `support.reference_calls` and `support.matrix`.

Written from AWS's documentation, and not from the rules of the catalogue.
"""

from __future__ import annotations

from typing import Final

PREFIXES: Final = {"stepfunctions": "states", "elbv2": "elasticloadbalancing", "s3control": "s3"}
"""The prefixes of actions that are not botocore's name of the service."""

_ACTIONS: Final[dict[str, dict[str, str]]] = {
    # Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
    "s3": {
        "s3:PutObject": "CompleteMultipartUpload CopyObject CreateMultipartUpload RenameObject UploadPart "
        "UploadPartCopy",
        "s3:CreateBucketMetadataTableConfiguration": "CreateBucketMetadataConfiguration",
        "s3:DeleteBucketMetadataTableConfiguration": "DeleteBucketMetadataConfiguration",
        "s3:GetBucketMetadataTableConfiguration": "GetBucketMetadataConfiguration",
        "s3express:CreateSession": "CreateSession",
        "s3:PutAnalyticsConfiguration": "DeleteBucketAnalyticsConfiguration PutBucketAnalyticsConfiguration",
        "s3:GetAnalyticsConfiguration": "GetBucketAnalyticsConfiguration ListBucketAnalyticsConfigurations",
        "s3:PutInventoryConfiguration": "DeleteBucketInventoryConfiguration PutBucketInventoryConfiguration",
        "s3:GetInventoryConfiguration": "GetBucketInventoryConfiguration ListBucketInventoryConfigurations",
        "s3:PutMetricsConfiguration": "DeleteBucketMetricsConfiguration PutBucketMetricsConfiguration",
        "s3:GetMetricsConfiguration": "GetBucketMetricsConfiguration ListBucketMetricsConfigurations",
        "s3:PutIntelligentTieringConfiguration": "DeleteBucketIntelligentTieringConfiguration "
        "PutBucketIntelligentTieringConfiguration",
        "s3:GetIntelligentTieringConfiguration": "GetBucketIntelligentTieringConfiguration "
        "ListBucketIntelligentTieringConfigurations",
        "s3:PutBucketCORS": "DeleteBucketCors PutBucketCors",
        "s3:PutEncryptionConfiguration": "DeleteBucketEncryption PutBucketEncryption",
        "s3:GetEncryptionConfiguration": "GetBucketEncryption",
        "s3:PutLifecycleConfiguration": "DeleteBucketLifecycle PutBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
        "s3:PutBucketOwnershipControls": "DeleteBucketOwnershipControls",
        "s3:PutReplicationConfiguration": "DeleteBucketReplication PutBucketReplication",
        "s3:GetReplicationConfiguration": "GetBucketReplication",
        "s3:PutBucketTagging": "DeleteBucketTagging",
        "s3:DeleteObject": "DeleteObjects",
        "s3:PutBucketPublicAccessBlock": "DeletePublicAccessBlock PutPublicAccessBlock",
        "s3:GetBucketPublicAccessBlock": "GetPublicAccessBlock",
        "s3:GetAccelerateConfiguration": "GetBucketAccelerateConfiguration",
        "s3:PutAccelerateConfiguration": "PutBucketAccelerateConfiguration",
        "s3:GetBucketNotification": "GetBucketNotificationConfiguration",
        "s3:PutBucketNotification": "PutBucketNotificationConfiguration",
        "s3:GetBucketObjectLockConfiguration": "GetObjectLockConfiguration",
        "s3:PutBucketObjectLockConfiguration": "PutObjectLockConfiguration",
        "s3:ListBucket": "HeadBucket ListObjects ListObjectsV2",
        "s3:GetObject": "HeadObject SelectObjectContent GetObjectTorrent",
        "s3:ListAllMyBuckets": "ListBuckets",
        "s3:ListBucketMultipartUploads": "ListMultipartUploads",
        "s3:ListBucketVersions": "ListObjectVersions",
        "s3:ListMultipartUploadParts": "ListParts",
        "s3-object-lambda:WriteGetObjectResponse": "WriteGetObjectResponse",
    },
    # Amazon S3 API Reference, AWS S3 Control: these act on buckets of S3 on Outposts, or on those of one's account.
    "s3control": {
        "s3-outposts:CreateBucket": "CreateBucket",
        "s3-outposts:DeleteBucket": "DeleteBucket",
        "s3-outposts:DeleteBucketPolicy": "DeleteBucketPolicy",
        "s3-outposts:GetBucket": "GetBucket",
        "s3-outposts:GetBucketPolicy": "GetBucketPolicy",
        "s3-outposts:GetBucketTagging": "GetBucketTagging",
        "s3-outposts:GetBucketVersioning": "GetBucketVersioning",
        "s3-outposts:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
        "s3-outposts:GetReplicationConfiguration": "GetBucketReplication",
        "s3-outposts:ListRegionalBuckets": "ListRegionalBuckets",
        "s3-outposts:PutBucketPolicy": "PutBucketPolicy",
        "s3-outposts:PutBucketTagging": "PutBucketTagging DeleteBucketTagging",
        "s3-outposts:PutBucketVersioning": "PutBucketVersioning",
        "s3-outposts:PutLifecycleConfiguration": "PutBucketLifecycleConfiguration DeleteBucketLifecycleConfiguration",
        "s3-outposts:PutReplicationConfiguration": "PutBucketReplication DeleteBucketReplication",
        "s3:GetAccountPublicAccessBlock": "GetPublicAccessBlock",
        "s3:PutAccountPublicAccessBlock": "PutPublicAccessBlock DeletePublicAccessBlock",
        "s3express:DeleteAccessPointScope": "DeleteAccessPointScope",
        "s3express:GetAccessPointScope": "GetAccessPointScope",
        "s3express:ListAccessPointsForDirectoryBuckets": "ListAccessPointsForDirectoryBuckets",
        "s3express:PutAccessPointScope": "PutAccessPointScope",
    },
    # Amazon DynamoDB Developer Guide, "IAM policies with PartiQL" and "Using IAM with DynamoDB transactions".
    "dynamodb": {
        "dynamodb:PartiQLSelect": "BatchExecuteStatement ExecuteStatement ExecuteTransaction",
        "dynamodb:GetItem": "TransactGetItems",
        "dynamodb:DeleteItem": "TransactWriteItems",
    },
    # Amazon SQS Developer Guide and Amazon SNS, "API permissions": a batch takes the permission of its single call.
    "sqs": {
        "sqs:ChangeMessageVisibility": "ChangeMessageVisibilityBatch",
        "sqs:DeleteMessage": "DeleteMessageBatch",
        "sqs:SendMessage": "SendMessageBatch",
    },
    "sns": {"sns:Publish": "PublishBatch"},
    # AWS Lambda API Reference, Invoke: "This action requires permission for the lambda:InvokeFunction action".
    "lambda": {
        "lambda:InvokeFunction": "Invoke InvokeAsync InvokeWithResponseStream",
        "lambda:GetLayerVersion": "GetLayerVersionByArn",
    },
    "kms": {"kms:ReEncryptTo": "ReEncrypt"},
    # Service Authorization Reference, AWS Glue: the reads of many take the action of the read of one.
    "glue": {
        "glue:GetDataQualityResult": "BatchGetDataQualityResult GetDataQualityResultV2",
        "glue:GetDataQualityRulesetEvaluationRun": "BatchGetDataQualityRulesetEvaluationRun",
        "glue:ListDataQualityResults": "ListDataQualityResultsV2",
        "glue:PutDataQualityStatisticAnnotation": "BatchPutDataQualityStatisticAnnotation",
    },
}

ACTIONS: Final[dict[tuple[str, str], str]] = {
    (service, name): action
    for service, listed in _ACTIONS.items()
    for action, names in listed.items()
    for name in names.split()
}
"""(service, operation) -> action, where no action has the operation's name, or another one stands for it."""

_ROLE: Final = "arn:aws:iam::{account}:role/"

ALSO: Final[dict[tuple[str, str], tuple[tuple[str, str], ...]]] = {
    ("ec2", "AssociateIamInstanceProfile"): (("iam:PassRole", f"{_ROLE}*"),),
    ("ec2", "ReplaceIamInstanceProfileAssociation"): (("iam:PassRole", f"{_ROLE}*"),),
    # KMS Developer Guide, "Control access to multi-Region keys": "kms:CreateKey [...] in the replica Region".
    ("kms", "ReplicateKey"): (("kms:CreateKey", "*"),),
    # What is given as a source is decided on too; of a name that has no id's form, the type is not known.
    ("ec2", "CreateFlowLogs"): (("ec2:CreateFlowLogs", "arn:aws:ec2:us-east-1:{account}:*/given"),),
    ("ec2", "CreateNetworkInsightsPath"): (
        ("ec2:CreateNetworkInsightsPath", "arn:aws:ec2:us-east-1:{account}:*/given"),
    ),
    # The name that it is to have, which what is put has in it.
    ("glue", "UpdateConnection"): (("glue:UpdateConnection", "arn:aws:glue:us-east-1:{account}:connection/given"),),
    ("glue", "UpdateDatabase"): (("glue:UpdateDatabase", "arn:aws:glue:us-east-1:{account}:database/given"),),
    ("s3control", "UpdateStorageLensGroup"): (
        ("s3:UpdateStorageLensGroup", "arn:aws:s3:us-east-1:{account}:storage-lens-group/given"),
    ),
    ("iam", "AddRoleToInstanceProfile"): (("iam:PassRole", f"{_ROLE}given"),),
    ("kms", "ReEncrypt"): (("kms:ReEncryptFrom", "arn:aws:kms:us-east-1:{account}:key/*"),),
    ("s3", "CopyObject"): (("s3:GetObject", "arn:aws:s3:::source/given"),),
    ("s3", "GetObjectAttributes"): (("s3:GetObject", "arn:aws:s3:::one-bucketname/one-objectname"),),
    ("s3", "RenameObject"): (("s3:GetObject", "arn:aws:s3:::*"), ("s3:DeleteObject", "arn:aws:s3:::*")),
    ("s3", "UploadPartCopy"): (("s3:GetObject", "arn:aws:s3:::source/given"),),
    ("sqs", "StartMessageMoveTask"): tuple(
        (f"sqs:{name}", "arn:aws:sqs:us-east-1:{account}:one-queuename")
        for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage")
    ),
}
"""(service, operation) -> the further (action, resource) that its API reference asks for, but for passed roles."""

FREE: Final[dict[tuple[str, str], str]] = {
    ("sts", "GetCallerIdentity"): "No permissions are required to perform this operation.",
    ("sts", "GetSessionToken"): "No permissions are required for users to perform this operation.",
    ("sts", "GetFederationToken"): "A role's session cannot make this call.",
    ("sts", "AssumeRoleWithSAML"): "Nobody signs the call: the role's trust policy alone decides.",
    ("sts", "AssumeRoleWithWebIdentity"): "Nobody signs the call: the role's trust policy alone decides.",
    ("iam", "AcquireRole"): "Its permission is not published: Locum asks for those of what it reads and makes.",
}
"""(service, operation) of calls that no permission of their name decides, and why."""

NOT_BY_POLICY_ALONE: Final[dict[tuple[str, str], str]] = {
    ("iam", "GetAccessKeyLastUsed"): "Nobody may ask for a key that does not exist.",
    ("kms", "UpdateAlias"): "The key that the alias has is asked, too, and the alias does not exist.",
    ("sts", "AssumeRoot"): "It takes an organization with centralized root access, and another account.",
}
"""(service, operation) of calls that are refused in spite of their permission, and why."""

LOOKED_UP: Final[dict[tuple[str, str], str]] = {
    ("autoscaling", "DeletePolicy"): "the group of the policy",
    ("autoscaling", "ExecutePolicy"): "the group of the policy",
    ("autoscaling", "TerminateInstanceInAutoScalingGroup"): "the group of the instance",
    ("cloudwatch", "PutCompositeAlarm"): '"scoped to `*`": CloudWatch API Reference',
    ("ec2", "CancelExportTask"): "whether the task is of an image or of an instance",
    ("ec2", "DetachVolume"): "the instance that the volume is attached to",
    ("ec2", "ReplaceNetworkAclAssociation"): "the network ACL of the association",
    ("ec2", "ReplaceRouteTableAssociation"): "the route table of the association",
    ("kinesis", "GetRecords"): "the stream of the shard iterator",
    ("rds", "CreateBlueGreenDeployment"): "the id, which RDS chooses",
    ("rds", "CreateDBCapacityReservation"): "the id, which RDS chooses",
    ("rds", "CreateDBShardGroup"): "the id, which RDS chooses",
    ("rds", "DeleteCustomDBEngineVersion"): "the id of the version",
    ("rds", "ModifyCustomDBEngineVersion"): "the id of the version",
    **{("rds", f"{verb}DBShardGroup"): "the id of the shard group" for verb in ("Delete", "Modify", "Reboot")},
    ("rds", "DescribeDBShardGroups"): "the id of the shard group",
    ("rds", "RestoreDBClusterToPointInTime"): "the source, which is not named",
    ("s3control", "GetMultiRegionAccessPoint"): "the alias of the access point",
}
"""(service, operation) of calls on what only the backend knows: what is not found may be any, so that nobody whose
permission is on one resource is allowed."""

UNPUBLISHED: Final[dict[str, int]] = {
    "dynamodb": 4,
    "lambda": 3,
    "secretsmanager": 3,
    "ssm": 2,
    "cloudwatch": 7,
    "kinesis": 12,
    "ec2": 28,
    "ecr": 1,
    "rds": 1,
    "route53": 3,
    "cloudformation": 2,
    "athena": 5,
    "glue": 48,
    "iam": 2,
    "cloudtrail": 1,
}
"""service -> the number of operations in botocore whose action the Service Authorization Reference does not have yet.

They are walked with the action of their own name, on all resources.
"""
