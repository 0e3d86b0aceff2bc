"""AWS Security Token Service: the caller's identity, and temporary credentials.

`OPERATIONS` are the verbs; `instance` has the role of an instance, for the metadata service. Calls are authorized (by
the caller's policies and the role's trust policy) before a verb runs. A session is sealed into its token and not
stored; only the use of an MFA code is.
"""

from __future__ import annotations

from typing import Final

from locum.services.sts.authorization_messages import (
    LONGEST_MESSAGE,
    decode_authorization_message,
    encode_authorization_message,
)
from locum.services.sts.delegated import get_delegated_access_token
from locum.services.sts.identity import get_access_key_info, get_caller_identity
from locum.services.sts.instance import (
    EC2,
    MOVED_BACK,
    AttachedProfile,
    attached_profile,
    instance_role,
    is_fresh,
    renew_at,
)
from locum.services.sts.outbound import get_web_identity_token
from locum.services.sts.roles import assume_role
from locum.services.sts.root import assume_root
from locum.services.sts.saml import assume_role_with_saml
from locum.services.sts.saml import caller as saml_caller
from locum.services.sts.scoped import get_scoped_credentials
from locum.services.sts.second_factor import optional
from locum.services.sts.tokens import get_federation_token, get_session_token
from locum.services.sts.web_identity import assume_role_with_web_identity
from locum.services.verbs import Operation, reads

OPERATIONS: Final[dict[str, Operation]] = {
    "AssumeRole": optional(assume_role),
    "AssumeRoleWithSAML": reads(assume_role_with_saml),
    "AssumeRoleWithWebIdentity": reads(assume_role_with_web_identity),
    "AssumeRoot": reads(assume_root),
    "DecodeAuthorizationMessage": reads(decode_authorization_message),
    "GetAccessKeyInfo": reads(get_access_key_info),
    "GetCallerIdentity": reads(get_caller_identity),
    "GetDelegatedAccessToken": reads(get_delegated_access_token),
    "GetFederationToken": reads(get_federation_token),
    "GetScopedCredentials": reads(get_scoped_credentials),
    "GetSessionToken": optional(get_session_token),
    "GetWebIdentityToken": reads(get_web_identity_token),
}

__all__ = [
    "EC2",
    "LONGEST_MESSAGE",
    "MOVED_BACK",
    "OPERATIONS",
    "AttachedProfile",
    "attached_profile",
    "encode_authorization_message",
    "instance_role",
    "is_fresh",
    "renew_at",
    "saml_caller",
]
