"""Templates: where a call has its template from, and the template as a value.

CloudFormation API Reference, CreateStack: TemplateBody has "a minimum length of 1 byte and a maximum length of 51,200
bytes", TemplateURL "must point to a template (max size: 1 MB) that is located in an Amazon S3 bucket". The object is
read with the permissions of whoever calls CloudFormation (IAM User Guide, "Forward access sessions").
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from locum.core.actors import Actor, on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.cloudformation.libraries import template_decoder
from locum.services.verbs import Context, Params, Settings

CLOUDFORMATION: Final = "cloudformation.amazonaws.com"
LONGEST_BODY: Final = 51_200
LONGEST_OBJECT: Final = 1 << 20
"""Octets."""
DEEPEST: Final = 200
"""Nested sequences and mappings of a template. [U] CloudFormation's own limit is not published; the composers of YAML
recurse in C, and some tens of thousands overflow the stack of the process."""

_HOST: Final = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:[.-](?:dualstack\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]))?\.amazonaws\.com"
)
"""Amazon S3 User Guide, "Virtual hosting of buckets": virtual-hosted-style and path-style URLs."""

_HERE: Final = re.compile(
    r"127\.0\.0\.1|::1|(?:(?P<bucket>(?!s3\.)[a-z0-9.-]+?)\.)?(?:s3\.(?:[a-z0-9-]+\.)?)?localhost"
)

_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<constant>-?(?:NaN|Infinity))')
"""What Python reads in JSON that is none, and the texts in which it is no matter."""

_MORE: Final = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"


class S3Object(NamedTuple):
    """An object that a URL names; `region` is empty where the URL does not say it, `version` where it is the latest."""

    bucket: str
    key: str
    region: str
    version: str

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of s3:GetObject."""
        return {"Bucket": self.bucket, "Key": self.key} | ({"VersionId": self.version} if self.version else {})


def template_text(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], str]:
    """The text of the template that a call carries, or that its TemplateURL names. Raises Fault ValidationError."""
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    if (body is None) == (url is None):
        raise invalid("Either Template URL or Template Body must be specified.")
    if body is not None:
        if len(body.encode()) > (LONGEST_BODY if is_sent(ctx, params) else LONGEST_OBJECT):
            raise invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {LONGEST_BODY}"
            )
        return str(body)
    return (yield from template_at(ctx, str(url)))


def template_at(ctx: Context, url: str, actor: Actor | None = None) -> Generator[Ask, Mapping[str, Any], str]:
    """The text of the template that `url` names, read as `actor`, or else as the caller. Raises Fault."""
    too_long = f"Template may not exceed {LONGEST_OBJECT} bytes in size."
    return (yield from object_text(ctx, url, LONGEST_OBJECT, too_long, actor))


def is_sent(ctx: Context, params: Params) -> bool:
    """Whether a client sent the call: a stack set has the template of its stacks, whatever its length."""
    return bool(ctx.call_of("cloudformation", "CreateStack", params).source_ip)


def object_text(
    ctx: Context, url: str, longest: int, too_long: str, actor: Actor | None = None
) -> Generator[Ask, Mapping[str, Any], str]:
    """The text of the object that `url` names, read as `actor`, or else as the caller.

    Raises Fault, `too_long` for more octets.
    """
    named = s3_object(url, ctx.settings)
    caller = actor or on_behalf_of(ctx.caller, CLOUDFORMATION)
    try:
        answer = yield Ask(ServiceCall(caller, "s3", "GetObject", named.params, named.region or ctx.region))
    except Fault as fault:
        raise invalid(f"S3 error: {fault.message}\n{_MORE}") from fault
    content: bytes = answer["Body"]
    if len(content) > longest:
        raise invalid(too_long)
    return content.decode("utf-8", "replace")


def s3_object(url: str, settings: Settings) -> S3Object:
    """The object that `url` names, at S3 or at the plane's own addresses. Raises Fault ValidationError on any other.

    These are path-style and virtual-hosted-style URLs, too: `BUCKET.s3.localhost`, `BUCKET.localhost`.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise invalid("TemplateURL must be a supported URL.") from error
    if parts.scheme == "s3":
        raise invalid(f"S3 error: Domain name specified in {parts.hostname} is not a valid S3 domain")
    path = unquote(parts.path.removeprefix("/"))
    version = parse_qs(parts.query).get("versionId", [""])[0]
    at_s3 = _HOST.fullmatch(parts.hostname or "") if parts.scheme == "https" else None
    if at_s3 is not None:
        bucket, region = at_s3["bucket"], at_s3["region"] or ""
    elif (here := _HERE.fullmatch(parts.hostname or "")) and _port_of(parts) in settings.ports(parts.scheme):
        bucket, region = here["bucket"], ""
    else:
        raise invalid("TemplateURL must be a supported URL.")
    if bucket is None:
        bucket, _, path = path.partition("/")
    if not bucket or not path:
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.")
    return S3Object(bucket, path, region, version)


def _port_of(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def decoded(text: str) -> dict[str, Any]:
    """The template of `text`, JSON or YAML, with the short forms of intrinsic functions written out.

    Raises Fault ValidationError where it is neither.
    """
    decode = template_decoder()
    _check_structure(text)
    _check_numbers(text)
    template, problems = decode(text)
    if template is None or problems:
        raise invalid(f"Template format error: {_malformed(text, problems)}")
    if not isinstance(template, dict):
        raise invalid("Template format error: unsupported structure.")
    return template


def _malformed(text: str, problems: Sequence[Any]) -> str:
    """What is wrong with a template that is neither JSON nor YAML. What begins as JSON is meant to be that."""
    if text.lstrip().startswith("{"):
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            return f"JSON not well-formed. (line {error.lineno}, column {error.colno + 1})"
        except ValueError:  # a number of more digits than Python reads
            return "JSON not well-formed."
    if not problems:
        return "YAML not well-formed."
    return f"YAML not well-formed. (line {problems[0].linenumber}, column {problems[0].columnnumber})"


def _check_numbers(text: str) -> None:
    """Check that `text`, if it is JSON, has no NaN or Infinity: YAML takes them for texts. Raises Fault."""
    if not text.lstrip().startswith("{") or ("NaN" not in text and "Infinity" not in text):
        return
    constants: list[str] = []
    try:
        json.loads(text, parse_constant=constants.append)
    except ValueError:  # it is none
        return
    if constants:
        before = next(text[: it.start()] for it in _CONSTANT.finditer(text) if it["constant"])
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise invalid(f"Template format error: JSON not well-formed. (line {line}, column {column + 1})")


def _check_structure(text: str) -> None:
    """Check that `text` is not nested too deeply, and has no aliases, by which little text is much.

    Text that is no YAML is for the decoder. Raises Fault ValidationError.
    """
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - loaded with cfn-lint

    depth = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    raise invalid("Template format error: nested too deeply.")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.AliasEvent):
                raise invalid("Template format error: YAML aliases are not allowed in CloudFormation templates")
    except (yaml.YAMLError, ValueError):
        return


def invalid(message: str) -> Fault:
    """CloudFormation's ValidationError."""
    return Fault("ValidationError", message, 400)
