"""The service principals that work with Organizations.

User Guide, "AWS services that you can use with AWS Organizations".
"""

from __future__ import annotations

from typing import Final

_NAMES: Final = """
access-analyzer account application-signals.cloudwatch auditmanager aws-artifact-account-sync backup
bcm-data-exports.billing ce cloudtrail compute-optimizer config config-multiaccountsetup controltower
cost-optimization-hub.bcm detective devops-guru ds ec2 ec2.application-autoscaling emr-serverless fms guardduty
health iam inspector2 ipam license-management.marketplace license-manager license-manager-linux-subscriptions
license-manager.member-account macie malware-protection.guardduty managedservices
member.org.stacksets.cloudformation mgn network-flow-monitor.networkmanager networkmanager notifications
observabilityadmin private-marketplace.marketplace procurement-insights.marketplace q
ram reachabilityanalyzer.networkinsights reporting.trustedadvisor resource-explorer-2 security-ir securityhub
securitylake servicecatalog servicequotas shield ssm ssm-quicksetup sso stacksets.cloudformation storage-lens.s3
tagpolicies.tag topology.networkmanager user-subscriptions vpc-lattice wellarchitected
"""

SERVICES: Final = frozenset(f"{name}.amazonaws.com" for name in _NAMES.split())
