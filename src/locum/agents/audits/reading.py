"""What an audit reads of other services: by calls with the permissions of who asks, decided and recorded as any.

A call that is refused is no end of the audit: what could not be read is told with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from locum.agents.audits.wearers import decoded
from locum.analysis.audit.evidence import Exposed
from locum.analysis.audit.secrets import look
from locum.analysis.escalation import Worn
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.core.resources import ResourceFacts

Make = Callable[[ServiceCall], Awaitable[dict[str, Any]]]

PAGES: Final = 1000
"""Pages of a list that are read at most."""

OBJECTS: Final = 10_000
"""Objects of a bucket that are read at most."""

_ABSENT: Final = frozenset({"ResourceNotFoundException", "NotImplemented"})


class Reading:
    """Reads what wears roles and what may have secrets, as `caller`, in one region."""

    def __init__(self, make: Make, caller: Caller, region: str) -> None:
        self.worn: list[Worn] = []
        self.exposed: list[Exposed] = []
        self.facts: dict[str, ResourceFacts] = {}
        self.unread: dict[str, str] = {}
        self._make = make
        self._caller = caller
        self._region = region

    async def everything(self) -> None:
        """Read all but objects."""
        for part in (self._functions, self._tasks, self._templates, self._parameters, self._projects, self._notebooks):
            await part()

    async def objects(self, bucket: str) -> None:
        """Read the objects of a bucket."""
        count = 0
        async for page in self._pages("s3", "ListObjectsV2", ("NextContinuationToken", "ContinuationToken"),
                                      Bucket=bucket):  # fmt: skip
            for entry in page.get("Contents") or ():
                count += 1
                if count > OBJECTS:
                    self.unread[f"s3:GetObject of {bucket}"] = f"it has more than {OBJECTS} objects"
                    return
                name = entry["Key"]
                found = await self._ask("s3", "GetObject", name, Bucket=bucket, Key=name)
                if found is not None:
                    await self._text(
                        f"arn:aws:s3:::{bucket}/{name}", "the object", await _content(found.get("Body", b""))
                    )

    async def _functions(self) -> None:
        async for page in self._pages("lambda", "ListFunctions", ("NextMarker", "Marker")):
            for one in page.get("Functions") or ():
                arn, name = one["FunctionArn"], one["FunctionName"]
                self.worn.append(Worn("lambda:function", arn, name, one.get("Role", "")))
                await self._text(arn, "the environment", _environment((one.get("Environment") or {}).get("Variables")))
                policy = await self._ask("lambda", "GetPolicy", name, FunctionName=name)
                if policy is not None and policy.get("Policy"):
                    self.facts[arn] = ResourceFacts(policy=policy["Policy"])

    async def _tasks(self) -> None:
        async for page in self._pages("ecs", "ListTaskDefinitions", ("nextToken", "nextToken")):
            for arn in page.get("taskDefinitionArns") or ():
                found = await self._ask("ecs", "DescribeTaskDefinition", arn, taskDefinition=arn)
                one = (found or {}).get("taskDefinition") or {}
                if one.get("taskRoleArn"):
                    self.worn.append(Worn("ecs:task-definition", arn, one.get("family", ""), one["taskRoleArn"]))
                for container in one.get("containerDefinitions") or ():
                    variables = {
                        row.get("name", ""): row.get("value", "") for row in container.get("environment") or ()
                    }
                    await self._text(arn, f"the environment of {container.get('name', '')}", _environment(variables))

    async def _templates(self) -> None:
        async for page in self._pages("ec2", "DescribeLaunchTemplates", ("NextToken", "NextToken")):
            for one in page.get("LaunchTemplates") or ():
                name = one["LaunchTemplateId"]
                found = await self._ask("ec2", "DescribeLaunchTemplateVersions", name, LaunchTemplateId=name)
                for version in (found or {}).get("LaunchTemplateVersions") or ():
                    data = (version.get("LaunchTemplateData") or {}).get("UserData")
                    arn = f"arn:aws:ec2:{self._region}:{self._caller.account}:launch-template/{name}"
                    if data:
                        await self._text(arn, f"the user data of version {version.get('VersionNumber')}", decoded(data))

    async def _parameters(self) -> None:
        """Each parameter, where it has the id of a key together with those beside it: the secret may be one of them."""
        values: dict[str, str] = {}
        async for page in self._pages("ssm", "DescribeParameters", ("NextToken", "NextToken")):
            for one in page.get("Parameters") or ():
                name = one["Name"]
                found = await self._ask("ssm", "GetParameter", name, Name=name, WithDecryption=True)
                values[name] = str(((found or {}).get("Parameter") or {}).get("Value", ""))
        for name, value in values.items():
            beside = [it for other, it in values.items() if other.rpartition("/")[0] == name.rpartition("/")[0]]
            content = "\n".join((value, *beside)) if "AKIA" in value else value
            path = name if name.startswith("/") else f"/{name}"
            arn = f"arn:aws:ssm:{self._region}:{self._caller.account}:parameter{path}"
            await self._text(arn, "the parameter", content.encode())

    async def _projects(self) -> None:
        async for page in self._pages("codebuild", "ListProjects", ("nextToken", "nextToken")):
            names = page.get("projects") or []
            found = await self._ask("codebuild", "BatchGetProjects", "", names=names) if names else None
            for one in (found or {}).get("projects") or ():
                arn = one.get("arn", "")
                self.worn.append(Worn("codebuild:project", arn, one["name"], one.get("serviceRole", "")))
                rows = (one.get("environment") or {}).get("environmentVariables") or ()
                variables = {row.get("name", ""): row.get("value", "") for row in rows}
                await self._text(arn, "the environment", _environment(variables))

    async def _notebooks(self) -> None:
        async for page in self._pages("sagemaker", "ListNotebookInstances", ("NextToken", "NextToken")):
            for one in page.get("NotebookInstances") or ():
                name = one["NotebookInstanceName"]
                found = await self._ask("sagemaker", "DescribeNotebookInstance", name, NotebookInstanceName=name)
                role, arn = (found or {}).get("RoleArn", ""), one.get("NotebookInstanceArn", "")
                self.worn.append(Worn("sagemaker:notebook-instance", arn, name, role))

    async def _pages(
        self, service: str, operation: str, tokens: tuple[str, str], **params: Any
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The pages of a list: `tokens` are the members of the answer and of the next input."""
        answered, asked = tokens
        token: Any = None
        for _ in range(PAGES):
            more = {asked: token} if token else {}
            page = await self._ask(service, operation, "", **params, **more)
            if page is None:
                return
            yield page
            before, token = token, page.get(answered)
            if not token or token == before:
                return
        self.unread[f"{service}:{operation}"] = f"it has more than {PAGES} pages"

    async def _ask(self, service: str, operation: str, of: str, **params: Any) -> dict[str, Any] | None:
        """The answer of a call; None where it was refused, which is told unless there is no such thing."""
        try:
            return await self._make(ServiceCall(self._caller, service, operation, params, self._region))
        except Fault as fault:
            if fault.code not in _ABSENT:
                self.unread[f"{service}:{operation}{f' of {of}' if of else ''}"] = f"{fault.code}: {fault.message}"
            return None

    async def _text(self, resource: str, where: str, content: bytes) -> None:
        """Look for access keys in `content`, beside the event loop. It is not kept."""
        found = await asyncio.to_thread(look, content)
        if not found.whole:
            self.unread[f"{where} of {resource}"] = "it is too large, also unpacked"
        if found.keys:
            self.exposed.append(Exposed(self._caller.account, resource, where, tuple(sorted(found.keys))))


def _environment(variables: Mapping[str, Any] | None) -> bytes:
    return "\n".join(f"{name}={value}" for name, value in (variables or {}).items()).encode()


async def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else bytes(body.read())
