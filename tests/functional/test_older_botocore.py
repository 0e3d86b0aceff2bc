"""An older botocore, whose operations are at paths where those of the present one are no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh
from support.processes import finished
from support.tools import Worker, found, needs

PYTHON = "older-botocore/bin/python"
PROGRAM = Path(__file__).parent / "older_client_program.py"

pytestmark = needs(PYTHON)


Call = tuple[str, str, dict[str, Any]]
"""Service, operation and parameters."""


def told(worker: Worker, *calls: Call) -> list[Any]:
    """Answer and error of each of `calls`, made by the older client."""
    said = "".join(f"{json.dumps(call)}\n" for call in calls)
    done = finished([str(found(PYTHON)), str(PROGRAM)], said, env=worker.environment())
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_sesv2_of_an_older_botocore_is_decided_as_that_of_the_present_one(plane: RunningPlane) -> None:
    name, people = f"{fresh('older')}.example.com", fresh("people")
    identity, contacts = (f"arn:aws:ses:{REGION}:{ACCOUNT}:{kind}" for kind in ("identity/*", "contact-list/*"))
    worker = Worker(
        plane,
        allow(["ses:ListEmailIdentities", "ses:ListConfigurationSets"]),
        allow(["ses:CreateEmailIdentity", "ses:PutEmailIdentityDkimSigningAttributes"], identity),
        allow(["ses:CreateContactList", "ses:CreateContact", "ses:ListContacts"], contacts),
    )
    identities: Call = ("sesv2", "list_email_identities", {"PageSize": 100})  # GET /v2/email/identities
    sets: Call = ("sesv2", "list_configuration_sets", {"PageSize": 100})  # GET /v2/email/configuration-sets
    sign = {"EmailIdentity": name, "SigningAttributesOrigin": "AWS_SES"}
    signing: Call = ("sesv2", "put_email_identity_dkim_signing_attributes", sign)  # PUT /v1/email/identities/...
    listed = told(
        worker,
        ("sesv2", "create_email_identity", {"EmailIdentity": name}),
        ("sesv2", "create_contact_list", {"ContactListName": people}),
        ("sesv2", "create_contact", {"ContactListName": people, "EmailAddress": "x@example.com"}),
        ("sesv2", "list_contacts", {"ContactListName": people}),
        identities,
        sets,
        signing,
    )
    assert [error for _, error in listed[:-1]] == [None] * 6
    assert [one["EmailAddress"] for one in listed[3][0]["Contacts"]] == ["x@example.com"]
    assert name in [one["IdentityName"] for one in listed[4][0]["EmailIdentities"]]
    assert listed[-1][1][0] == "NotImplemented"  # of the backend, which was given it
    worker.assert_all_of_it_is_used()

    for action, call in (
        ("ses:ListEmailIdentities", identities),
        ("ses:PutEmailIdentityDkimSigningAttributes", signing),
    ):
        worker.may_no_longer(action)
        ((_, (code, message)),) = told(worker, call)
        worker.may_again()
        assert code == "AccessDeniedException"
        assert f"assumed-role/{worker.role}/session is not authorized to perform: {action} " in message
