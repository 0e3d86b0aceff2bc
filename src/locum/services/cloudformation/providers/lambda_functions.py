"""Functions of Lambda, and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.alias_deployments import deployed
from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource, picked
from locum.services.cloudformation.providers.inline_code import package
from locum.services.cloudformation.providers.steps import Steps, adopting, telling, until, without
from locum.services.cloudformation.providers.table import (
    Call,
    Change,
    Listing,
    Name,
    Part,
    Row,
    Shown,
    Tags,
    Wait,
    provider,
)

_SERVICE: Final = "lambda"
_CONFLICT: Final = frozenset({"ResourceConflictException", "ConflictException"})


def _tags(arn: str) -> Tags:
    return Tags(
        Call("TagResource", {"Resource": arn, "Tags": "{tags}"}),
        Call("UntagResource", {"Resource": arn, "TagKeys": "{keys}"}),
        form="map",
    )


# -- functions -------------------------------------------------------------------------------------------

_CONFIGURATION: Final = (
    "CapacityProviderConfig DeadLetterConfig Description DurableConfig Environment EphemeralStorage FileSystemConfigs "
    "Handler ImageConfig KmsKeyArn Layers LoggingConfig MemorySize Role Runtime SnapStart Timeout TracingConfig "
    "VpcConfig"
)
_DEFAULTS: Final[dict[str, Any]] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "ImageConfig": {},
    "KmsKeyArn": "",
    "Layers": [],
    "MemorySize": 128,
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_OF_FUNCTION: Final = {"FunctionName": "{id}"}
_CODE: Final = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri")


def _with_package(properties: Properties) -> Properties:
    """Properties of a function whose code is a zip file, where it was in the template."""
    code = dict(properties.get("Code") or {})
    if isinstance(code.get("ZipFile"), str):
        try:
            code["ZipFile"] = package(code["ZipFile"], str(properties.get("Runtime", "")))
        except ValueError as error:
            raise Fault("InvalidRequest", str(error)) from error
    return {**properties, "Code": code}


_FUNCTION: Final = Row(
    _SERVICE,
    Call("CreateFunction", takes=f"Architectures Code CodeSigningConfigArn PackageType TenancyConfig {_CONFIGURATION}"),
    "{name}",
    (Call("DeleteFunction", _OF_FUNCTION),),
    attributes={
        "Arn": "{c.FunctionArn|r.Configuration.FunctionArn}",
        "SnapStartResponse": "{r.Configuration.SnapStart}",
    },
    name=Name("FunctionName", 64),
    tags=_tags("{attr.Arn}"),
    read=Call("GetFunction", _OF_FUNCTION),
    exists=_CONFLICT,
    ready=Wait("Configuration.LastUpdateStatus", frozenset({"Successful"}), frozenset({"Failed"})),
    settings=(
        Change(
            Call(
                "UpdateFunctionCode",
                {
                    **_OF_FUNCTION,
                    **{name: f"{{p.Code.{name}}}" for name in _CODE},
                    "SourceKMSKeyArn": "{p.Code.SourceKMSKeyArn}",
                },
                "Architectures",
            ),
            on="Code",
            defaults={"Architectures": ["x86_64"]},
        ),
        Change(Call("UpdateFunctionConfiguration", _OF_FUNCTION, _CONFIGURATION), defaults=_DEFAULTS),
        Change(
            Call("PutFunctionCodeSigningConfig", _OF_FUNCTION, "CodeSigningConfigArn"),
            removed=Call("DeleteFunctionCodeSigningConfig", _OF_FUNCTION),
        ),
        Change(
            Call("PutFunctionConcurrency", _OF_FUNCTION, "ReservedConcurrentExecutions"),
            removed=Call("DeleteFunctionConcurrency", _OF_FUNCTION),
            at_creation=True,
        ),
        Change(
            Call("PutFunctionRecursionConfig", _OF_FUNCTION, "RecursiveLoop"),
            defaults={"RecursiveLoop": "Terminate"},
            at_creation=True,
        ),
        Change(
            Call(
                "PutRuntimeManagementConfig",
                {
                    **_OF_FUNCTION,
                    "UpdateRuntimeOn": "{p.RuntimeManagementConfig.UpdateRuntimeOn}",
                    "RuntimeVersionArn": "{p.RuntimeManagementConfig.RuntimeVersionArn}",
                },
            ),
            on="RuntimeManagementConfig",
            defaults={"RuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"}},
            at_creation=True,
        ),
    ),
    shaped=_with_package,
    shown=Shown(
        at="Configuration",
        members={
            "ReservedConcurrentExecutions": "{r.Concurrency.ReservedConcurrentExecutions}",
            "Tags": "{r.Tags}",
        },
        parts=(Part("Layers", path="Configuration.Layers", item="{item.Arn}"),),
        hides="Code FunctionScalingConfig SnapStart",
        lists=Listing(Call("ListFunctions"), "Functions", "{item.FunctionName}"),
    ),
)

_NAMED: Final = {"FunctionName": "{p.FunctionName}"}

_PERMISSION: Final = Row(
    _SERVICE,
    Call(
        "AddPermission",
        takes="Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl Principal PrincipalOrgID "
        "SourceAccount SourceArn",
    ),
    "{name}",
    (Call("RemovePermission", {**_NAMED, "StatementId": "{id}"}),),
    attributes={"Id": "{id}"},
    name=Name("Id", 100, member="StatementId"),
    exists=_CONFLICT,
)

# -- versions and aliases --------------------------------------------------------------------------------


def _concurrency(qualifier: str) -> Change:
    """The provisioned concurrency of a version or alias."""
    of = {**_NAMED, "Qualifier": qualifier}
    number = "{p.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions}"
    return Change(
        Call("PutProvisionedConcurrencyConfig", {**of, "ProvisionedConcurrentExecutions": number}),
        on="ProvisionedConcurrencyConfig",
        removed=Call("DeleteProvisionedConcurrencyConfig", of),
        at_creation=True,
    )


def _provisioned(resource: Resource, physical: str) -> Steps[Mapping[str, Any]]:
    """Wait until the provisioned concurrency of a version or alias is there. Raises Fault where it cannot be."""
    if "ProvisionedConcurrencyConfig" in resource.properties:
        of = {"FunctionName": resource.properties["FunctionName"], "Qualifier": physical.rpartition(":")[2]}
        yield from until(Request(_SERVICE, "GetProvisionedConcurrencyConfig", of), _is_allocated)
    return {}


def _is_allocated(answer: Mapping[str, Any]) -> bool:
    if answer.get("Status") == "FAILED":
        raise Fault("NotStabilized", f"Provisioned concurrency failed: {answer.get('StatusReason')}")
    return answer.get("Status") != "IN_PROGRESS"


_VERSION: Final = Row(
    _SERVICE,
    Call("PublishVersion", takes="CodeSha256 Description FunctionName"),
    "{c.FunctionArn}",
    (Call("DeleteFunction", {**_NAMED, "Qualifier": "{attr.Version}"}),),
    attributes={"Version": "{c.Version}", "FunctionArn": "{id}"},
    settings=(
        _concurrency("{attr.Version}"),
        Change(
            Call(
                "PutRuntimeManagementConfig",
                {
                    **_NAMED,
                    "Qualifier": "{attr.Version}",
                    "UpdateRuntimeOn": "{p.RuntimePolicy.UpdateRuntimeOn}",
                    "RuntimeVersionArn": "{p.RuntimePolicy.RuntimeVersionArn}",
                },
            ),
            on="RuntimePolicy",
            at_creation=True,
        ),
    ),
    shown=Shown(Call("GetFunctionConfiguration", {"FunctionName": "{id}"}), ""),
)


def _with_weights(properties: Properties) -> Properties:
    """Properties of an alias, with the weights of versions as Lambda has them, by version."""
    if "RoutingConfig" not in properties:
        return properties
    weights = (properties["RoutingConfig"] or {}).get("AdditionalVersionWeights") or ()
    shares = {str(each["FunctionVersion"]): each["FunctionWeight"] for each in weights}
    return {**properties, "RoutingConfig": {"AdditionalVersionWeights": shares}}


_OF_ALIAS: Final = {**_NAMED, "Name": "{p.Name}"}
_ALIAS: Final = Row(
    _SERVICE,
    Call("CreateAlias", takes="Description FunctionName FunctionVersion Name RoutingConfig"),
    "{c.AliasArn|r.AliasArn}",
    (Call("DeleteAlias", _OF_ALIAS),),
    attributes={"AliasArn": "{id}"},
    read=Call("GetAlias", _OF_ALIAS),
    exists=_CONFLICT,
    settings=(
        Change(
            Call("UpdateAlias", _OF_ALIAS, "Description FunctionVersion RoutingConfig"),
            defaults={"Description": "", "RoutingConfig": {"AdditionalVersionWeights": {}}},
        ),
        _concurrency("{p.Name}"),
    ),
    shaped=_with_weights,
    shown=Shown(
        at="",
        hides="RoutingConfig",
        id="arn:{partition}:lambda:{place}:{owner}:function:{p.FunctionName}:{p.Name}",
    ),
)

# -- layers ----------------------------------------------------------------------------------------------

_LAYER: Final = Row(
    _SERVICE,
    Call("PublishLayerVersion", takes="CompatibleArchitectures CompatibleRuntimes Content Description LicenseInfo"),
    "{c.LayerVersionArn}",
    (Call("DeleteLayerVersion", {"LayerName": "{attr.LayerArn}", "VersionNumber": "{attr.Version}"}),),
    attributes={"LayerVersionArn": "{id}", "LayerArn": "{c.LayerArn}", "Version": "{c.Version}"},
    name=Name("LayerName", 64),
)


def _of_layer(properties: Properties) -> Properties:
    """Properties of a permission, with the name of the layer and the number of the version for its ARN."""
    layer, _, version = str(properties["LayerVersionArn"]).rpartition(":")
    return {**without(properties, ("LayerVersionArn",)), "LayerName": layer, "VersionNumber": version}


_LAYER_PERMISSION: Final = Row(
    _SERVICE,
    Call("AddLayerVersionPermission", takes="Action LayerName OrganizationId Principal VersionNumber"),
    "{p.LayerName}:{p.VersionNumber}#{name}",
    (
        Call(
            "RemoveLayerVersionPermission",
            {
                "LayerName": "{p.LayerName}",
                "VersionNumber": "{p.VersionNumber}",
                "StatementId": "{attr.StatementId}",
            },
        ),
    ),
    attributes={"Id": "{id}", "StatementId": "{name}"},
    name=Name("Id", 100, member="StatementId"),
    exists=_CONFLICT,
    shaped=_of_layer,
)

# -- events ----------------------------------------------------------------------------------------------

_SOURCE: Final = "EventSourceArn Queues SelfManagedEventSource StartingPosition StartingPositionTimestamp Topics"
_MAPPED: Final = (
    "AmazonManagedKafkaEventSourceConfig BatchSize BisectBatchOnFunctionError DestinationConfig "
    "DocumentDBEventSourceConfig Enabled FilterCriteria FunctionName FunctionResponseTypes KmsKeyArn LoggingConfig "
    "MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig ParallelizationFactor "
    "ProvisionedPollerConfig ScalingConfig SelfManagedKafkaEventSourceConfig SourceAccessConfigurations "
    "TumblingWindowInSeconds"
)
_MAPPING_DEFAULTS: Final[dict[str, Any]] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "Enabled": True,
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "ScalingConfig": {},
    "TumblingWindowInSeconds": 0,
}
_MAPPING: Final = Row(
    _SERVICE,
    Call("CreateEventSourceMapping", takes=f"{_SOURCE} {_MAPPED}"),
    "{c.UUID}",
    (Call("DeleteEventSourceMapping", {"UUID": "{id}"}),),
    attributes={"Id": "{id}", "EventSourceMappingArn": "{r.EventSourceMappingArn}"},
    tags=_tags("{attr.EventSourceMappingArn}"),
    read=Call("GetEventSourceMapping", {"UUID": "{id}"}),
    ready=Wait("State", frozenset({"Enabled", "Disabled", None})),
    gone=Wait("State", frozenset({"Deleting", None})),
    settings=(Change(Call("UpdateEventSourceMapping", {"UUID": "{id}"}, _MAPPED), defaults=_MAPPING_DEFAULTS),),
    shown=Shown(
        hides="Enabled",
        members={"FunctionName": "{it.FunctionArn}"},
        lists=Listing(Call("ListEventSourceMappings"), "EventSourceMappings", "{item.UUID}"),
    ),
)


def _mapped(resource: Resource) -> Steps[Mapping[str, Any] | None]:
    """The mapping that an interrupted creation made: there is one of a source to a function."""
    wanted = picked(resource.properties, "EventSourceArn", "FunctionName")
    if "EventSourceArn" not in wanted:
        return None
    answer = yield Request(_SERVICE, "ListEventSourceMappings", wanted)
    return next(iter(answer["EventSourceMappings"]), None)


_OF_URL: Final = {"FunctionName": "{p.TargetFunctionArn}", "Qualifier": "{p.Qualifier}"}
_URL_TAKES: Final = "AuthType Cors InvokeMode"
_URL: Final = Row(
    _SERVICE,
    Call("CreateFunctionUrlConfig", takes=f"FunctionName=TargetFunctionArn Qualifier {_URL_TAKES}"),
    "{c.FunctionArn|r.FunctionArn}",
    (Call("DeleteFunctionUrlConfig", _OF_URL),),
    attributes={"FunctionArn": "{id}", "FunctionUrl": "{c.FunctionUrl|r.FunctionUrl}"},
    read=Call("GetFunctionUrlConfig", _OF_URL),
    exists=_CONFLICT,
    settings=(
        Change(Call("UpdateFunctionUrlConfig", _OF_URL, _URL_TAKES), defaults={"Cors": {}, "InvokeMode": "BUFFERED"}),
    ),
    shown=Shown(
        Call("GetFunctionUrlConfig", {"FunctionName": "{id}"}),
        "",
        members={"TargetFunctionArn": "{it.FunctionArn}"},
    ),
)

_OF_INVOCATIONS: Final = {**_NAMED, "Qualifier": "{p.Qualifier}"}
_INVOKED: Final = "DestinationConfig MaximumEventAgeInSeconds MaximumRetryAttempts"
_INVOCATIONS: Final = Row(
    _SERVICE,
    Call("PutFunctionEventInvokeConfig", takes=f"FunctionName Qualifier {_INVOKED}"),
    "{p.FunctionName}|{p.Qualifier}",
    (Call("DeleteFunctionEventInvokeConfig", _OF_INVOCATIONS),),
    settings=(Change(Call("PutFunctionEventInvokeConfig", _OF_INVOCATIONS, _INVOKED)),),
    shown=Shown(
        Call("GetFunctionEventInvokeConfig", {"FunctionName": "{p.FunctionName}", "Qualifier": "{p.Qualifier}"}),
        "",
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Lambda::Alias": deployed(telling(provider(_ALIAS), _provisioned)),
    "AWS::Lambda::EventInvokeConfig": provider(_INVOCATIONS),
    "AWS::Lambda::EventSourceMapping": adopting(provider(_MAPPING), _mapped),
    "AWS::Lambda::Function": provider(_FUNCTION),
    "AWS::Lambda::LayerVersion": provider(_LAYER),
    "AWS::Lambda::LayerVersionPermission": provider(_LAYER_PERMISSION),
    "AWS::Lambda::Permission": provider(_PERMISSION),
    "AWS::Lambda::Url": provider(_URL),
    "AWS::Lambda::Version": telling(provider(_VERSION), _provisioned),
}
