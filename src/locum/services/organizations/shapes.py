"""Entities as structures in answers."""

from __future__ import annotations

from typing import Any

from locum.services.organizations.access import Scope
from locum.state import Member, Organization, OrganizationPolicy, State, Unit
from locum.state.organization import ROOT_NAME, organization_arn
from locum.state.organizations import (
    ALL_FEATURES,
    SERVICE_CONTROL,
    OrganizationNode,
    node_arn,
    path_of,
    policy_arn,
    target_of,
    units_above,
)

Shape = dict[str, Any]


def organization(state: State, entity: Organization) -> Shape:
    """An organization. `AvailablePolicyTypes` has SCPs only, as on AWS, which never extended it to other types."""
    management = state.get(Member, entity.account, entity.account)
    available = [{"Type": SERVICE_CONTROL, "Status": "ENABLED"}] if entity.feature_set == ALL_FEATURES else []
    return {
        "Id": entity.id,
        "Arn": organization_arn(entity.account, entity.id, "organization"),
        "FeatureSet": entity.feature_set,
        "MasterAccountArn": organization_arn(entity.account, entity.id, "account", entity.account),
        "MasterAccountId": entity.account,
        "MasterAccountEmail": "" if management is None else management.email,
        "AvailablePolicyTypes": available,
    }


def root(entity: Organization) -> Shape:
    """The root of an organization."""
    return {
        "Id": entity.root,
        "Arn": node_arn(entity, entity),
        "Name": ROOT_NAME,
        "PolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in entity.policy_types],
    }


def unit(scope: Scope, entity: Unit) -> Shape:
    """An organizational unit."""
    above = units_above(scope.context.state, scope.organization, entity)
    way = (scope.organization.id, scope.organization.root, *(part.id for part in above))
    return {
        "Id": entity.id,
        "Arn": node_arn(scope.organization, entity),
        "Name": entity.name,
        "Path": "".join(f"{part}/" for part in way),
    }


def member(scope: Scope, entity: Member) -> Shape:
    """An account."""
    path = path_of(scope.context.state, scope.organization, entity)
    return {**_account(scope, entity), "Paths": [f"{path}{entity.id}/"]}


def administrator(scope: Scope, entity: Member) -> Shape:
    """An account that is a delegated administrator."""
    return {**_account(scope, entity), "DelegationEnabledDate": entity.delegated_since}


def _account(scope: Scope, entity: Member) -> Shape:
    return {
        "Id": entity.id,
        "Arn": node_arn(scope.organization, entity),
        "Email": entity.email,
        "Name": entity.name,
        "Status": entity.status,
        "State": "CLOSED" if entity.closed else entity.status,
        "JoinedMethod": entity.joined_by,
        "JoinedTimestamp": entity.joined,
    }


def summary(scope: Scope, entity: OrganizationPolicy) -> Shape:
    """A policy without its content."""
    return {
        "Id": entity.id,
        "Arn": policy_arn(scope.organization, entity),
        "Name": entity.name,
        "Description": entity.description,
        "Type": entity.type,
        "AwsManaged": entity.aws_managed,
    }


def whole_policy(scope: Scope, entity: OrganizationPolicy) -> Shape:
    """A policy with its content."""
    return {"PolicySummary": summary(scope, entity), "Content": entity.content}


def target(scope: Scope, node: OrganizationNode) -> Shape:
    """A target of a policy."""
    return {
        "TargetId": target_of(node),
        "Arn": node_arn(scope.organization, node),
        "Name": ROOT_NAME if isinstance(node, Organization) else node.name,
        "Type": kind_of_node(node),
    }


def kind_of_node(node: OrganizationNode) -> str:
    """The type of a node: ROOT, ORGANIZATIONAL_UNIT or ACCOUNT."""
    if isinstance(node, Organization):
        return "ROOT"
    return "ORGANIZATIONAL_UNIT" if isinstance(node, Unit) else "ACCOUNT"


def tag_list(tags: dict[str, str]) -> list[Shape]:
    """Tags, by key."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
