"""Redaction of parameters and answers for audit records.

CloudTrail's format
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
`requestParameters` and `responseElements`): members begin with a lower-case letter, blobs are omitted. Timestamps are
ISO 8601. The result can be encoded as JSON. What is not to be recorded is replaced, as CloudTrail does:

- whatever the model calls `sensitive`, with all within it, in every service;
- of data events, all but the identifiers (`wire.data_events`);
- of other calls of guarded services, all strings but those of listed members (`wire.recorded_members`), values that an
  enumeration does not have, and maps whose keys are the caller's choice;
- of Locum's own services, what is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from locum.wire.data_events import Paths, identifiers, is_data_event
from locum.wire.recorded_members import ATTRIBUTES, SECRET_ATTRIBUTES, UNGUARDED, Place
from locum.wire.serializers.text import iso8601, special_float

if TYPE_CHECKING:
    from botocore.model import MapShape, OperationModel, Shape, StructureShape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

Redactor = Callable[[Mapping[str, Any]], dict[str, Any]]
_Convert = Callable[[Any], Any]

_ATTRIBUTE: Final = ("AttributeName", "AttributeValue")
"""The members with which SNS sets one attribute: the value is recorded by the attribute."""

# Members that are secret in any shape of Locum's own services, whether the model marks them `sensitive` or not.
# Lower-case.
_SECRET_MEMBERS = frozenset(
    {
        "authenticationcode1",
        "authenticationcode2",
        "contextassertion",
        "newpassword",
        "oldpassword",
        "password",
        "plaintext",
        "privatekey",
        "samlassertion",
        "secretaccesskey",
        "secretbinary",
        "secretstring",
        "sessiontoken",
        "tokencode",
        "userdata",
        "webidentitytoken",
    }
)

_ARN = re.compile(r"arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[\w./:+=,@*-]+")

# Members for public material, in which users send a private key by mistake. Lower-case.
_PUBLIC_MATERIAL = frozenset({"certificatebody", "certificatechain", "sshpublickeybody"})
_PRIVATE_KEY = "PRIVATE KEY-----"

# Keys of maps with secret values in Locum's own services and in answers.
_SECRET_KEY = re.compile(r"password|passwd|secret|credential|private_?key|api_?key|token", re.IGNORECASE)

# CloudTrail's names of members where they differ from the model's:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
_RENAMED = {"s3": {"Bucket": "bucketName"}}


def compile_redactor(model: OperationModel) -> Redactor:
    """Compile the function that converts an operation's parameters to `requestParameters`.

    Members that the input shape does not have are omitted, as they might be secret.
    """
    service, shape = model.service_model.service_name, model.input_shape
    if shape is None:
        return _redactor({})
    if is_data_event(model):
        return _content(shape, identifiers(model), service, top=True)
    if service in UNGUARDED:
        return _Own().structure(shape, service)
    return _Guarded().structure(shape, Place(service), service)


def recorded_name(service: str, member: str) -> str:
    """CloudTrail's name of a member of an input shape of `service`; `service` is empty for every other structure."""
    return _RENAMED.get(service, {}).get(member, member[:1].lower() + member[1:])


def compile_answer_redactor(model: OperationModel) -> Redactor:
    """Compile the function that converts an answer of one of Locum's own services to `responseElements`."""
    return _Own().structure(model.output_shape) if model.output_shape is not None else _redactor({})


def sensitive_members(model: OperationModel) -> frozenset[str]:
    """The members of an operation's input shape that the model calls sensitive, or that have such members."""
    shape = model.input_shape
    return frozenset(name for name, member in shape.members.items() if _sensitive(member, ())) if shape else frozenset()


def _sensitive(shape: Shape, around: tuple[str, ...]) -> bool:
    if shape.metadata.get("sensitive"):
        return True
    if shape.name in around:
        return False
    inner: Iterable[Shape] = ()
    if shape.type_name == "structure":
        inner = shape.members.values()
    elif shape.type_name == "list":
        inner = (shape.member,)
    elif shape.type_name == "map":
        inner = (shape.key, shape.value)
    return any(_sensitive(each, (*around, shape.name)) for each in inner)


