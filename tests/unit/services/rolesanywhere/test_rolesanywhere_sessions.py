"""CreateSession: who is given a session of which role, and everybody who is not."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from locum.core.clock import system_clock
from locum.core.http import HttpRequest
from support import old_certificates
from support.anywhere import Issued, authority, issued, name, request, revoking, signed
from support.certificates import DAY, YEAR, ec_key, rsa_key
from support.inprocess import Answer, InProcess, Key, refusal
from support.plane import document

ACTIONS = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
CN = "app.example.com"
_LISTS = ("ListUsers", "ListRoles")


def trusting(*actions: str, **condition: Any) -> str:
    """A trust policy for IAM Roles Anywhere."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": list(actions or ACTIONS),
    }
    return document(statement | ({"Condition": condition} if condition else {}))


class World:
    """A plane with a role, a profile that has it, and a trust anchor; and a client with a certificate."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))
        self.plane = InProcess(data, lambda: self.now)
        self.root = authority("root", self.now)
        self.client = issued(name(CN, OU="web"), self.root, self.now, serial=0xABC)
        self.api = self.plane.client("rolesanywhere")
        self.role = self.made_role("app", trusting())
        self.anchor = self.made_anchor(self.root)
        self.profile = self.made_profile(self.role)

    def made_role(self, called: str, trust: str) -> str:
        made = self.plane.client("iam").create_role(RoleName=called, AssumeRolePolicyDocument=trust)
        arn: str = made["Role"]["Arn"]
        return arn

    def made_anchor(self, *authorities: Issued) -> str:
        bundle = "".join(each.pem for each in authorities)
        source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": bundle}}
        made = self.api.create_trust_anchor(name="anchor", source=source, enabled=True)
        arn: str = made["trustAnchor"]["trustAnchorArn"]
        return arn

    def made_profile(self, *roles: str, **more: Any) -> str:
        made = self.api.create_profile(name="profile", roleArns=list(roles), enabled=True, **more)
        arn: str = made["profile"]["profileArn"]
        return arn

    def body(self, **changes: Any) -> dict[str, Any]:
        named = {"profileArn": self.profile, "roleArn": self.role, "trustAnchorArn": self.anchor}
        return {key: value for key, value in {**named, **changes}.items() if value is not None}

    def asked(self, client: Issued | None = None, chain: tuple[Issued, ...] = (), **changes: Any) -> Answer:
        return self.plane.send(request(client or self.client, self.now, self.body(**changes), chain=chain))

    def given(self, client: Issued | None = None, chain: tuple[Issued, ...] = (), **changes: Any) -> dict[str, Any]:
        answer = self.asked(client, chain, **changes)
        assert answer.status == 201, answer.body
        (found,) = json.loads(answer.body)["credentialSet"]
        made: dict[str, Any] = found
        return made

    def assumed(self) -> dict[str, Any]:
        """The parameters of the latest AssumeRole that is recorded."""
        record = next(found for found in self.plane.records() if found.operation == "AssumeRole")
        return dict(record.parameters)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "data")
    yield world
    world.plane.close()


def refused(answer: Answer) -> str:
    """The text of a refusal."""
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException"), answer
    told = json.loads(answer.body)
    assert "credentialSet" not in told
    text: str = told["message"]
    return text


# -- what a certificate gives ------------------------------------------------------------------------------------


def test_a_certificate_gives_a_session_named_by_its_serial_number(world: World) -> None:
    found = world.given()
    assert found["assumedRoleUser"]["arn"] == "arn:aws:sts::000000000000:assumed-role/app/0abc"
    assert (found["roleArn"], found["sourceIdentity"]) == (world.role, f"CN={CN}")
    credentials = found["credentials"]
    assert credentials["expiration"].endswith("Z")
    key = Key(credentials["accessKeyId"], credentials["secretAccessKey"], credentials["sessionToken"])
    assert world.plane.client("sts", key).get_caller_identity()["Arn"] == found["assumedRoleUser"]["arn"]
    events = {record.operation: record for record in world.plane.records()}
    assert (events["CreateSession"].account, events["CreateSession"].event_type) == ("000000000000", "AwsApiCall")
    assert events["AssumeRole"].source_arn == world.anchor
    assert "sessionToken" not in json.dumps(events["CreateSession"].parameters)


def test_attributes_of_the_certificate_are_session_tags(world: World) -> None:
    names = x509.SubjectAlternativeName(
        [x509.DNSName("a.example.com"), x509.DNSName("b.example.com"), x509.UniformResourceIdentifier("spiffe://x/y")]
    )
    client = issued(name(CN, O="Shop", OU="web"), world.root, world.now, extensions=[(names, False)])
    world.given(client)
    tags = {tag["key"]: tag["value"] for tag in world.assumed()["tags"]}
    assert tags == {
        "x509Issuer/CN": "root",
        "x509SAN/DNS": "a.example.com",
        "x509SAN/URI": "spiffe://x/y",
        "x509Subject/CN": CN,
        "x509Subject/O": "Shop",
        "x509Subject/OU": "web",
    }


def test_a_profile_says_which_attributes_are_tags(world: World) -> None:
    profile = world.profile.rpartition("/")[2]
    world.api.delete_attribute_mapping(profileId=profile, certificateField="x509Issuer")
    rules = [{"specifier": "OU"}]
    world.api.put_attribute_mapping(profileId=profile, certificateField="x509Subject", mappingRules=rules)
    world.given()
    assert world.assumed()["tags"] == [{"key": "x509Subject/OU", "value": "web"}]


def test_the_trust_policy_may_name_the_anchor_the_subject_and_the_identity(world: World) -> None:
    iam = world.plane.client("iam")
    right = {
        "ArnEquals": {"aws:SourceArn": world.anchor},
        "StringEquals": {"aws:PrincipalTag/x509Subject/OU": "web", "sts:SourceIdentity": f"CN={CN}"},
    }
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=trusting(ArnEquals=right["ArnEquals"]))
    world.given()
    requested = {"aws:RequestTag/x509Subject/OU": "web", "sts:SourceIdentity": f"CN={CN}"}
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=trusting(StringEquals=requested))
    world.given()
    other = {"aws:RequestTag/x509Subject/OU": "db"}
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=trusting(StringEquals=other))
    assert refused(world.asked()) == f"Unable to assume role for {world.role}"


@pytest.mark.parametrize("missing", ACTIONS)
def test_the_trust_policy_has_to_allow_all_three_actions(world: World, missing: str) -> None:
    trust = trusting(*(action for action in ACTIONS if action != missing))
    world.plane.client("iam").update_assume_role_policy(RoleName="app", PolicyDocument=trust)
    assert refused(world.asked()) == f"Unable to assume role for {world.role}"


def test_a_deny_of_the_trust_policy_beats_what_it_allows(world: World) -> None:
    allowed = json.loads(trusting())["Statement"][0]
    beaten = {"Condition": {"ArnEquals": {"aws:SourceArn": world.anchor}}}
    policy = document(allowed, {**allowed, "Effect": "Deny", "Action": "sts:AssumeRole", **beaten})
    world.plane.client("iam").update_assume_role_policy(RoleName="app", PolicyDocument=policy)
    assert refused(world.asked()) == f"Unable to assume role for {world.role}"
    (record,) = [found for found in world.plane.records() if found.operation == "CreateSession"]
    assert (record.identity.arn, record.source_arn) == ("rolesanywhere.amazonaws.com", world.anchor)


def test_boundary_session_policy_and_deny_hold_in_the_session(world: World) -> None:
    iam = world.plane.client("iam")
    may = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam.put_role_policy(RoleName="app", PolicyName="all", PolicyDocument=may)
    profile = world.made_profile(world.role, sessionPolicy=may)
    users, roles = (document({"Effect": "Allow", "Action": f"iam:{name}", "Resource": "*"}) for name in _LISTS)
    narrow = world.made_profile(world.role, sessionPolicy=users)

    def outcome(given: dict[str, Any]) -> list[bool]:
        held = given["credentials"]
        key = Key(held["accessKeyId"], held["secretAccessKey"], held["sessionToken"])
        client = world.plane.client("iam", key)
        tried = []
        for operation in (client.list_users, client.list_roles):
            try:
                operation()
                tried.append(True)
            except client.exceptions.ClientError:
                tried.append(False)
        return tried

    assert outcome(world.given(profileArn=profile)) == [True, True]
    assert outcome(world.given(profileArn=narrow)) == [True, False]
    boundary = iam.create_policy(PolicyName="most", PolicyDocument=roles)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=boundary)
    assert outcome(world.given(profileArn=profile)) == [False, True]
    assert outcome(world.given(profileArn=narrow)) == [False, False]


@pytest.mark.parametrize("seconds", [0, 899, 43_201])
def test_a_duration_out_of_range_is_a_clear_error(world: World, seconds: int) -> None:
    answer = world.asked(durationSeconds=seconds)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException"), answer


def test_a_chain_leads_to_the_anchor_in_any_order(world: World) -> None:
    middle = authority("middle", world.now, world.root)
    lower = authority("lower", world.now, middle)
    client = issued(CN, lower, world.now)
    assert refused(world.asked(client)) == "Untrusted signing certificate"
    assert refused(world.asked(client, (lower,))) == "Untrusted signing certificate"
    world.given(client, (lower, middle))
    world.given(client, (middle, lower))


def test_rsa_signs_as_well(world: World) -> None:
    world.given(issued(CN, world.root, world.now, key=rsa_key("client")))


def test_the_session_is_limited_by_the_profile(world: World) -> None:
    policy = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    profile = world.made_profile(world.role, durationSeconds=900, sessionPolicy=policy)
    world.given(profileArn=profile, durationSeconds=3600)
    asked = world.assumed()
    assert asked["durationSeconds"] == 900
    assert json.loads(asked["policy"]) == json.loads(policy)


def test_a_session_name_is_taken_where_the_profile_takes_it(world: World) -> None:
    assert refused(world.asked(roleSessionName="mine")) == "Not authorized to set roleSessionName"
    profile = world.made_profile(world.role, acceptRoleSessionName=True)
    assert world.given(profileArn=profile, roleSessionName="mine")["assumedRoleUser"]["arn"].endswith("/app/mine")


def test_the_arns_may_be_in_the_query_but_not_differ(world: World) -> None:
    query = f"profileArn={world.profile}&roleArn={world.role}&trustAnchorArn={world.anchor}"
    assert world.plane.send(request(world.client, world.now, {}, query=query)).status == 201
    other = {"roleArn": f"{world.role}2"}
    assert world.plane.send(request(world.client, world.now, other, query=query)).status == 400


def test_a_subject_is_told_of(world: World) -> None:
    answer = json.loads(world.asked().body)
    world.asked()
    (summary,) = world.api.list_subjects()["subjects"]
    assert summary["subjectArn"] == answer["subjectArn"]
    subject = world.api.get_subject(subjectId=summary["subjectId"])["subject"]
    assert [each["serialNumber"] for each in subject["credentials"]] == [str(0xABC)]


# -- certificates that give nothing ------------------------------------------------------------------------------

_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

BAD: dict[str, Callable[[World], tuple[Issued, tuple[Issued, ...]]]] = {
    "of an authority with the same name": lambda w: (
        issued(CN, authority("root", w.now, key=ec_key("another")), w.now),
        (authority("root", w.now, key=ec_key("another")),),
    ),
    "of itself": lambda w: (issued(CN, None, w.now), ()),
    "that has expired": lambda w: (issued(CN, w.root, w.now, begins=-2 * DAY, expires=-1), ()),
    "that is not valid yet": lambda w: (issued(CN, w.root, w.now, begins=60), ()),
    "of an authority's": lambda w: (authority("sub", w.now, w.root, usages=("digital_signature", "key_cert_sign")), ()),
    "of the anchor itself": lambda w: (w.root, ()),
    "that may not sign": lambda w: (issued(CN, w.root, w.now, usages=("key_encipherment",)), ()),
    "without a key usage": lambda w: (issued(CN, w.root, w.now, usages=()), ()),
    "issued by an end entity": lambda w: (issued("x", w.client, w.now), (w.client,)),
    "below an authority that may not sign": lambda w: (
        issued("x", _weak_authority(w), w.now),
        (_weak_authority(w),),
    ),
    "below an authority that has expired": lambda w: (
        issued("x", authority("old", w.now, w.root, begins=-2 * DAY, expires=-1), w.now),
        (authority("old", w.now, w.root, begins=-2 * DAY, expires=-1),),
    ),
    "with a small RSA key": lambda w: (issued(CN, w.root, w.now, key=_small_key()), ()),
    "with a critical extension that nobody knows": lambda w: (
        issued(CN, w.root, w.now, extensions=[(_UNKNOWN, True)]),
        (),
    ),
}


def _weak_authority(world: World) -> Issued:
    return authority("weak", world.now, world.root, usages=("digital_signature",))


def _small_key() -> rsa.RSAPrivateKey:
    return rsa_key("small", 1024)


@pytest.mark.parametrize("kind", BAD)
def test_a_certificate_is_refused(world: World, kind: str) -> None:
    client, chain = BAD[kind](world)
    assert refused(world.asked(client, chain)) == "Untrusted signing certificate"


def test_a_certificate_that_was_signed_with_sha1_is_refused(world: World) -> None:
    key = load_pem_private_key(old_certificates.KEY.encode(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    anchor = world.made_anchor(Issued(x509.load_pem_x509_certificate(old_certificates.ROOT.encode()), key))
    old, new = (
        Issued(x509.load_pem_x509_certificate(text.encode()), key)
        for text in (old_certificates.SIGNED_WITH_SHA1, old_certificates.SIGNED_WITH_SHA256)
    )
    assert refused(world.asked(old, trustAnchorArn=anchor)) == "Untrusted signing certificate"
    world.given(new, trustAnchorArn=anchor)


def test_an_authority_s_path_length_is_kept(world: World) -> None:
    root = authority("short", world.now, path_length=0)
    anchor, middle = world.made_anchor(root), authority("middle", world.now, root)
    world.given(issued("direct", root, world.now), trustAnchorArn=anchor)
    assert refused(world.asked(issued("far", middle, world.now), (middle,), trustAnchorArn=anchor))


def test_a_chain_without_end_is_refused(world: World) -> None:
    links = [authority("link 0", world.now, world.root)]
    for number in range(1, 7):
        links.append(authority(f"link {number}", world.now, links[-1]))
    assert refused(world.asked(issued(CN, links[-1], world.now), tuple(links)))
    assert refused(world.asked(world.client, (world.root,) * 100))


def test_what_is_no_certificate_is_refused(world: World) -> None:
    for header in ("", "AAAA", "%", "A" * 30_000, b64encode(b"\x30" * 900).decode()):
        sent = request(world.client, world.now, world.body())
        assert refused(world.plane.send(resigned(world, sent, x_amz_x509=header)))


@pytest.mark.parametrize("end", [b"\x06", b"\x05", b"\x7f"])
def test_a_certificate_with_a_key_of_an_unknown_curve_is_refused(world: World, end: bytes) -> None:
    p256 = bytes.fromhex("06082a8648ce3d0301") + b"\x07"
    known = world.client.certificate.public_bytes(Encoding.DER)
    assert p256 in known
    sent = request(world.client, world.now, world.body())
    unknown = b64encode(known.replace(p256, p256[:-1] + end)).decode()
    assert refused(world.plane.send(resigned(world, sent, x_amz_x509=unknown)))


def resigned(world: World, sent: HttpRequest, **headers: str) -> HttpRequest:
    """The request with other headers (_ for -), signed by the client again."""
    return signed(altered(sent, authorization="", **headers), world.client)


def altered(sent: HttpRequest, **headers: str) -> HttpRequest:
    """The request with other headers (_ for -), without those that are empty, and with the signature that it had."""
    named = {**sent.headers, **{key.replace("_", "-"): value for key, value in headers.items()}}
    kept = {key: value for key, value in named.items() if value or key.startswith("x-amz-")}
    return HttpRequest(sent.method, sent.raw_path, sent.query_string, kept, sent.body, "127.0.0.1", False)


def test_a_revoked_certificate_is_refused_as_long_as_the_list_is_enabled(world: World) -> None:
    made = world.api.import_crl(
        name="crl", crlData=revoking(world.root, world.now, 0xABC), trustAnchorArn=world.anchor, enabled=True
    )
    assert refused(world.asked()) == "Untrusted signing certificate"
    world.now += 30 * DAY  # it counts also when its next update is overdue
    assert refused(world.asked()) == "Untrusted signing certificate"
    world.given(issued("other", world.root, world.now))
    world.now -= 30 * DAY
    world.api.disable_crl(crlId=made["crl"]["crlId"])
    world.given()


def test_a_revoked_authority_takes_with_it_what_it_issued(world: World) -> None:
    middle = authority("middle", world.now, world.root)
    client = issued(CN, middle, world.now)
    world.given(client, (middle,))
    data = revoking(world.root, world.now, middle.certificate.serial_number)
    world.api.import_crl(name="crl", crlData=data, trustAnchorArn=world.anchor, enabled=True)
    assert refused(world.asked(client, (middle,)))


def test_a_list_of_somebody_else_is_not_imported(world: World) -> None:
    forged = revoking(authority("root", world.now, key=ec_key("another")), world.now)
    told = refusal(world.api.import_crl, name="x", crlData=forged, trustAnchorArn=world.anchor)
    assert told[:2] == ("ValidationException", 400)


# -- signatures --------------------------------------------------------------------------------------------------


def test_a_signature_over_other_bytes_is_refused(world: World) -> None:
    sent = request(world.client, world.now, world.body())
    sent.body = json.dumps(world.body(durationSeconds=43_200)).encode()
    assert refused(world.plane.send(sent)) == "The signature does not match the certificate"


def test_somebody_else_s_certificate_without_its_key_is_refused(world: World) -> None:
    thief = Issued(world.client.certificate, ec_key("thief"))
    assert refused(world.asked(thief)) == "The signature does not match the certificate"


def test_a_captured_request_is_worth_nothing_fifteen_minutes_later(world: World) -> None:
    sent = request(world.client, world.now, world.body())
    world.now += 901
    assert "expired" in refused(world.plane.send(sent))
    world.now -= 2 * 901
    assert "expired" in refused(world.plane.send(sent))


def test_a_moved_clock_moves_the_ends_of_certificates_and_not_the_dates_of_signatures(world: World) -> None:
    sent = request(world.client, world.now, world.body())
    world.plane.node.runtime.clock.move(7200.0)
    assert world.plane.send(sent).status == 201
    world.plane.node.runtime.clock.move(2.0 * YEAR)
    assert refused(world.asked()) == "Untrusted signing certificate"


@pytest.mark.parametrize("header", ["x-amz-x509", "x-amz-date", "host"])
def test_a_header_that_is_not_signed_is_refused(world: World, header: str) -> None:
    sent = request(world.client, world.now, world.body())
    authorization = sent.headers["authorization"].replace(f";{header}", "")
    assert refused(world.plane.send(altered(sent, authorization=authorization)))


def test_a_header_of_amazon_s_that_was_added_on_the_way_is_refused(world: World) -> None:
    sent = request(world.client, world.now, world.body())
    assert "must be signed" in refused(world.plane.send(altered(sent, x_amz_x509_chain=world.root.header)))


def test_a_certificate_that_comes_twice_is_refused(world: World) -> None:
    sent = request(world.client, world.now, world.body())
    twice = f"{sent.headers['x-amz-x509']},{sent.headers['x-amz-x509']}"
    assert refused(world.plane.send(resigned(world, sent, x_amz_x509=twice)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-X509-ECDSA-SHA256", "AWS4-X509-RSA-SHA256"),
        ("AWS4-X509-ECDSA-SHA256", "AWS4-X509-ECDSA-SHA1"),
        ("/us-east-1/", "/eu-west-1/"),
        ("/rolesanywhere/", "/sts/"),
        ("Credential=2748/", "Credential=2749/"),
        ("Signature=", "Signature=00"),
        ("SignedHeaders=", "SignedHeaders=host;"),
    ],
)
def test_an_authorization_that_says_something_else_is_refused(world: World, old: str, new: str) -> None:
    sent = request(world.client, world.now, world.body())
    assert old in sent.headers["authorization"]
    authorization = sent.headers["authorization"].replace(old, new)
    assert refused(world.plane.send(altered(sent, authorization=authorization)))


def test_another_operation_is_not_signed_so(world: World) -> None:
    sent = request(world.client, world.now, {})
    sent.raw_path = "/profiles"
    assert refused(world.plane.send(resigned(world, sent)))


def test_an_access_key_creates_no_session(world: World) -> None:
    template = world.plane.request("rolesanywhere", "list_profiles")
    template.method, template.raw_path = "POST", "/sessions"
    assert world.plane.send(template).status == 403


# -- anchors, profiles and roles ---------------------------------------------------------------------------------


def test_a_disabled_anchor_or_profile_gives_nothing(world: World) -> None:
    anchor, profile = (arn.rpartition("/")[2] for arn in (world.anchor, world.profile))
    world.api.disable_trust_anchor(trustAnchorId=anchor)
    assert refused(world.asked()) == "Untrusted signing certificate"
    world.api.enable_trust_anchor(trustAnchorId=anchor)
    world.api.disable_profile(profileId=profile)
    assert refused(world.asked()) == f"Unable to use profile {world.profile}"
    world.api.enable_profile(profileId=profile)
    world.given()


def test_a_role_that_the_profile_does_not_have_is_refused(world: World) -> None:
    other = world.made_role("other", trusting())
    assert "does not have the role" in refused(world.asked(roleArn=other))


def test_nothing_of_another_account_is_reached(world: World) -> None:
    away = world.plane.account("111122223333")
    api = world.plane.client("rolesanywhere", away)
    bundle = {"x509CertificateData": authority("theirs", world.now).pem}
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": bundle}
    theirs = api.create_trust_anchor(name="theirs", source=source, enabled=True)["trustAnchor"]["trustAnchorArn"]
    client = issued(CN, authority("theirs", world.now), world.now)
    told = refused(world.asked(client, trustAnchorArn=theirs))
    assert told == f"Unable to use profile {world.profile}"
    assert refused(world.asked(client)) == "Untrusted signing certificate"
    assert refused(world.asked(trustAnchorArn=world.anchor.replace("000000000000", "111122223333")))
    assert refusal(api.create_profile, name="p", roleArns=[world.role])[0] == "AccessDeniedException"


def test_an_anchor_of_another_region_is_not_here(world: World) -> None:
    away = world.plane.send(request(world.client, world.now, world.body(), region="eu-west-1"))
    assert refused(away) == "Untrusted signing certificate"


def test_a_deleted_role_gives_nothing(world: World) -> None:
    world.plane.client("iam").delete_role(RoleName="app")
    assert refused(world.asked()) == f"Unable to assume role for {world.role}"


@pytest.mark.parametrize("common", ["Jane Doe", "a" * 64, "söder"])
def test_a_common_name_that_is_no_source_identity_is_not_bent_into_one(world: World, common: str) -> None:
    assert "source identity" in refused(world.asked(issued(common, world.root, world.now)))


def test_a_stronger_hash_is_welcome(world: World) -> None:
    world.given(issued(CN, world.root, world.now, digest=SHA384()))


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"null",
        b'{"roleArn": 1}',
        b'{"durationSeconds": "900"}',
        b'{"durationSeconds": true}',
        b"[" * 20_000,
    ],
)
def test_a_body_that_is_none_is_a_clear_error(world: World, body: bytes) -> None:
    sent = request(world.client, world.now, {})
    sent.body = body
    assert world.plane.send(resigned(world, sent)).status == 400
