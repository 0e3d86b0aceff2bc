"""The world of a lab: the account that it is built in, called through clients that somebody hands in.

All that a lab makes has a name that begins with `World.prefix`, so that it is found again whatever became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from locum.core.errors import LocumError
from locum.labs.documents import allow, document

PREFIX: Final = "lab-"
TAG: Final = "locum:lab"
"""The tag of what is made for a lab; its value is the lab's id."""

PROBE: Final = "probe"
"""The user that checks make calls as, for as long as they run."""

ADMINISTRATION_ROLE: Final = "OrganizationAccountAccessRole"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_DRY_RUN: Final = "DryRunOperation"
"""What EC2 answers to a DryRun that would have succeeded."""

_ENCODED: Final = "Encoded authorization failure message"


class Credentials(NamedTuple):
    """An access key, and the session token where it is a temporary one."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Credentials:
        """What IAM (`AccessKey`), STS (`Credentials`) or the metadata service answers."""
        token = answer.get("SessionToken", answer.get("Token", ""))
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], token)


class Inside(Protocol):
    """A way into instances: requests to the metadata service of one, as a program in it makes them."""

    def ask(self, instance: str, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and body of the answer. Raises OSError or LocumError where none comes."""


Clients = Callable[[str, str, Credentials | None], Any]
"""The botocore client of (service, Region, credentials); None: the learner's own credentials."""


class Broken(LocumError):
    """What is still wrong in a lab: the text is for the learner."""