# Locum's own services


class _Own:
    """Compiles the shapes of one operation. A structure is registered before its members, as it may be recursive."""

    def __init__(self) -> None:
        self._structures: dict[str, Redactor] = {}

    def structure(self, shape: StructureShape, service: str = "") -> Redactor:
        known = self._structures.get(shape.name)
        if known is None:
            members: dict[str, tuple[str, _Convert | None]] = {}
            known = self._structures[shape.name] = _redactor(members)
            for name, member in _visible(shape):
                members[name] = (recorded_name(service, name), self._member(name, member))
        return known

    def _member(self, name: str, shape: Shape) -> _Convert | None:
        if _is_secret(name, shape):
            return _hide
        return _hide_private_key if name.lower() in _PUBLIC_MATERIAL else self._value(shape)

    def _value(self, shape: Shape) -> _Convert | None:
        """The conversion of values of a shape; None for identity."""
        kind = shape.type_name
        if shape.metadata.get("sensitive"):
            return _hide
        if kind == "structure":
            return None if shape.metadata.get("document") else self.structure(shape)
        if kind == "list":
            return _items(self._value(shape.member))
        if kind == "map":
            return _hide if shape.key.metadata.get("sensitive") else _entries(self._value(shape.value))
        return _SCALARS.get(kind)


# Guarded services


class _Guarded:
    """Compiles the shapes of one operation of a guarded service, each for the places where it is."""

    def __init__(self) -> None:
        self._structures: dict[tuple[str, Place], Redactor] = {}

    def structure(self, shape: StructureShape, place: Place, service: str = "") -> Redactor:
        known = self._structures.get((shape.name, place))
        if known is None:
            members: dict[str, tuple[str, _Convert | None]] = {}
            known = self._structures[shape.name, place] = _redactor(members)
            for name, member in _visible(shape):
                convert = self._value(member, place.within(name, shape.members))
                members[name] = (recorded_name(service, name), convert)
            if place.service == "sns" and set(_ATTRIBUTE) <= set(shape.members):
                return self._structures.setdefault((shape.name, place), _with_attribute(known))
        return known

    def _value(self, shape: Shape, place: Place) -> _Convert | None:
        kind = shape.type_name
        if shape.metadata.get("sensitive") or shape.metadata.get("document"):
            return _hide
        if kind == "string":
            convert = _string(shape, place.member, recorded=place.recorded)
            return _arn if convert is _hide and place.arns_recorded else convert
        if kind == "list":
            return _items_or_hidden(self._value(shape.member, place))
        if kind == "structure":
            return self.structure(shape, place)
        if kind == "map":
            return self._map(shape, place)
        return _hide if kind == "blob" else _SCALARS.get(kind)

    def _map(self, shape: MapShape, place: Place) -> _Convert:
        """A map: all of it where it is open, what has an enumerated key, the known attributes; else hidden."""
        if shape.key.metadata.get("sensitive") or place.closed:
            return _hide
        value = self._value(shape.value, place)
        known = frozenset(getattr(shape.key, "enum", ()))
        if place.open and place.member == "Attributes":
            return _attributes
        if place.open:
            return _known_entries(value, lambda _: True)
        return _known_entries(value, known.__contains__) if known and value is not _hide else _hide


