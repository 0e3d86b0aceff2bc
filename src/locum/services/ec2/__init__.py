"""Amazon EC2's instances, with their profile associations, metadata options and tags.

`OPERATIONS` are the verbs. Other operations of EC2 are carried out by the backend; `owns` distinguishes them.

States: a transition ends with its call. The answer has the transitional state (`pending`, `stopping`,
`shutting-down`, `associating`, `disassociating`), as on EC2, and the state has the final one. A terminated instance is
visible for an hour.
"""

from __future__ import annotations

from typing import Final

from locum.services.asking import asking
from locum.services.ec2.attributes import describe_instance_attribute, modify_instance_attribute
from locum.services.ec2.describe import describe_instance_status, describe_instances
from locum.services.ec2.dryrun import with_dry_run
from locum.services.ec2.launch import run_instances
from locum.services.ec2.lifecycle import reboot_instances, start_instances, stop_instances, terminate_instances
from locum.services.ec2.metadata import modify_instance_metadata_options
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

OPERATIONS: Final[dict[str, Operation]] = {
    "AssociateIamInstanceProfile": writes(associate_iam_instance_profile),
    "CreateTags": writes(with_dry_run(create_tags)),
    "DeleteTags": writes(with_dry_run(delete_tags)),
    "DescribeIamInstanceProfileAssociations": reads(describe_iam_instance_profile_associations),
    "DescribeInstanceAttribute": reads(with_dry_run(describe_instance_attribute)),
    "DescribeInstanceStatus": reads(with_dry_run(describe_instance_status)),
    "DescribeInstances": asks(with_dry_run(asking(describe_instances))),
    "DescribeTags": reads(with_dry_run(describe_tags)),
    "DisassociateIamInstanceProfile": writes(disassociate_iam_instance_profile),
    "ModifyInstanceAttribute": asks_and_writes(with_dry_run(asking(modify_instance_attribute))),
    "ModifyInstanceMetadataOptions": writes(with_dry_run(modify_instance_metadata_options)),
    "RebootInstances": writes(with_dry_run(reboot_instances)),
    "ReplaceIamInstanceProfileAssociation": writes(replace_iam_instance_profile_association),
    "RunInstances": asks_and_writes(with_dry_run(asking(run_instances)))._replace(effective=with_template),
    "StartInstances": writes(with_dry_run(start_instances)),
    "StopInstances": writes(with_dry_run(stop_instances)),
    "TerminateInstances": writes(with_dry_run(terminate_instances)),
}

__all__ = ["OPERATIONS", "owns"]