class Call(NamedTuple):
    """A call that was made for the learner; `operation` is boto3's name."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str = ""


class World:
    """What build, check and solve of the lab `lab` work on. `notes` are kept with the progress.

    `keep` is called whenever a note was made.
    """

    def __init__(
        self,
        lab: str,
        clients: Clients,
        region: str,
        inside: Inside | None = None,
        notes: dict[str, str] | None = None,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        self.lab = lab
        self.region = region
        self.inside = inside
        self.notes = {} if notes is None else notes
        self.calls: list[Call] = []
        self._clients = clients
        self._keep = keep
        self._made: dict[tuple[Any, ...], Any] = {}
        self._account = ""

    @property
    def prefix(self) -> str:
        """What all names begin with."""
        return f"{PREFIX}{self.lab}-"

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of what is made."""
        return [{"Key": TAG, "Value": self.lab}]

    @property
    def account(self) -> str:
        """The learner's account."""
        if not self._account:
            self._account = str(self.do("sts", "get_caller_identity")["Account"])
        return self._account

    def name(self, suffix: str) -> str:
        """A name of this lab."""
        return self.prefix + suffix

    def bucket(self, suffix: str) -> str:
        """A name of this lab that no other account has: those of buckets are global."""
        return f"{self.prefix}{suffix}-{self.account}"

    def arn(self, kind: str, suffix: str, account: str = "") -> str:
        """The ARN of an IAM resource of this lab: arn("role", "app")."""
        return f"arn:aws:iam::{account or self.account}:{kind}/{self.name(suffix)}"

    def note(self, name: str, value: str) -> str:
        """Keep `value` for later calls; `value`."""
        self.notes[name] = value
        self._keep()
        return value

    def seen_by(self, who: Credentials) -> World:
        """The same world, in which `who` is the learner."""

        def clients(service: str, region: str, own: Credentials | None) -> Any:
            return self._clients(service, region, own or who)

        return World(self.lab, clients, self.region, self.inside, self.notes, self._keep)

    # -- calls -------------------------------------------------------------------------------------------

    def do(
        self, service: str, operation: str, who: Credentials | None = None, where: str = "", **parameters: Any
    ) -> dict[str, Any]:
        """The answer to a call, as the learner or as `who`, in the Region `where`. Raises botocore's errors."""
        if who is None:
            self.calls.append(Call(service, operation, parameters, where))
        client = self._client(service, where or self.region, who)
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
        return answer

    def _client(self, *key: Any) -> Any:
        if key not in self._made:
            self._made[key] = self._clients(*key)
        return self._made[key]

    def pages(self, service: str, operation: str, member: str, **parameters: Any) -> list[Any]:
        """All of `member` of the pages of an operation that lists."""
        client = self._client(service, self.region, None)
        found: list[Any] = []
        for page in client.get_paginator(operation).paginate(**parameters):
            found += page.get(member, ())
        return found

    def allowed(
        self, service: str, operation: str, who: Credentials | None, where: str = "", **parameters: Any
    ) -> bool:
        """Whether `who` may make a call: it is made."""
        try:
            self.do(service, operation, who, where, **parameters)
        except ClientError as error:
            told = error.response
            return told["Error"].get("Code") not in _DENIED and told["ResponseMetadata"]["HTTPStatusCode"] != 403
        return True

    def must(
        self, word: str, service: str, operation: str, who: Credentials | None, where: str = "", **parameters: Any
    ) -> dict[str, Any]:
        """The answer to a call that has to succeed. Raises Broken with `word`, and the error, where it does not."""
        try:
            return self.do(service, operation, who, where, **parameters)
        except ClientError as error:
            told = error.response["Error"]
            if told.get("Code") == _DRY_RUN:
                return {}
            text = str(told.get("Message", "")).partition(_ENCODED)[0].strip()
            raise Broken(f"{word}. {service} {operation} was answered {told.get('Code')}: {text}") from error

    def may(
        self, word: str, service: str, operation: str, who: Credentials | None, where: str = "", **parameters: Any
    ) -> None:
        """Raises Broken with `word` where a call is denied; what else becomes of it does not matter."""
        if not self.allowed(service, operation, who, where, **parameters):
            raise Broken(f"{word}. {service} {operation} is denied")

    def must_not(
        self, word: str, service: str, operation: str, who: Credentials | None, where: str = "", **parameters: Any
    ) -> None:
        """Raises Broken with `word` where a call is not denied."""
        if self.allowed(service, operation, who, where, **parameters):
            raise Broken(word)

    def could(self, source: str, action: str, resource: str = "*", policy: str = "", **context: str) -> bool:
        """Whether IAM's simulator allows an action to the user or role `source` (an ARN).

        `policy` is that of the resource; `context` are condition keys, with `__` for a colon.
        """
        more: dict[str, Any] = {"ResourcePolicy": policy} if policy else {}
        if context:
            more["ContextEntries"] = [
                {"ContextKeyName": key.replace("__", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in context.items()
            ]
        answer = self.do(
            "iam", "simulate_principal_policy",
            PolicySourceArn=source, ActionNames=[action], ResourceArns=[resource], **more,
        )  # fmt: skip
        return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")

    # -- who calls ---------------------------------------------------------------------------------------

    @contextmanager
    def user(self, name: str, who: Credentials | None = None) -> Iterator[Credentials]:
        """Credentials of the user `name`: an access key that is deleted afterwards. Raises Broken: it has two."""
        try:
            key = self.do("iam", "create_access_key", who, UserName=name)["AccessKey"]
        except ClientError as error:
            raise Broken(f"{name} has to be tried, and cannot be given a key for it: {error}") from error
        try:
            yield Credentials.of(key)
        finally:
            self.do("iam", "delete_access_key", who, UserName=name, AccessKeyId=key["AccessKeyId"])

    @contextmanager
    def probe(self) -> Iterator[Credentials]:
        """Credentials of a user who may assume any role that lets it, and who is gone afterwards."""
        own = {"UserName": self.name(PROBE)}
        with ExitStack() as made:
            self._aside("create_user", Tags=self.tags, **own)
            made.callback(self._aside, "delete_user", **own)
            self._aside("put_user_policy", PolicyName="probe", PolicyDocument=document(allow("sts:AssumeRole")), **own)
            made.callback(self._aside, "delete_user_policy", PolicyName="probe", **own)
            with self.user(own["UserName"]) as key:
                yield key

    def now(self) -> datetime:
        """The plane's time, whole seconds: that of a user who is gone again."""
        own = {"UserName": self.name("clock")}
        made: datetime = self._aside("create_user", Tags=self.tags, **own)["User"]["CreateDate"]
        self._aside("delete_user", **own)
        return made

    def _aside(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """A call of IAM that is not the learner's concern."""
        answer = self.do("iam", operation, **parameters)
        self.calls.pop()
        return answer

    def session(self, role: str, who: Credentials, word: str = "", **parameters: Any) -> Credentials:
        """Credentials of the role `role` (an ARN), which `who` assumes. Raises Broken where that is refused."""
        said = word or f"{role} cannot be assumed"
        answer = self.must(
            said, "sts", "assume_role", who, RoleArn=role, RoleSessionName=self.name("check"), **parameters
        )
        return Credentials.of(answer["Credentials"])

    @contextmanager
    def role(self, suffix: str) -> Iterator[Credentials]:
        """Credentials of a role of the lab that trusts its account."""
        with self.probe() as key:
            yield self.session(self.arn("role", suffix), key)

    @contextmanager
    def administrator(self, account: str) -> Iterator[Credentials]:
        """Credentials of an administrator of `account`, a member of the learner's organization."""
        with self.probe() as key:
            yield self.session(f"arn:aws:iam::{account}:role/{ADMINISTRATION_ROLE}", key)


def code_of(error: BotoCoreError | ClientError) -> str:
    """AWS's code of an error; of botocore's own the name of its kind."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else type(error).__name__
