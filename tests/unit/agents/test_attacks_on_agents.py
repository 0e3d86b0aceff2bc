"""Certificates of agents: one is one instance, until that ends; and what is tried against it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from threading import Thread

import pytest

from locum.compute.agent_plane import Address, AgentPlane, AgentRefused
from locum.compute.handover import PlaneAway
from locum.core.activation import AGENT, AUTHORITY_PATH, GATEWAY, METADATA, METADATA_6, RENEWAL_PATH
from locum.core.clock import system_clock
from locum.http import agent_certificates, authority
from locum.http.authority import private_pem
from support.agent_door import TTL, AgentHouse, Joined, house
from support.processes import SECONDS

__all__ = ["house"]


def is_refused(joined: Joined, *, because: str = ".") -> bool:
    """Whether the agent is refused whatever it asks for."""
    for protocol, method, path in (
        (METADATA, "PUT", "/latest/api/token"),
        (METADATA_6, "PUT", "/latest/api/token"),
        (GATEWAY, "GET", "/_locum/health"),
        (AGENT, "POST", RENEWAL_PATH),
    ):
        with pytest.raises(AgentRefused, match=because):
            joined.ask(method, path, TTL, protocol)
    return True


# -- who has no certificate, or another one -------------------------------------------------------------------


def test_without_a_certificate_there_is_nothing_but_the_authoritys_own(house: AgentHouse) -> None:
    nobody = house.nobody()
    for protocol in (METADATA, METADATA_6, GATEWAY):
        for method, path in (("PUT", "/latest/api/token"), ("GET", AUTHORITY_PATH), ("POST", "/"), ("GET", "/a")):
            with pytest.raises(AgentRefused, match="without the certificate of an agent"):
                house.run(nobody.ask, protocol, method, path, TTL)
    with pytest.raises(AgentRefused, match="without the certificate of an agent"):
        house.run(nobody.renew)
    with pytest.raises(AgentRefused, match="something else"):
        house.run(nobody.ask, AGENT, "GET", "/latest/meta-data/")
    answer = house.run(nobody.ask, AGENT, "GET", AUTHORITY_PATH)
    assert answer.body == house.authority.certificate
    assert b"PRIVATE" not in answer.body


def test_a_protocol_that_is_none_of_an_agents_is_refused(house: AgentHouse) -> None:
    joined = house.joined(house.launched())
    for protocol in ("http/1.1", "h2", "locum-imds/2"):
        with pytest.raises(AgentRefused, match="a protocol that is none"):
            joined.ask("GET", "/latest/meta-data/", protocol=protocol)


def test_a_certificate_of_another_installation_is_refused(house: AgentHouse) -> None:
    """Also where it says just what one of this installation says."""
    key, instance = agent_certificates.new_key(), house.launched()
    house.enrol(house.code(instance), key)
    serial, arn = house.agent(instance).certificate, house.instance(instance).arn
    other = authority.new_authority(system_clock())
    public = agent_certificates.requested_key(agent_certificates.request_for(key))
    certificate = agent_certificates.issue(other, public, arn, serial, system_clock()).decode()
    with pytest.raises(PlaneAway, match="closed connection"):
        house.run(house.shows(private_pem(key), certificate).ask, METADATA, "PUT", "/latest/api/token", TTL)


def test_a_certificate_that_has_ended_is_refused_by_tls(house: AgentHouse) -> None:
    key, instance = agent_certificates.new_key(), house.launched()
    house.enrol(house.code(instance), key)
    serial = house.agent(instance).certificate
    fresh = house.issued(house.instance(instance).arn, key, serial)
    assert Joined(house, instance, private_pem(key), fresh).metadata("instance-id").status == 200
    before = system_clock() - agent_certificates.LIFETIME - 1
    ended = house.issued(house.instance(instance).arn, key, serial, before)
    with pytest.raises(PlaneAway, match="closed connection"):
        house.run(house.shows(private_pem(key), ended).ask, METADATA, "PUT", "/latest/api/token", TTL)


def test_a_connection_does_not_outlive_its_certificate(house: AgentHouse) -> None:
    joined = house.joined(house.launched())
    assert joined.metadata("instance-id").status == 200
    house.now += agent_certificates.LIFETIME + 1
    assert is_refused(joined, because="has ended")


def test_the_planes_own_certificate_makes_nobody_an_agent(house: AgentHouse) -> None:
    data = house.folder / "plane"
    key, certificate = (data / "tls-agents-key.pem").read_bytes(), (data / "tls-agents.pem").read_text()
    with pytest.raises(PlaneAway, match="closed connection"):
        house.run(house.shows(key, certificate).ask, METADATA, "PUT", "/latest/api/token", TTL)


def test_a_certificate_that_the_plane_did_not_note_is_refused(house: AgentHouse) -> None:
    """As one that a copy of the authority's key signed, or one of a state that was taken back."""
    key, instance = agent_certificates.new_key(), house.launched()
    house.joined(instance)
    signed = house.issued(house.instance(instance).arn, key, "abc")
    assert is_refused(Joined(house, instance, private_pem(key), signed), because="was replaced by another")


