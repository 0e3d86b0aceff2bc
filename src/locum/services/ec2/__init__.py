"""Amazon EC2's instances, with their profile associations, metadata options and tags.

`OPERATIONS` are the verbs. Other operations of EC2 are carried out by the backend; `owns` distinguishes them.

States: a transition ends with its call. The answer has the transitional state (`pending`, `stopping`,
`shutting-down`, `associating`, `disassociating`), as on EC2, and the state has the final one. A terminated instance is
visible for an hour.
"""

from __future__ import annotations

from typing import Final

from locum.services.asking import asking
from locum.services.ec2 import options, spot_requests
from locum.services.ec2.attributes import describe_instance_attribute, modify_instance_attribute
from locum.services.ec2.describe import describe_instance_status, describe_instances
from locum.services.ec2.dryrun import with_dry_run
from locum.services.ec2.elsewhere import there_too
from locum.services.ec2.fleet import create_fleet
from locum.services.ec2.fleet_descriptions import delete_fleets, describe_fleet_instances, describe_fleets
from locum.services.ec2.launch import run_instances
from locum.services.ec2.lifecycle import reboot_instances, start_instances, stop_instances, terminate_instances
from locum.services.ec2.metadata import modify_instance_metadata_options
from locum.services.ec2.metadata_defaults import get_instance_metadata_defaults, modify_instance_metadata_defaults
from locum.services.ec2.ownership import owns
from locum.services.ec2.profiles import (
    associate_iam_instance_profile,
    describe_iam_instance_profile_associations,
    disassociate_iam_instance_profile,
    replace_iam_instance_profile_association,
)
from locum.services.ec2.tags import create_tags, delete_tags, describe_tags
from locum.services.ec2.templates import with_template
from locum.services.verbs import Operation, asks, asks_and_writes, reads, writes

_VERBS: Final[dict[str, Operation]] = {
    "AssociateIamInstanceProfile": writes(associate_iam_instance_profile),
    "CancelSpotInstanceRequests": writes(spot_requests.cancel_spot_instance_requests),
    "CreateFleet": asks_and_writes(asking(create_fleet)),
    "CreateTags": there_too("CreateTags", "Resources", create_tags),
    "DeleteFleets": asks_and_writes(asking(delete_fleets)),
    "DeleteTags": there_too("DeleteTags", "Resources", delete_tags),
    "DescribeFleetInstances": reads(describe_fleet_instances),
    "DescribeFleets": reads(describe_fleets),
    "DescribeIamInstanceProfileAssociations": reads(describe_iam_instance_profile_associations),
    "DescribeInstanceAttribute": asks(asking(describe_instance_attribute)),
    "DescribeInstanceCreditSpecifications": reads(options.describe_instance_credit_specifications),
    "DescribeInstanceStatus": reads(describe_instance_status),
    "DescribeInstances": asks(asking(describe_instances))._replace(computes=True),
    "DescribeSpotInstanceRequests": reads(spot_requests.describe_spot_instance_requests),
    "DescribeTags": reads(describe_tags),
    "DisassociateIamInstanceProfile": writes(disassociate_iam_instance_profile),
    "GetInstanceMetadataDefaults": reads(get_instance_metadata_defaults),
    "ModifyInstanceAttribute": asks_and_writes(asking(modify_instance_attribute)),
    "ModifyInstanceCapacityReservationAttributes": writes(options.modify_instance_capacity_reservation_attributes),
    "ModifyInstanceCpuOptions": writes(options.modify_instance_cpu_options),
    "ModifyInstanceCreditSpecification": writes(options.modify_instance_credit_specification),
    "ModifyInstanceMaintenanceOptions": writes(options.modify_instance_maintenance_options),
    "ModifyInstanceMetadataDefaults": writes(modify_instance_metadata_defaults),
    "ModifyInstanceMetadataOptions": writes(modify_instance_metadata_options),
    "ModifyInstancePlacement": writes(options.modify_instance_placement),
    "ModifyPrivateDnsNameOptions": writes(options.modify_private_dns_name_options),
    "MonitorInstances": writes(options.monitor_instances),
    "RebootInstances": there_too("RebootInstances", "InstanceIds", reboot_instances),
    "ReplaceIamInstanceProfileAssociation": writes(replace_iam_instance_profile_association),
    "RequestSpotFleet": reads(spot_requests.request_spot_fleet),
    "RequestSpotInstances": asks_and_writes(asking(spot_requests.request_spot_instances)),
    "ResetInstanceAttribute": writes(options.reset_instance_attribute),
    "RunInstances": asks_and_writes(asking(run_instances))._replace(effective=with_template),
    "StartInstances": there_too("StartInstances", "InstanceIds", start_instances),
    "StopInstances": there_too("StopInstances", "InstanceIds", stop_instances),
    "TerminateInstances": there_too("TerminateInstances", "InstanceIds", terminate_instances),
    "UnmonitorInstances": writes(options.unmonitor_instances),
}

OPERATIONS: Final[dict[str, Operation]] = {
    name: operation._replace(verb=with_dry_run(operation.verb)) for name, operation in _VERBS.items()
}

__all__ = ["OPERATIONS", "owns"]
