"""The internals of moto that are used, each with its reason; `reliance` checks them before their first use.

moto's public interfaces are its boto3 mock and its server, neither of which is used here: its handlers are called and
its models read, which may change with any version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.backends.moto.relied_on_additions import LACKS as _LACKS
from locum.backends.moto.relied_on_additions import OF_ADDITIONS
from locum.core.reliance import Relied

_POLICY: Final = "to know the policy of a resource and its tags"
_SNAPSHOTS: Final = "to know whether a snapshot is there"
_STREAMS: Final = "to know whether a stream is there"
_TELL: Final = "to tell of events in S3"
_DELIVER: Final = "to deliver what SNS publishes"
_EVENTS: Final = "to deliver what the rules of EventBridge send"
_LOGGED: Final = "to deliver what is logged"
_ALARMS: Final = "to have alarms act when their state changes"
_NAMES: Final = "to find what is named, and nothing else"
_GRANT: Final = "to know what ACLs grant and what is blocked for the public"
_UPLOADS: Final = "to tell the uploads of one key from those of another"
_READ: Final = "to read an object or an item at once"
_WRITE: Final = "to write an object at once"
_BODY: Final = "to pass a body without copies, and to free it"
_FREE: Final = "to free what is replaced or deleted"
_OCTETS: Final = "to keep an object's octets without copies"
_JUDGE: Final = "to keep moto from judging calls that were allowed"
_LEND: Final = "to show moto the roles and profiles that there are"
_RUN: Final = "to show moto the instances that there are"
_TEMPLATE: Final = "to tell the tags of launch templates page by page, and to base a version on another one"
_KEEP: Final = "to keep a queue's policy when other attributes are set"
_DEPTH: Final = "to send to a queue and receive from it at once, however many messages it has"
_PERMIT: Final = "to keep permissions on functions in a form that can be read"
_LATER: Final = "to keep the settings of asynchronous invocations"
_INVOKE: Final = "to know a function that is invoked"
_MAP: Final = "to keep event source mappings, and to tag them"
_CALL: Final = "to call a service's handler"
_POINTS: Final = "to know an access point, its bucket and its policy"
_KEYS: Final = "to know the KMS key that something is encrypted under"
_ROTATE: Final = "to rotate secrets"
_STAGES: Final = "to delete a deployment that no stage has any more"
_END: Final = "to let go of what an account had"
_FENCE: Final = "to keep a call in its account and its service"

_PUBLISHED: Final = (
    "self", "message", "message_id", "subject", "message_attributes", "group_id", "deduplication_id",
    "message_structure",
)  # fmt: skip

AT_ONCE: Final = ("core", "config", "backends", "iam", "s3", "sns")
"""The parts of moto that all calls use. The others are checked at the first call that needs them."""

RELIED_ON: Final[Mapping[str, Mapping[str, tuple[Relied, ...]]]] = {
    **OF_ADDITIONS,
    "core": {
        "moto.core.request": (
            Relied("PRESERVED_HEADER_NAMES_ENVIRON_KEY", "to keep the spelling of an object's metadata"),
            Relied("Request", _CALL, has=("want_form_data_parsed", "raw_url")),
        ),
        "werkzeug.wrappers.request": (
            Relied("Request", _BODY, takes=("environ", "populate_request")),
            Relied("Request.get_data", _BODY, takes=("self", "cache", "as_text", "parse_form_data")),
        ),
        "moto.core.utils": (
            Relied("method_names_from_class", _CALL, takes=("clazz",)),
            Relied("camelcase_to_underscores", _CALL, takes=("argument",)),
        ),
        "moto.core.common_models": (Relied("BaseModel.__new__", _FREE, takes=("cls", "args", "kwargs"), alone=True),),
        "moto.core.exceptions": (Relied("ServiceException", "to answer a service's errors", has=("code", "message")),),
        "moto.utilities.tagging_service": (
            Relied("TaggingService", _POLICY, has=("has_tags", "get_tag_dict_for_resource")),
            Relied("TaggingService.delete_all_tags_for_resource", _WRITE, takes=("self", "arn")),
        ),
        "moto.core.base_backend": (
            Relied("BackendDict", "to know a service's regions"),
            Relied("BackendDict", _FENCE, has=("backend",)),
            Relied("BackendDict._instances", _END),
            Relied("BackendDict.__getitem__", _FENCE, takes=("self", "account_id"), alone=True),
            Relied("AccountSpecificBackend", "to know a service's regions", has=("regions",)),
        ),
    },
    "config": {
        "moto.core.config": (Relied("default_user_config", "to run no containers"),),
    },
    "backends": {
        "moto.backends": (
            Relied("ALT_SERVICE_NAMES", _CALL),
            Relied("list_of_moto_modules", _CALL, takes=()),
            Relied("get_backend", _CALL, takes=("name",)),
        ),
    },
    "iam": {
        "moto.iam.models": (
            Relied("iam_backends", _LEND),
            Relied("IAMBackend", _LEND, has=("account_id",)),
            Relied("IAMBackend.get_role_by_arn", _LEND, takes=("self", "arn"), alone=True),
            Relied("IAMBackend.get_instance_profiles", _LEND, takes=("self",), alone=True),
        ),
        "moto.iam.exceptions": (Relied("NotFoundException", _LEND),),
        "moto.iam.access_control": (Relied("PermissionResult.NEUTRAL", _JUDGE),),
    },
    "s3": {
        "moto.s3.models": (
            Relied("ARCHIVE_STORAGE_CLASSES", _READ),
            Relied("s3_backends.bucket_accounts", _POLICY),
            Relied("S3Backend", _POLICY, has=("buckets", "tagger")),
            Relied("S3Backend.get_bucket_encryption", _LACKS, takes=("self", "bucket_name"), alone=True),
            Relied("S3Backend.log_incoming_request", _FENCE, takes=("self", "request", "bucket_name"), alone=True),
            Relied("FakeBucket", _POLICY, has=("keys", "policy", "arn", "name", "account_id", "region_name")),
            Relied("FakeBucket", _KEYS, has=("encryption",)),
            Relied("FakeKey", _KEYS, has=("encryption", "kms_key_id", "bucket_key_enabled", "version_id")),
            Relied("FakeBucket.get_permission", _JUDGE, takes=("self", "action", "resource"), alone=True),
            Relied("FakeBucket", _TELL, has=("notification_configuration",)),
            Relied(
                "FakeBucket.set_notification_configuration", _TELL, takes=("self", "notification_config"), alone=True
            ),
            Relied("FakeKey", _READ, has=("value", "storage_class", "multipart", "response_dict", "metadata")),
            Relied("FakeKey", _READ, has=("checksum_algorithm", "checksum_type", "checksum_value")),
            Relied("rfc_1123_datetime", _READ, takes=("src",)),
            Relied(
                "S3Backend.put_object",
                _WRITE,
                takes=("self", "bucket_name", "key_name", "value", "storage"),
            ),
            Relied("FakeBucket", _WRITE, has=("object_lock_enabled",)),
            Relied("FakeKey.set_metadata", _WRITE, takes=("self", "metadata")),
            Relied("tempfile.SpooledTemporaryFile", _OCTETS),
            Relied("FakeKey", _OCTETS, has=("_value_buffer", "dispose", "__del__")),
            Relied("FakeKey", _TELL, has=("name", "size", "etag", "version_id", "expiry_date")),
            Relied("OWNER", _GRANT),
            Relied("get_canned_acl", _GRANT, takes=("acl",)),
            Relied("FakeKey.set_acl", _GRANT, takes=("self", "acl")),
            Relied("FakeBucket", _GRANT, has=("acl", "ownership_rule", "public_access_block")),
            Relied("FakeAcl", _GRANT, has=("grants",)),
            Relied("FakeGrant", _GRANT, has=("grantees", "permissions")),
            Relied("FakeGrantee", _GRANT, has=("id", "uri")),
            Relied(
                "PublicAccessBlock",
                _GRANT,
                has=("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"),
            ),
            Relied("FakeBucket", _UPLOADS, has=("multiparts",)),
            Relied("FakeMultipart", _UPLOADS, has=("key_name", "id")),
            Relied("NotificationConfiguration", _TELL, has=("cloud_function", "queue", "topic", "event_bridge")),
            Relied("Notification", _TELL, has=("id", "arn")),
            Relied("Notification.matches", _TELL, takes=("self", "event_name", "key_name")),
        ),
        "moto.s3.notifications": (
            Relied("send_event", _TELL, takes=("account_id", "event_name", "bucket", "key"), alone=True),
            Relied("send_test_event", _TELL, takes=("account_id", "bucket"), alone=True),
        ),
    },
    "s3control": {
        "moto.s3control.models": (
            Relied("S3ControlBackend", _GRANT, has=("public_access_block",)),
            Relied("S3ControlBackend", _POINTS, has=("access_points", "tag_resource")),
            Relied("AccessPoint", _POINTS, has=("name", "alias", "bucket", "arn", "policy")),
            Relied("AccessPoint", _POINTS, has=("network_origin", "vpc_id", "pubc", "created")),
        ),
    },
    "sns": {
        "moto.sns.models": (
            Relied("SNSBackend", _POLICY, has=("topics", "region_name")),
            Relied("Topic", _POLICY, has=("arn", "account_id", "policy", "_tags", "sns_backend", "kms_master_key_id")),
            Relied("Subscription", _DELIVER, has=("topic", "endpoint", "protocol", "arn", "attributes")),
            Relied("Subscription.publish", _DELIVER, takes=_PUBLISHED, alone=True),
            Relied("Subscription._parse_message_structure", _DELIVER, takes=("self", "message", "protocol")),
            Relied("Subscription", _DELIVER, has=("_filter_policy_matcher",)),
        ),
        "moto.sns.utils": (
            Relied("FilterPolicyMatcher.matches", _DELIVER, takes=("self", "message_attributes", "message")),
        ),
    },
    "sqs": {
        "moto.sqs.models": (
            Relied("SQSBackend", _POLICY, has=("queues",)),
            Relied("Queue", _POLICY, has=("policy", "tags")),
            Relied("Queue", _FREE, has=("deleted_messages",)),
            Relied("Queue", _DEPTH, has=("_messages", "fifo_queue")),
            Relied("Queue.attributes", _DEPTH),
            Relied("Queue.messages", _DEPTH),
            Relied("Message", _DEPTH, has=("visible_at", "delayed_until")),
            Relied("unix_time_millis", _DEPTH, takes=("dt",)),
            Relied("Queue.__init__", _FREE, takes=("self", "name", "region", "account_id", "kwargs"), alone=True),
            Relied("Queue._set_attributes", _KEEP, takes=("self", "attributes", "now")),
        ),
    },
    "kms": {
        "moto.kms.models": (
            Relied("KmsBackend", _POLICY, has=("keys", "tagger")),
            Relied("KmsBackend.get_key_id_from_alias", _POLICY, takes=("self", "alias_name")),
            Relied("Key", _POLICY, has=("policy", "id", "arn", "key_spec", "key_usage", "origin", "multi_region")),
            Relied("Key", _POLICY, has=("aliases", "grants")),
            Relied("Grant.to_json", _POLICY, takes=("self",)),
        ),
        "moto.kms.responses": (
            Relied("validate_policy", _JUDGE, takes=("key", "action"), alone=True),
            Relied("_assert_default_policy", _LACKS, takes=("policy_name",), alone=True),
        ),
    },
    "awslambda": {
        "moto.awslambda.models": (
            Relied("LambdaBackend", _POLICY, has=("_lambdas",)),
            Relied("LambdaBackend", _MAP, has=("_event_source_mappings",)),
            Relied("LambdaStorage.get_arn", _POLICY, takes=("self", "arn")),
            Relied("LambdaFunction", _POLICY, has=("policy", "tags")),
            Relied("LambdaBackend.get_function", _INVOKE, takes=("self", "function_name_or_arn", "qualifier")),
            Relied("LambdaFunction", _INVOKE, has=("version", "run_time", "handler", "role", "timeout", "memory_size")),
            Relied("LambdaFunction", _INVOKE, has=("environment_vars",)),
            Relied("LambdaBackend.get_function_concurrency", _INVOKE, takes=("self", "function_name")),
            Relied("LambdaFunction", _INVOKE, has=("event_invoke_config", "layers")),
            Relied("LayerVersion", _INVOKE, has=("code_bytes",)),
            Relied("LambdaBackend.layers_versions_by_arn", _INVOKE, takes=("self", "layer_version_arn")),
            Relied("LambdaFunction.get_configuration", _INVOKE, takes=("self", "on_create")),
            Relied("LambdaFunction.__init__", _LATER, takes=("self", "account_id", "spec", "region", "version")),
            Relied("LambdaFunction.update_configuration", _LATER, takes=("self", "config_updates")),
            Relied("LambdaBackend.put_function_event_invoke_config", _LATER, takes=("self", "function_name", "config")),
        ),
        "moto.awslambda.exceptions": (Relied("UnknownFunctionException", _INVOKE),),
        "moto.awslambda.policy": (
            Relied("Policy", _POLICY, has=("statements", "revision")),
            Relied("Policy.get_policy", _POLICY, takes=("self",)),
            Relied("Policy.add_statement", _PERMIT, takes=("self", "raw", "qualifier")),
        ),
    },
    "ec2": {
        "moto.ec2.models.vpcs": (
            Relied("VPCBackend", _POLICY, has=("vpc_end_points",)),
            Relied("VPCEndPoint", _POLICY, has=("policy_document", "service_name", "state", "vpc_id")),
        ),
        "moto.ec2.models.instances": (
            Relied("InstanceBackend", _RUN, has=("reservations",)),
            Relied("InstanceBackend.all_instances", _RUN),
            Relied("InstanceBackend.run_instances", _RUN, takes=("self", "image_id", "count", "user_data")),
            Relied("Instance", _RUN, has=("launch_time", "ami_launch_index", "instance_type", "network_interfaces")),
            Relied("Instance.start", _RUN, takes=("self",)),
            Relied("Instance.stop", _RUN, takes=("self",)),
            Relied("Instance.terminate", _RUN, takes=("self",)),
            Relied("random_instance_id", _RUN),
            Relied("random_reservation_id", _RUN),
            Relied("random_eni_attach_id", _RUN),
        ),
        "moto.ec2.models.elastic_network_interfaces": (
            Relied("NetworkInterface", _RUN, has=("mac_address", "description")),
            Relied(
                "NetworkInterfaceBackend.modify_network_interface_attribute",
                _RUN,
                takes=("self", "eni_id", "group_ids"),
            ),
            Relied("random_eni_id", _RUN),
            Relied("random_public_ip", _RUN),
        ),
        "moto.ec2.models.elastic_block_store": (
            Relied("random_volume_id", _RUN),
            Relied("EBSBackend.detach_volume", _RUN, takes=("self", "volume_id", "instance_id", "device_path")),
        ),
        "moto.ec2.models.subnets": (
            Relied("SubnetBackend.get_default_subnets", _RUN, takes=("self",)),
            Relied("Subnet", _RUN, has=("_subnet_ips", "cidr_block")),
        ),
        "moto.ec2.models.elastic_ip_addresses": (
            Relied("ElasticAddressBackend", _RUN, has=("addresses",)),
            Relied("ElasticAddressBackend.disassociate_address", _RUN, takes=("self", "address", "association_id")),
        ),
        "moto.ec2.models.launch_templates": (
            Relied("LaunchTemplate.get_tags", _TEMPLATE, takes=("self",)),
            Relied("LaunchTemplateVersion.__init__", _TEMPLATE, takes=("self", "template", "number", "data")),
            Relied("LaunchTemplate.get_version", _TEMPLATE, takes=("self", "num")),
        ),
        "moto.ec2.responses.launch_templates": (
            Relied("LaunchTemplates", _TEMPLATE, has=("create_launch_template_version", "describe_launch_templates")),
        ),
        "moto.ec2.models.tags": (Relied("TagBackend", _RUN, has=("tags",)),),
        "moto.ec2.models.amis": (Relied("AmiBackend", _RUN, has=("amis",)),),
    },
    "secretsmanager": {
        "moto.secretsmanager.models": (
            Relied("SecretsManagerBackend", _POLICY, has=("secrets",)),
            Relied("SecretsManagerBackend", _ROTATE, has=("update_secret_version_stage",)),
            Relied("FakeSecret", _POLICY, has=("policy", "tags", "arn", "kms_key_id")),
            Relied("FakeSecret", _ROTATE, has=("versions", "is_deleted", "owning_service", "set_default_version_id")),
            Relied("FakeSecret", _ROTATE, has=("rotation_requested", "rotation_enabled", "rotation_lambda_arn")),
            Relied("FakeSecret", _ROTATE, has=("next_rotation_date", "last_rotation_date", "to_dict")),
        ),
    },
    "ssm": {
        "moto.ssm.models": (
            Relied("SimpleSystemManagerBackend", _KEYS, has=("_parameters",)),
            Relied("SimpleSystemManagerBackend", _POLICY, has=("_resource_tags",)),
            Relied("Parameter", _KEYS, has=("keyid", "parameter_type")),
            Relied("ParameterDict", _LACKS, has=("region_name", "__contains__")),
            Relied("ParameterDict.__getitem__", _LACKS, takes=("self", "item")),
            Relied("ParameterDict.get_keys_beginning_with", _LACKS, takes=("self", "path", "recursive")),
        ),
    },
    "cloudwatch": {
        "moto.cloudwatch.models": (
            Relied("Alarm.update_state", _ALARMS, takes=("self", "reason", "reason_data", "state_value"), alone=True),
            Relied("CloudWatchBackend", _ALARMS, has=("alarms", "metric_data")),
            Relied("CloudWatchBackend.put_metric_alarm", _LACKS, takes=("self", "name", "namespace", "metric_name")),
            Relied("Alarm", _LACKS, has=("rule",)),
            Relied(
                "CloudWatchBackend.put_metric_data", _ALARMS, takes=("self", "namespace", "metric_data"), alone=True
            ),
        ),
    },
    "events": {
        "moto.events.models": (
            Relied("EventsBackend", _NAMES, has=("event_buses",)),
            Relied("EventBus", _NAMES, has=("arn", "rules")),
            Relied("EventBus.policy", _POLICY),
            Relied("Rule", _EVENTS, has=("arn", "account_id", "region_name", "name", "state", "targets")),
            Relied("Rule", _EVENTS, has=("managed_by", "scheduled_expression")),
            Relied("EventPattern.dump", _EVENTS, takes=("self",)),
            Relied("Rule.send_to_targets", _EVENTS, takes=("self", "original_event", "transform_input"), alone=True),
        ),
    },
    "apigateway": {
        "moto.apigateway.models": (
            Relied("APIGatewayBackend", _POLICY, has=("apis",)),
            Relied("APIGatewayBackend.put_integration", _LACKS, takes=("self", "function_id", "resource_id")),
            Relied("Integration", _LACKS, has=("credentials",)),
            Relied("RestAPI", _POLICY, has=("tags", "stages")),
            Relied("Stage", _POLICY, has=("tags",)),
            Relied("RestAPI", _STAGES, has=("deployments",)),
            Relied("Deployment", _STAGES, has=("stage_name",)),
            Relied("Stage", _STAGES, has=("deployment_id",)),
        ),
    },
    "autoscaling": {
        "moto.autoscaling.models": (
            Relied("AutoScalingBackend", _POLICY, has=("autoscaling_groups",)),
            Relied("FakeAutoScalingGroup.tags", _POLICY),
        ),
    },
    "ecr": {
        "moto.ecr.models": (
            Relied("ECRBackend", _POLICY, has=("repositories",)),
            Relied("Repository", _POLICY, has=("policy",)),
        ),
    },
    "ecs": {
        "moto.ecs.models": (
            Relied("EC2ContainerServiceBackend.list_tags_for_resource", _POLICY, takes=("self", "resource_arn")),
        ),
    },
    "eks": {
        "moto.eks.models": (
            Relied("EKSBackend", _POLICY, has=("clusters",)),
            Relied("Cluster", _POLICY, has=("tags", "nodegroups", "fargate_profiles")),
            Relied("EKSBackend.tag_resource", _LACKS, takes=("self", "resource_arn", "tags")),
            Relied("EKSBackend.untag_resource", _LACKS, takes=("self", "resource_arn", "tag_keys")),
            Relied("EKSBackend.list_tags_for_resource", _LACKS, takes=("self", "resource_arn")),
            Relied("Nodegroup", _LACKS, has=("arn", "tags")),
            Relied("FargateProfile", _LACKS, has=("fargate_profile_arn", "tags")),
        ),
    },
    "glue": {
        "moto.glue.models": (
            Relied("GlueBackend", _POLICY, has=("resource_policies", "default_catalog_arn")),
            Relied("GlueBackend", _LACKS, has=("crawlers",)),
            Relied("FakeCrawler", _LACKS, has=("version", "last_updated", "role", "targets", "schedule")),
        ),
    },
    "kinesis": {
        "moto.kinesis.models": (
            Relied("KinesisBackend", _POLICY, has=("streams", "resource_policies")),
            Relied("Stream", _POLICY, has=("tags",)),
        ),
    },
    "rds": {
        "moto.rds.models": (
            Relied("RDSBackend.list_tags_for_resource", _POLICY, takes=("self", "arn")),
            Relied("RDSBackend", _SNAPSHOTS, has=("database_snapshots", "cluster_snapshots")),
        ),
    },
    "route53": {
        "moto.route53.models": (Relied("Route53Backend", _POLICY, has=("resource_tags",)),),
    },
    "logs": {
        "moto.logs.models": (
            Relied("LogsBackend", _POLICY, has=("resource_policies",)),
            Relied("LogsBackend._find_log_group", _NAMES, takes=("self", "log_group_id", "log_group_name"), alone=True),
            Relied("LogResourcePolicy", _POLICY, has=("policy_document",)),
            Relied("LogGroup", _LOGGED, has=("arn", "account_id", "name", "subscription_filters")),
            Relied(
                "LogGroup.put_subscription_filter",
                _LOGGED,
                takes=("self", "filter_name", "filter_pattern", "destination_arn", "role_arn"),
            ),
            Relied(
                "LogsBackend.put_subscription_filter",
                _LOGGED,
                takes=("self", "log_group_name", "filter_name", "filter_pattern", "destination_arn", "role_arn"),
                alone=True,
            ),
            Relied(
                "LogStream._send_log_events",
                _LOGGED,
                takes=("self", "service", "destination_arn", "filter_name", "log_events"),
                alone=True,
            ),
            Relied("LogStream", _LOGGED, has=("log_group", "log_stream_name")),
            Relied("SubscriptionFilter", _LOGGED, has=("filter_pattern", "role_arn")),
        ),
    },
    "dynamodb": {
        "moto.dynamodb.models": (
            Relied("DynamoDBBackend", _POLICY, has=("tables", "resource_policies")),
            Relied("DynamoDBBackend.get_item", _READ, takes=("self", "table_name", "keys")),
            Relied("ResourcePolicy", _POLICY, has=("policy_doc",)),
        ),
        "moto.dynamodb.models.dynamo_type": (
            Relied("Item", _READ, has=("attrs",)),
            Relied("DynamoType", _READ, has=("type", "value")),
        ),
        "moto.dynamodb.models.table": (
            Relied("Table", _POLICY, has=("hash_key_attr", "indexes", "global_indexes", "table_arn", "tags")),
            Relied("Table", _READ, has=("name", "table_key_attrs")),
            Relied("Table", _STREAMS, has=("latest_stream_label",)),
        ),
    },
}
"""The internals by part of moto (`sqs`) and module."""