def test_a_certificate_of_no_instance_is_refused(house: AgentHouse) -> None:
    arn, key = house.instance(house.launched()).arn, agent_certificates.new_key()
    wrong = (
        arn.replace("us-east-1", "eu-west-1"),
        arn.replace("000000000000", "111122223333"),
        arn + "0",
        arn.replace(":ec2:", ":iam:"),
        arn.replace("instance/", ""),
        "arn:aws:iam::000000000000:root",
    )
    for number, name in enumerate(wrong):
        signed = house.issued(name, key, f"{number + 1:x}")
        assert is_refused(Joined(house, f"i-{number}", private_pem(key), signed))


def test_another_machine_with_an_agents_certificate_is_not_the_plane(house: AgentHouse) -> None:
    joined = house.joined(house.launched())
    file = house.folder / "agent.pem"
    file.write_bytes(joined.key + joined.certificate.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        Thread(target=_greet_one, args=(server, context), daemon=True).start()
        imposter = AgentPlane(Address(*server.getsockname()), house.authority.certificate.decode(), file)
        with pytest.raises(PlaneAway, match="certificate verify failed"):
            imposter.ask(METADATA, "PUT", "/latest/api/token", TTL)


def test_an_address_where_no_plane_listens_for_agents_is_said_in_words(house: AgentHouse) -> None:
    joined = house.joined(house.launched())
    file = house.folder / "agent.pem"
    file.write_bytes(joined.key + joined.certificate.encode())
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        plain = AgentPlane(Address(*server.getsockname()), house.authority.certificate.decode(), file)
        Thread(target=_answer_plainly, args=(server,), daemon=True).start()
        with pytest.raises(PlaneAway, match="speaks no TLS: `locum up --agents` says the address"):
            plain.ask(METADATA, "PUT", "/latest/api/token", TTL)
    with pytest.raises(PlaneAway, match="nothing listens there: `locum up --agents` says the address"):
        plain.ask(METADATA, "PUT", "/latest/api/token", TTL)


def _answer_plainly(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(1 << 12)


def _greet_one(server: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    with connection:
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            return


# -- one instance's certificate, for another ------------------------------------------------------------------


def test_a_certificate_of_one_instance_is_of_no_use_for_another(house: AgentHouse) -> None:
    one, two = house.joined(house.launched()), house.joined(house.launched())
    for headers in (
        {"x-aws-ec2-instance-id": two.instance},
        {"x-locum-instance": two.instance},
        {"host": two.instance},
        {"forwarded": f"for={two.instance}"},
    ):
        named = {**headers, "x-aws-ec2-metadata-token": one.token()}
        for path in ("/latest/meta-data/instance-id", f"/latest/meta-data/instance-id?instance={two.instance}"):
            assert one.ask("GET", path, named).body.decode() == one.instance
    assert one.metadata("instance-id", two.token()).status == 401
    assert two.metadata("instance-id", one.token()).status == 401


def test_credentials_through_an_agent_are_those_of_its_instance(house: AgentHouse) -> None:
    wearing = house.joined(house.launched(IamInstanceProfile={"Name": house.plane.profile("app")}))
    bare = house.joined(house.launched())
    assert wearing.metadata("iam/security-credentials/").body == b"app"
    assert json.loads(wearing.metadata("iam/security-credentials/app").body)["Code"] == "Success"
    assert bare.metadata("iam/security-credentials/app").status == 404


def test_a_call_through_an_agent_is_not_told_to_be_over_tls(house: AgentHouse) -> None:
    joined = house.joined(house.launched())
    assert joined.health().status == 200
    request = house.plane.request("sts", "get_caller_identity")
    headers = dict(request.headers)
    answer = house.run(joined.plane.ask, GATEWAY, "POST", "/", headers, request.body)
    assert answer.status == 200
    assert not house.plane.records(1)[0].secure


def test_the_hop_limit_goes_to_the_agent_with_a_token_alone(house: AgentHouse) -> None:
    joined = house.joined(house.launched(MetadataOptions={"HttpPutResponseHopLimit": 3}))
    token = joined.ask("PUT", "/latest/api/token", TTL)
    assert dict(token.headers)["x-locum-hop-limit"] == "3"
    assert "x-locum-hop-limit" not in dict(joined.metadata("instance-id").headers)


def test_requests_of_agents_at_once_are_each_of_its_own_instance(house: AgentHouse) -> None:
    agents = [house.joined(house.launched()) for _ in range(4)]
    tokens = [agent.token() for agent in agents]

    def asked(number: int) -> str:
        headers = {"x-aws-ec2-metadata-token": tokens[number % 4]}
        answer = agents[number % 4].plane.ask(METADATA, "GET", "/latest/meta-data/instance-id", headers)
        return answer.body.decode()

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(asked, number) for number in range(40)))

    assert house.plane.run(all_at_once()) == [agents[number % 4].instance for number in range(40)]


# -- revocation -----------------------------------------------------------------------------------------------


def test_an_instance_that_does_not_run_has_no_agent_also_on_a_connection_that_was_there(house: AgentHouse) -> None:
    ec2 = house.plane.client("ec2")
    joined = house.joined(house.launched())
    assert joined.metadata("instance-id").status == 200
    assert joined.health().status == 200
    ec2.stop_instances(InstanceIds=[joined.instance])
    assert is_refused(joined, because="not running")
    ec2.start_instances(InstanceIds=[joined.instance])
    assert joined.metadata("instance-id").status == 200
    ec2.terminate_instances(InstanceIds=[joined.instance])
    assert is_refused(joined, because="not running")
    with pytest.raises(AgentRefused) as caught:
        joined.health()
    assert caught.value.final


def test_a_certificate_is_refused_from_the_first_use_of_its_renewal_on_and_that_is_said(
    house: AgentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    first = house.joined(house.launched())
    second = first.renewed()
    assert first.metadata("instance-id").status == 200, "the answer to the renewal may have been lost"
    third = first.renewed()
    assert is_refused(second), "a renewal takes the place of one that was not used"
    assert third.metadata("instance-id").status == 200
    copy = Joined(house, first.instance, first.key, first.certificate)
    with caplog.at_level(logging.WARNING, "locum.agents"):
        assert is_refused(copy, because="was replaced")
    assert f"a certificate of {first.instance} that was replaced is used" in caplog.text
    assert third.renewed().metadata("instance-id").status == 200


def test_a_connection_goes_on_when_its_certificate_is_renewed_and_is_closed_with_the_next_answer(
    house: AgentHouse,
) -> None:
    first = house.joined(house.launched())
    token = first.token()
    assert first.renewed().metadata("instance-id").status == 200
    answer = first.metadata("instance-id", token)
    assert (answer.status, dict(answer.headers)["connection"]) == (200, "close")
    with pytest.raises(AgentRefused, match="was replaced"):
        first.metadata("instance-id", token)


def test_a_new_activation_refuses_the_agent_before_also_on_a_connection_that_was_there(house: AgentHouse) -> None:
    first = house.joined(house.launched())
    token = first.token()
    code = house.code(first.instance)
    assert first.metadata("instance-id", token).status == 200, "a code that nobody used changes nothing"
    house.enrol(code)
    assert is_refused(first, because="was replaced")
