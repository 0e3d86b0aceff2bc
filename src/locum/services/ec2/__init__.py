"""EC2, as far as instances wear profiles: instances, their profile associations, metadata options and tags.

`OPERATIONS` are the verbs. Other EC2 operations go to the backend; `owns` tells which call is whose.

States. A transition is over as soon as its call is answered: the answer shows the transitional state
(`pending`, `stopping`, `shutting-down`, `associating`, `disassociating`), as EC2's answer does, and the
state holds the settled one. A terminated instance stays visible for an hour.
"""

from __future__ import annotations

from typing import Final

from locum.services.asking import asking
from locum.services.ec2.attributes import describe_instance_attribute, modify_instance_attribute
from locum.services.ec2.describe import describe_instance_status, describe_instances
from locum.services.ec2.dryrun import dry
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
from locum.services.verbs import Operation, asks_and_writes, reads, writes

OPERATIONS: Final[dict[str, Operation]] = {
    "AssociateIamInstanceProfile": writes(associate_iam_instance_profile),
    "CreateTags": writes(dry(create_tags)),
    "DeleteTags": writes(dry(delete_tags)),
    "DescribeIamInstanceProfileAssociations": reads(describe_iam_instance_profile_associations),
    "DescribeInstanceAttribute": reads(dry(describe_instance_attribute)),
    "DescribeInstanceStatus": reads(dry(describe_instance_status)),
    "DescribeInstances": reads(dry(describe_instances)),
    "DescribeTags": reads(dry(describe_tags)),
    "DisassociateIamInstanceProfile": writes(disassociate_iam_instance_profile),
    "ModifyInstanceAttribute": writes(dry(modify_instance_attribute)),
    "ModifyInstanceMetadataOptions": writes(dry(modify_instance_metadata_options)),
    "RebootInstances": writes(dry(reboot_instances)),
    "ReplaceIamInstanceProfileAssociation": writes(replace_iam_instance_profile_association),
    "RunInstances": asks_and_writes(dry(asking(run_instances))),
    "StartInstances": writes(dry(start_instances)),
    "StopInstances": writes(dry(stop_instances)),
    "TerminateInstances": writes(dry(terminate_instances)),
}

__all__ = ["OPERATIONS", "owns"]
