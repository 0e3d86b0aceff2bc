"""AWS's own managed policies against its own rules: hardly an error, and every one there is known.

What is listed are actions, services, condition keys and ARNs that a policy names and the Service Authorization
Reference does not: retired (CodeStar, DeepRacer, Evidently, IoT Events ...), internal, or misspelled; and condition
keys asked of actions that the reference gives no such key.
"""

from __future__ import annotations

from typing import Final

import pytest

from locum.lint import FindingType, PolicyType, lint
from locum.services.accessanalyzer.catalogue import catalogue
from locum.state import managed

SHARDS: Final = 8

EXCEPTIONS: Final[dict[str, set[str]]] = {
    "AIDevOpsAgentAccessPolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AIOpsAssistantPolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSAuditManagerAdministratorAccess": {"MISSING_QUALIFIER"},
    "AWSCodeStarFullAccess": {"INVALID_ACTION", "INVALID_SERVICE_IN_ACTION"},
    "AWSCodeStarServiceRole": {"INVALID_SERVICE_IN_ACTION"},
    "AWSConfigServiceRolePolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSDeadlineCloud-UserAccessFarms": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSDeadlineCloud-UserAccessFleets": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSDeepLensLambdaFunctionAccessPolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSDeepLensServiceRolePolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSDeepRacerAccountAdminAccess": {"INVALID_SERVICE", "INVALID_SERVICE_IN_ACTION"},
    "AWSDeepRacerCloudFormationAccessPolicy": {"INVALID_ARN_RESOURCE"},
    "AWSDeepRacerDefaultMultiUserAccess": {"INVALID_SERVICE", "INVALID_SERVICE_IN_ACTION"},
    "AWSDeepRacerServiceRolePolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSElasticBeanstalkRoleCore": {"INVALID_ARN_RESOURCE"},
    "AWSGlueConsoleFullAccess": {"INVALID_ARN_RESOURCE"},
    "AWSGlueConsoleSageMakerNotebookFullAccess": {"INVALID_ARN_RESOURCE"},
    "AWSIAMIdentityCenterAllowListForIdentityContext": {"INVALID_ACTION"},
    "AWSIoTEventsFullAccess": {"INVALID_SERVICE_IN_ACTION"},
    "AWSIoTEventsReadOnlyAccess": {"INVALID_SERVICE_IN_ACTION"},
    "AWSIoTFleetHubFederationAccess": {"INVALID_ARN_RESOURCE"},
    "AWSIoTTwinMakerServiceRolePolicy": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSLakeFormationCrossAccountManager": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSManagedServices_DetectiveControlsConfig_ServiceRolePolicy": {"INVALID_ARN_RESOURCE"},
    "AWSManagedSettingsAdminAccess": {"INVALID_ACTION", "INVALID_SERVICE_IN_ACTION"},
    "AWSMarketplaceManageSubscriptions": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSRefactoringToolkitFullAccess": {"MISSING_ARN_ACCOUNT"},
    "AWSResourceExplorerServiceRolePolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSServiceRoleForAmazonEKSNodegroup": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSServiceRoleForIoTSiteWise": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSSupplyChainFederationAdminAccess": {"INVALID_SERVICE_IN_ACTION"},
    "AWSSupportServiceRolePolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWSVendorInsightsAssessorFullAccess": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSVendorInsightsVendorFullAccess": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AWSWAFConsoleFullAccess": {"INVALID_ARN_RESOURCE"},
    "AWSWAFConsoleReadOnlyAccess": {"INVALID_ARN_RESOURCE"},
    "AWSWellArchitectedAgentResourceScanningServiceRolePolicy": {"INVALID_SERVICE_IN_ACTION"},
    "AWS_ConfigRole": {"INVALID_SERVICE_IN_ACTION"},
    "AdministratorAccess-AWSElasticBeanstalk": {"INVALID_ARN_RESOURCE"},
    "AgentRegistryFullAccess": {"INVALID_ARN_RESOURCE"},
    "AlexaForBusinessLifesizeDelegatedAccessPolicy": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AlexaForBusinessPolyDelegatedAccessPolicy": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonBedrockFullAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonBedrockLimitedAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonCodeGuruReviewerFullAccess": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonConnectServiceLinkedRolePolicy": {"INVALID_ARN_RESOURCE"},
    "AmazonDataZoneGlueManageAccessRolePolicy": {"INVALID_SERVICE_CONDITION_KEY"},
    "AmazonDataZoneSageMakerEnvironmentRolePermissionsBoundary": {"INVALID_ARN_RESOURCE", "INVALID_SERVICE_IN_ACTION"},
    "AmazonDevOpsGuruOrganizationsAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonNimbleStudio-StudioUser": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonRedshiftQueryEditorV2FullAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonRedshiftQueryEditorV2NoSharing": {"INVALID_ARN_RESOURCE"},
    "AmazonRedshiftQueryEditorV2ReadSharing": {"INVALID_ARN_RESOURCE"},
    "AmazonRedshiftQueryEditorV2ReadWriteSharing": {"INVALID_ARN_RESOURCE"},
    "AmazonRoute53RecoveryControlConfigReadOnlyAccess": {"INVALID_ACTION"},
    "AmazonSageMakerCanvasDirectDeployAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonSageMakerFullAccess": {"INVALID_ARN_RESOURCE", "INVALID_SERVICE_IN_ACTION"},
    "AmazonSageMakerGroundTruthExecution": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonSageMakerHyperPodInferenceAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonSageMakerHyperPodObservabilityAdminAccess": {"INVALID_ARN_RESOURCE"},
    "AmazonSageMakerQuickSightVPCPolicy": {"INVALID_ARN_RESOURCE"},
    "AmazonSecurityLakeAdministrator": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonSecurityLakeMetastoreManager": {"INVALID_ARN_RESOURCE"},
    "AmazonTimestreamConsoleFullAccess": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonTimestreamInfluxDBFullAccess": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AmazonZocaloFullAccess": {"INVALID_SERVICE_IN_ACTION"},
    "AmazonZocaloReadOnlyAccess": {"INVALID_SERVICE_IN_ACTION"},
    "AnthropicFullAccess": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "AppIntegrationsServiceLinkedRolePolicy": {"INVALID_ARN_RESOURCE"},
    "AwsGlueSessionUserRestrictedNotebookServiceRole": {"INVALID_ARN_RESOURCE"},
    "AwsGlueSessionUserRestrictedServiceRole": {"INVALID_ARN_RESOURCE"},
    "CloudFrontFullAccess": {"INVALID_ARN_RESOURCE"},
    "CloudTrailEventContext": {"MISSING_QUALIFIER"},
    "DBModProvisioningAndMigration": {"INVALID_ARN_RESOURCE", "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "DynamoDBGlobalTableSettingsManagementServiceRolePolicy": {
        "INVALID_ARN_RESOURCE",
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    },
    "KafkaConnectServiceRolePolicy": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "MemoryDBServiceRolePolicy": {"INVALID_ACTION"},
    "RDSCloudHsmAuthorizationRole": {"INVALID_ACTION"},
    "ROSAManageSubscription": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "ReadOnlyAccess": {"INVALID_SERVICE_IN_ACTION"},
    "ResourceGroupsTaggingAPITagUntagSupportedResources": {"INVALID_SERVICE_IN_ACTION"},
    "SageMakerStudioProjectProvisioningRolePolicy": {"INVALID_ARN_RESOURCE", "MISSING_QUALIFIER"},
    "SageMakerStudioProjectUserRolePermissionsBoundary": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "SageMakerStudioProjectUserRolePolicy": {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    "SecurityAgentWebAppAPIPolicy": {"INVALID_ACTION", "INVALID_ARN_RESOURCE"},
    "SecurityAudit": {"INVALID_SERVICE_IN_ACTION"},
    "ViewOnlyAccess": {"INVALID_SERVICE_IN_ACTION"},
    "WellArchitectedAgentResourceScanning": {"INVALID_SERVICE_IN_ACTION"},
}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_managed_policy_has_an_error_that_is_not_known(shard: int) -> None:
    for summary in list(managed.every())[shard::SHARDS]:
        policy = managed.get(summary.arn)
        assert policy is not None
        findings = lint(policy.versions[0].document, PolicyType.IDENTITY_POLICY, None, catalogue())
        errors = {finding.code for finding in findings if finding.type is FindingType.ERROR}
        assert errors == EXCEPTIONS.get(summary.name, set()), summary.name


def test_the_exceptions_are_policies() -> None:
    assert set(EXCEPTIONS) <= {summary.name for summary in managed.every()}


# "AWS managed policies with this security warning / general warning", in the reference.
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AdministratorAccess", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"),
        ("AdministratorAccess", "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE"),
        ("IAMFullAccess", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"),
        ("IAMFullAccess", "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE"),
        ("PowerUserAccess", "CREATE_SLR_WITH_STAR_IN_RESOURCE"),
        ("ReadOnlyAccess", "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"),
    ],
)
def test_what_the_reference_says_of_managed_policies_is_found(name: str, code: str) -> None:
    policy = managed.get(f"arn:aws:iam::aws:policy/{name}")
    assert policy is not None
    findings = lint(policy.versions[0].document, PolicyType.IDENTITY_POLICY, None, catalogue())
    assert code in {finding.code for finding in findings}
