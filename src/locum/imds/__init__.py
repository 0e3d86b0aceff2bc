"""The Instance Metadata Service of instances, at 169.254.169.254.

EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
"""

from locum.imds.service import MetadataService

__all__ = ["MetadataService"]
