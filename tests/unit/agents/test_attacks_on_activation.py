"""Activation of agents: a code is one agent, once; and what is tried against it."""

from __future__ import annotations

import json
import logging
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from locum.compute.agent_plane import AgentRefused, Issued, authority_of
from locum.core.activation import ACTIVATION_PATH, AGENT, MAX_BODY, SERVER_NAME, ActivationCode
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.http import agent_certificates
from locum.http.authority import private_pem
from support.agent_door import AgentHouse, Joined, house

__all__ = ["house"]


# -- codes ----------------------------------------------------------------------------------------------------


def test_a_code_is_good_once_also_after_a_restart_and_the_second_use_is_said(
    house: AgentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    code = house.code(house.launched())
    house.restart()
    house.enrol(code)
    for _ in range(2):
        with (
            caplog.at_level(logging.WARNING, "locum.agents"),
            pytest.raises(AgentRefused, match="is not valid"),
        ):
            house.enrol(code)
        house.restart()
    assert f"the activation code of {code.instance} is used a second time: refused" in caplog.text
    assert str(code).split(".")[3] not in caplog.text


def test_of_many_that_use_a_code_at_once_one_is_the_agent(house: AgentHouse) -> None:
    code = house.code(house.launched())
    nobody, keys = house.nobody(), [agent_certificates.new_key() for _ in range(12)]

    def tried(key: Any) -> Issued | None:
        try:
            return nobody.activate(code, agent_certificates.request_for(key))
        except AgentRefused:
            return None

    def all_at_once() -> list[Issued | None]:
        with ThreadPoolExecutor(len(keys)) as threads:
            return list(threads.map(tried, keys))

    found = house.run(all_at_once)
    (issued,) = [it for it in found if it is not None]
    winner = keys[found.index(issued)]
    assert Joined(house, code.instance, private_pem(winner), issued.certificate).metadata("instance-id").status == 200


def test_a_code_expires_by_the_planes_clock(house: AgentHouse) -> None:
    code = house.code(house.launched(), seconds=60)
    house.now += 60
    with pytest.raises(AgentRefused, match="has expired"):
        house.enrol(code)


def test_a_later_code_takes_the_place_of_the_one_before(house: AgentHouse) -> None:
    instance = house.launched()
    first, second = house.code(instance), house.code(instance)
    with pytest.raises(AgentRefused, match="is not valid"):
        house.enrol(first)
    house.enrol(second)


def test_every_bit_of_a_code_counts(house: AgentHouse) -> None:
    code = house.code(house.launched())
    for bit in range(0, 256, 5):
        secret = (int.from_bytes(code.secret, "big") ^ (1 << bit)).to_bytes(32, "big")
        with pytest.raises(AgentRefused, match="is not valid"):
            house.enrol(code._replace(secret=secret))
    house.enrol(code)


def test_a_code_is_of_one_instance_and_a_guess_does_not_tell_which_there_are(house: AgentHouse) -> None:
    code, other, stopped = house.code(house.launched()), house.launched(), house.launched()
    house.plane.client("ec2").stop_instances(InstanceIds=[stopped])
    answers = set()
    for instance, account in ((other, code.account), (stopped, code.account), ("i-0", code.account), ("", "")):
        with pytest.raises(AgentRefused) as caught:
            house.enrol(code._replace(instance=instance, account=account))
        answers.add(str(caught.value))
    assert len(answers) == 1
    assert code.instance not in answers.pop()


def test_an_instance_without_a_code_is_not_activated_by_nothing(house: AgentHouse) -> None:
    code = house.code(house.launched())
    bare = house.launched()
    with pytest.raises(AgentRefused):
        house.enrol(code._replace(instance=bare, secret=bytes(32)))
    for text in (
        f"locum1.{code.account}.{bare}..",
        f"locum1.{code.account}.{bare}",
        "",
        f"locum0.{str(code).partition('.')[2]}",
        str(code) + ".",
        str(code) + "AAAA",
    ):
        with pytest.raises(ConfigurationError, match="no activation code"):
            ActivationCode.parse(text)


def test_an_instance_that_ended_is_not_activated(house: AgentHouse) -> None:
    code = house.code(house.launched())
    house.plane.client("ec2").terminate_instances(InstanceIds=[code.instance])
    with pytest.raises(AgentRefused, match="is terminated"):
        house.enrol(code)
    with pytest.raises(Exception, match="is terminated"):
        house.code(code.instance)


def test_a_code_is_in_no_file_of_the_plane_and_in_no_record(house: AgentHouse) -> None:
    code = house.code(house.launched())
    house.enrol(code)
    records = [str(record) for record in house.plane.records()]
    house.close()
    try:
        forms = (code.secret, code.secret.hex().encode(), str(code).split(".")[3].encode())
        files = [file for file in (house.folder / "plane").rglob("*") if file.is_file()]
        assert files
        assert not [file for file in files if any(form in file.read_bytes() for form in forms)]
        assert not [record for record in records if str(code).split(".")[3] in record]
        assert repr(code) == f"ActivationCode({code.instance!r})"
    finally:
        house.plane.start()


def test_what_was_done_with_codes_is_in_the_event_history(house: AgentHouse) -> None:
    code = house.code(house.launched())
    house.enrol(code)
    used, made = house.plane.records(2)
    assert (made.operation, used.operation) == ("CreateActivation", "RegisterAgent")
    assert (used.event_type, used.source_ip, used.resources[0].name) == (
        "AwsServiceEvent",
        "127.0.0.1",
        code.instance,
    )
    attribute = {"AttributeKey": "EventName", "AttributeValue": "RegisterAgent"}
    (found,) = house.plane.client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    event = json.loads(found["CloudTrailEvent"])
    assert (event["eventSource"], event["userIdentity"]["type"]) == ("ec2.amazonaws.com", "AWSService")
    assert found["Resources"] == [{"ResourceType": "AWS::EC2::Instance", "ResourceName": code.instance}]


# -- what an agent sends --------------------------------------------------------------------------------------


def test_a_key_of_another_kind_or_one_that_it_does_not_have_is_not_certified(house: AgentHouse) -> None:
    code, key = house.code(house.launched()), agent_certificates.new_key()
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    mine = agent_certificates.request_for(key)
    der = bytearray(ssl.PEM_cert_to_DER_cert(mine.decode().replace("CERTIFICATE REQUEST", "CERTIFICATE")))
    der[-3] ^= 1  # of the signature
    forged = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST").encode()
    requests = [
        builder.sign(other, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        for other in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1()))
    ]
    for request in (*requests, forged, b"nonsense", b""):
        with pytest.raises(AgentRefused):
            house.run(house.nobody().activate, code, request)
    house.enrol(code, key)


