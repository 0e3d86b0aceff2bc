"""Delegated administrators of CloudTrail: registered, and acting for the organization."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.inprocess import InProcess, Key, refusal
from support.lake import Lake
from support.plane import allow, document, fresh, refused
from support.trails import writable

CLOUDTRAIL = "cloudtrail.amazonaws.com"
MEMBERS = ("444455556661", "444455556662", "444455556663", "444455556664")
OWNER = "000000000000"


class House:
    """An organization whose accounts are `MEMBERS`. `admin` is a key of the first one, which is registered."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        self.organizations = plane.client("organizations")
        self.manager = plane.client("cloudtrail")
        self.organizations.create_organization(FeatureSet="ALL")
        self.organizations.enable_aws_service_access(ServicePrincipal=CLOUDTRAIL)
        self.keys = [self.joined(account) for account in MEMBERS]
        self.admin = self.keys[0]

    def joined(self, account: str) -> Key:
        key = self.plane.account(account)
        invited = self.organizations.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": account})
        self.plane.client("organizations", key).accept_handshake(HandshakeId=invited["Handshake"]["Id"])
        return key

    def register(self, account: str = MEMBERS[0]) -> None:
        self.manager.register_organization_delegated_admin(MemberAccountId=account)

    def deregister(self) -> None:
        self.manager.deregister_organization_delegated_admin(DelegatedAdminAccountId=MEMBERS[0])

    def registered(self) -> list[str]:
        told = self.organizations.list_delegated_administrators(ServicePrincipal=CLOUDTRAIL)
        return [it["Id"] for it in told["DelegatedAdministrators"]]

    def client(self, number: int = 0) -> Any:
        return self.plane.client("cloudtrail", self.keys[number])


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


@pytest.fixture
def house(plane: InProcess) -> House:
    return House(plane)


def store_of(client: Any, name: str = "all", **params: Any) -> str:
    return str(client.create_event_data_store(Name=name, OrganizationEnabled=True, **params)["EventDataStoreArn"])


def bucket_of(house: House, number: int) -> str:
    """A bucket of a member to which CloudTrail may write."""
    name, s3 = fresh("logs"), house.plane.client("s3", house.keys[number])
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=writable(name))
    return name


def test_registration_is_that_of_organizations(house: House) -> None:
    house.register()
    assert house.registered() == [MEMBERS[0]]
    assert house.plane.client("iam").get_role(RoleName="AWSServiceRoleForCloudTrail")["Role"]
    house.deregister()
    assert house.registered() == []
    house.organizations.register_delegated_administrator(AccountId=MEMBERS[1], ServicePrincipal=CLOUDTRAIL)
    assert refusal(house.register, account=MEMBERS[1])[0] == "AccountRegisteredException"
    house.organizations.disable_aws_service_access(ServicePrincipal=CLOUDTRAIL)
    assert refusal(house.register)[0] == "CloudTrailAccessNotEnabledException"


def test_three_accounts_can_be_registered(house: House) -> None:
    for account in MEMBERS[:3]:
        house.register(account)
    assert refusal(house.register, account=MEMBERS[3])[0] == "DelegatedAdminAccountLimitExceededException"


def test_what_cannot_be_registered_is_refused(house: House) -> None:
    assert refusal(house.register, account=OWNER)[0] == "CannotDelegateManagementAccountException"
    assert refusal(house.register, account="123412341234")[0] == "AccountNotFoundException"
    assert refusal(house.deregister)[0] == "AccountNotRegisteredException"
    call = house.client().register_organization_delegated_admin
    assert refusal(call, MemberAccountId=MEMBERS[0])[0] == "NotOrganizationManagementAccountException"
    stranger = house.plane.client("cloudtrail", house.plane.account("123412341234"))
    code = refusal(stranger.register_organization_delegated_admin, MemberAccountId=MEMBERS[0])[0]
    assert code == "OrganizationsNotInUseException"
    assert house.registered() == []


def test_attack_the_permissions_of_organizations_are_needed_as_well(house: House) -> None:
    key = house.plane.user("half", allow("cloudtrail:*"))
    call = house.plane.client("cloudtrail", key).register_organization_delegated_admin
    code = refused(call, MemberAccountId=MEMBERS[0]).code
    assert code == "InsufficientDependencyServiceAccessPermissionException"
    key = house.plane.user("more", allow("cloudtrail:*"), allow("organizations:RegisterDelegatedAdministrator"))
    call = house.plane.client("cloudtrail", key).register_organization_delegated_admin
    assert refused(call, MemberAccountId=MEMBERS[0]).code == "InsufficientIAMAccessPermissionException"
    assert house.registered() == []