def _attributes(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The known attributes among `entries`, those that are secret as hidden."""
    return {
        key: HIDDEN if key in SECRET_ATTRIBUTES else value
        for key, value in entries.items()
        if key in SECRET_ATTRIBUTES or ATTRIBUTES.fullmatch(key)
    }


def _with_attribute(redact: Redactor) -> Redactor:
    """`redact`, but with the value of the attribute that is named, where that is a known one."""
    name, value = _ATTRIBUTE

    def redact_with_attribute(values: Mapping[str, Any]) -> dict[str, Any]:
        record = redact(values)
        if ATTRIBUTES.fullmatch(values.get(name) or "") and value in values:
            record[recorded_name("", value)] = values[value]
        return record

    return redact_with_attribute


# Data events


def _content(shape: StructureShape, paths: Paths, service: str = "", *, top: bool = False) -> Redactor:
    """The redactor of a structure of a data event: of its members those in `paths`, and switches at the `top`."""
    members: dict[str, tuple[str, _Convert | None]] = {}
    for name, member in _visible(shape):
        inner = paths.get(name)
        if member.metadata.get("sensitive") or (inner is None and not top):
            convert: _Convert | None = _hide
        elif member.type_name == "string":
            convert = _string(member, name, recorded=inner is not None)
        else:
            convert = _switch(member) if inner is None else _identifier(member, inner)
        members[name] = (recorded_name(service, name), convert)
    return _redactor(members)


def _identifier(shape: Shape, paths: Paths) -> _Convert | None:
    """The converter for a value at the end of a path, or on its way: of maps, their keys are recorded."""
    kind = shape.type_name
    if kind == "structure":
        return _content(shape, paths)
    if kind == "list":
        return _items_or_hidden(_identifier(shape.member, paths))
    if kind == "map":
        return _known_entries(_identifier(shape.value, paths), lambda _: True)
    return None if kind == "string" else _hide


def _switch(shape: Shape) -> _Convert | None:
    return _hide if shape.type_name in ("structure", "list", "map", "blob") else _SCALARS.get(shape.type_name)


# Values


def _visible(shape: StructureShape) -> Iterable[tuple[str, Shape]]:
    """The members of a structure but for streams, and for bytes that are no secret."""
    for name, member in shape.members.items():
        if member.serialization.get("eventstream") or (member.type_name == "blob" and not _is_secret(name, member)):
            continue
        yield name, member


def _is_secret(name: str, shape: Shape) -> bool:
    return bool(shape.metadata.get("sensitive")) or name.lower() in _SECRET_MEMBERS


def _string(shape: Shape, name: str, *, recorded: bool) -> _Convert | None:
    """A string: of an enumeration what that has, for backends check it, not the parser; else as it is, or hidden."""
    known = frozenset(getattr(shape, "enum", ()))
    if known:
        return lambda value: value if value in known else HIDDEN
    if not recorded:
        return _hide
    return _plain_url if name.lower().endswith(("url", "uri")) else None


def _arn(value: str) -> str:
    return value if _ARN.fullmatch(value) else HIDDEN


def _plain_url(value: str) -> str:
    """A URL without user information and query, which may have a password and a signature."""
    scheme, separator, rest = value.partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def _hide(_value: Any) -> str:
    return HIDDEN


def _hide_private_key(value: Any) -> Any:
    return HIDDEN if isinstance(value, str) and _PRIVATE_KEY in value else value


def _leave_out(_value: Any) -> None:
    return None


def _number(value: float) -> float | str:
    return special_float(value) or value


_SCALARS: dict[str, _Convert] = {"timestamp": iso8601, "blob": _leave_out, "float": _number, "double": _number}


def _redactor(members: Mapping[str, tuple[str, _Convert | None]]) -> Redactor:
    def redact(values: Mapping[str, Any]) -> dict[str, Any]:
        record = {}
        for name, value in values.items():
            if value is not None and name in members:
                key, convert = members[name]
                record[key] = value if convert is None else convert(value)
        return record

    return redact


def _items(item: _Convert | None) -> _Convert:
    if item is None:
        return list
    if item is _leave_out:
        return lambda _values: []
    return lambda values: [item(value) for value in values]


def _items_or_hidden(item: _Convert | None) -> _Convert:
    """The conversion of a list; of one whose items are all hidden, one word for them all."""
    return _hide if item is _hide else _items(item)


def _entries(value: _Convert | None) -> _Convert:
    return lambda entries: {
        key: HIDDEN if _SECRET_KEY.search(key) else entry if value is None else value(entry)
        for key, entry in entries.items()
    }


def _known_entries(value: _Convert | None, known: Callable[[str], bool]) -> _Convert:
    """The conversion of a map that leaves out unknown keys, which may be data."""
    entries = _entries(value)
    return lambda values: entries({key: item for key, item in values.items() if known(key)})