def test_nothing_that_a_request_asks_for_is_in_the_certificate(house: AgentHouse) -> None:
    key, code = agent_certificates.new_key(), house.code(house.launched())
    other = house.launched()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, other)])
    builder = x509.CertificateSigningRequestBuilder(name)
    names = [x509.UniformResourceIdentifier(house.instance(other).arn), x509.DNSName(SERVER_NAME)]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    request = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    issued = house.run(house.nobody().activate, code, request)
    found = x509.load_pem_x509_certificate(issued.certificate.encode())
    alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(alternative) == [x509.UniformResourceIdentifier(house.instance(code.instance).arn)]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]  # type: ignore[attr-defined]


def test_a_body_without_end_or_without_sense_is_refused(house: AgentHouse) -> None:
    nobody = house.nobody()
    with pytest.raises(AgentRefused, match="octets"):
        house.run(nobody.ask, AGENT, "POST", ACTIVATION_PATH, {}, b"x" * (MAX_BODY + 1))
    for body in (b"{}", b"[]", b"\xff", b'{"code": 1, "request": 2}', b'{"code": "a", "request": "b", "more": 1}'):
        with pytest.raises(AgentRefused):
            house.run(nobody.ask, AGENT, "POST", ACTIVATION_PATH, {}, body)


def test_the_first_connection_goes_to_the_plane_of_the_code_or_nowhere(house: AgentHouse) -> None:
    code = house.code(house.launched())
    assert house.run(authority_of, house.address, code).encode() == house.authority.certificate
    with pytest.raises(ConfigurationError, match="is not the plane"):
        house.run(authority_of, house.address, code._replace(fingerprint=system_entropy(32)))
    assert house.agent(code.instance).code, "nothing was told"