def test_without_the_service_linked_role_nothing_is_made_for_the_organization(house: House) -> None:
    """It is made by a call of the management account to CloudTrail alone, not by one to Organizations."""
    house.organizations.register_delegated_administrator(AccountId=MEMBERS[0], ServicePrincipal=CLOUDTRAIL)
    call = house.client().create_event_data_store
    assert refusal(call, Name="all", OrganizationEnabled=True)[0] == "NoManagementAccountSLRExistsException"
    store_of(house.manager, "own")
    assert store_of(house.client())


def test_the_management_account_owns_what_a_delegated_administrator_makes(house: House) -> None:
    house.register()
    store, bucket = store_of(house.client(), TagsList=[{"Key": "a", "Value": "b"}]), bucket_of(house, 0)
    params = {"Name": "all", "S3BucketName": bucket, "IsOrganizationTrail": True}
    trail = house.client().create_trail(**params)["TrailARN"]
    assert f":{OWNER}:" in store
    assert f":{OWNER}:" in trail
    assert [it["TrailARN"] for it in house.manager.list_trails()["Trails"]] == [trail]
    for client in (house.manager, house.client()):
        assert [it["EventDataStoreArn"] for it in client.list_event_data_stores()["EventDataStores"]] == [store]
        assert client.get_event_data_store(EventDataStore=store.rpartition("/")[2])["OrganizationEnabled"] is True
    assert house.client(1).list_event_data_stores()["EventDataStores"] == []
    assert refusal(house.client().create_trail, **params)[0] == "TrailAlreadyExistsException"


def test_a_delegated_administrator_manages_what_is_the_organizations(house: House) -> None:
    house.register()
    client, store = house.client(), store_of(house.manager)
    bucket = bucket_of(house, 0)
    trail = house.manager.create_trail(Name="all", S3BucketName=bucket, IsOrganizationTrail=True)["TrailARN"]
    client.start_logging(Name=trail)
    client.update_trail(Name="all", IncludeGlobalServiceEvents=True)
    for name in (trail, store):
        client.add_tags(ResourceId=name, TagsList=[{"Key": "k", "Value": "v"}])
        assert client.list_tags(ResourceIdList=[name])["ResourceTagList"][0]["TagsList"]
        client.remove_tags(ResourceId=name, TagsList=[{"Key": "k"}])
    client.stop_event_data_store_ingestion(EventDataStore=store)
    client.start_event_data_store_ingestion(EventDataStore=store)
    client.update_event_data_store(EventDataStore=store, TerminationProtectionEnabled=False)
    client.delete_event_data_store(EventDataStore=store)
    client.restore_event_data_store(EventDataStore=store)
    client.delete_trail(Name=trail)
    assert house.manager.list_trails()["Trails"] == []


def test_only_the_management_account_converts_and_imports(house: House) -> None:
    house.register()
    client, store = house.client(), store_of(house.manager)
    source = {"S3LocationUri": "s3://bucket", "S3BucketRegion": "us-east-1"}
    role = {"S3BucketAccessRoleArn": f"arn:aws:iam::{MEMBERS[0]}:role/reader"}
    given = {"Destinations": [store], "ImportSource": {"S3": {**source, **role}}}
    assert refusal(client.start_import, **given)[0] == "OperationNotPermittedException"
    own = client.create_event_data_store(Name="own")["EventDataStoreArn"]
    bucket = bucket_of(house, 0)
    client.create_trail(Name="own", S3BucketName=bucket)
    house.manager.create_trail(Name="all", S3BucketName=bucket, IsOrganizationTrail=True)
    for call, params in (
        (client.update_event_data_store, {"EventDataStore": own, "OrganizationEnabled": True}),
        (client.update_event_data_store, {"EventDataStore": store, "OrganizationEnabled": False}),
        (client.update_trail, {"Name": "own", "IsOrganizationTrail": True}),
        (client.update_trail, {"Name": "all", "IsOrganizationTrail": False}),
    ):
        assert refusal(call, **params)[0] == "NotOrganizationMasterAccountException"
    house.manager.update_event_data_store(EventDataStore=store, OrganizationEnabled=False)
    assert [it["EventDataStoreArn"] for it in client.list_event_data_stores()["EventDataStores"]] == [own]


def test_attack_what_is_the_management_accounts_alone_stays_so(house: House) -> None:
    house.register()
    client, theirs = house.client(), house.manager.create_event_data_store(Name="theirs")["EventDataStoreArn"]
    assert refused(client.get_event_data_store, EventDataStore=theirs).code == "AccessDeniedException"
    name = theirs.rpartition("/")[2]
    assert refused(client.get_event_data_store, EventDataStore=name).code == "EventDataStoreNotFoundException"
    bucket = bucket_of(house, 0)
    house.manager.create_trail(Name="theirs", S3BucketName=bucket)
    assert refused(client.delete_trail, Name="theirs").code == "TrailNotFoundException"


def test_attack_a_member_and_who_was_deregistered_change_nothing(house: House) -> None:
    house.register()
    store, bucket = store_of(house.client()), bucket_of(house, 0)
    house.client().create_trail(Name="all", S3BucketName=bucket, IsOrganizationTrail=True)
    query = Lake(house.plane, house.admin).ended(f"SELECT eventID FROM {store.rpartition('/')[2]}")
    house.deregister()
    for number in (0, 1):
        client = house.client(number)
        assert refusal(client.stop_logging, Name="all")[0] == "NotOrganizationMasterAccountException"
        assert refused(client.get_event_data_store, EventDataStore=store).code == "AccessDeniedException"
        told = refused(client.get_query_results, QueryId=query, EventDataStoreOwnerAccountId=OWNER)
        assert told.code == "AccessDeniedException"
        call = client.create_event_data_store
        assert refusal(call, Name="mine", OrganizationEnabled=True)[0] == "NotOrganizationMasterAccountException"
    assert house.manager.get_event_data_store(EventDataStore=store)["Status"] == "ENABLED"


def test_a_delegated_administrator_asks_the_organizations_events(house: House) -> None:
    house.register()
    store = store_of(house.client()).rpartition("/")[2]
    house.plane.client("iam", house.keys[1]).create_user(UserName=fresh("joe"))
    lake = Lake(house.plane, house.admin)
    rows = f"SELECT recipientAccountId FROM {store} WHERE eventName = 'CreateUser'"
    assert lake.rows(rows) == [[MEMBERS[1]]]
    query = lake.started(rows)
    told = lake.client.describe_query(QueryId=query)
    assert told["EventDataStoreOwnerAccountId"] == OWNER
    assert house.manager.describe_query(QueryId=query)["QueryString"] == rows
    assert query in [it["QueryId"] for it in lake.client.list_queries(EventDataStore=store)["Queries"]]


@pytest.mark.parametrize("named", ["arn", "id", "owner"])
def test_attack_no_name_of_a_store_gets_around_a_denial(house: House, named: str) -> None:
    house.register()
    arn = store_of(house.client())
    denied = {"Effect": "Deny", "Action": "*", "Resource": arn}
    eve = house.plane.user(fresh("eve"), allow("cloudtrail:*"), denied, of=house.admin)
    client, name = house.plane.client("cloudtrail", eve), arn.rpartition("/")[2]
    assert refused(client.get_event_data_store, EventDataStore=arn if named == "arn" else name).code == (
        "AccessDeniedException"
    )
    owner = {"EventDataStoreOwnerAccountId": MEMBERS[0]} if named == "owner" else {}
    told = refused(client.start_query, QueryStatement=f"SELECT eventID FROM {name}", **owner)
    assert told.code == ("EventDataStoreNotFoundException" if owner else "AccessDeniedException")


def test_the_default_policy_stands_beside_the_stores_own(house: House) -> None:
    store, named = store_of(house.manager), MEMBERS[1]
    assert refusal(house.manager.get_resource_policy, ResourceArn=store)[0] == "ResourcePolicyNotFoundException"
    house.register()
    told = house.manager.get_resource_policy(ResourceArn=store)
    assert MEMBERS[0] in told["DelegatedAdminResourcePolicy"]
    assert "ResourcePolicy" not in told
    statement = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "cloudtrail:GetEventDataStore"}
    house.manager.put_resource_policy(ResourceArn=store, ResourcePolicy=document({**statement, "Resource": store}))
    for number in (0, 1):
        assert house.client(number).get_event_data_store(EventDataStore=store)["Name"] == "all"
    assert refused(house.client(2).get_event_data_store, EventDataStore=store).code == "AccessDeniedException"
    denied = {"Effect": "Deny", "Principal": {"AWS": MEMBERS[0]}, "Action": "cloudtrail:*", "Resource": store}
    house.manager.put_resource_policy(ResourceArn=store, ResourcePolicy=document(denied))
    assert refused(house.client().get_event_data_store, EventDataStore=store).code == "AccessDeniedException"


def test_attack_an_account_that_leaves_takes_nothing_with_it(house: House) -> None:
    house.register()
    store = store_of(house.client())
    house.organizations.deregister_delegated_administrator(AccountId=MEMBERS[0], ServicePrincipal=CLOUDTRAIL)
    house.organizations.remove_account_from_organization(AccountId=MEMBERS[0])
    assert refused(house.client().get_event_data_store, EventDataStore=store).code == "AccessDeniedException"
    name = store.rpartition("/")[2]
    assert refusal(house.client().get_event_data_store, EventDataStore=name)[0] == "EventDataStoreNotFoundException"
