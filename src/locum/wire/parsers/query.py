"""Parsing of the query protocol and of EC2's variant of it.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html

Names are resolved once per shape into tables, so that parsing takes time in proportion to the request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locum.core.http import HttpRequest
from locum.wire.parsers.form import Form, numbered, read_form
from locum.wire.parsers.malformed import Malformed
from locum.wire.parsers.names import Ec2Names, QueryNames, SqsNames
from locum.wire.parsers.scalars import text_reader

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

Reader = Callable[[Any], Any]
Parser = Callable[[HttpRequest, bytes], dict[str, Any]]


class _Compiler:
    """Compiles the readers of one operation's shapes. Structures are shared, as shapes may be recursive."""

    def __init__(self, names: QueryNames) -> None:
        self._names = names
        self._structures: dict[str, Reader] = {}

    def reader(self, name: str, shape: Shape) -> Reader:
        if shape.type_name == "structure":
            return self.structure(shape)
        if shape.type_name == "list":
            return self._list(name, shape)
        if shape.type_name == "map":
            return self._map(name, shape)
        return _scalar(name, text_reader(shape), self._names)

    def structure(self, shape: StructureShape) -> Reader:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        table: dict[str, tuple[str, Reader]] = {}

        def read(node: Form | str) -> dict[str, Any]:
            if type(node) is str:
                if node:
                    raise Malformed("Unexpected complex element termination")
                return {}
            found: dict[str, Any] = {}
            for key, child in node.items():  # type: ignore[union-attr] # mypy does not narrow by type()
                entry = table.get(key)
                if entry is not None:
                    found[entry[0]] = entry[1](child)
            return found

        self._structures[shape.name] = read
        for name, member in shape.members.items():
            table[self._names.member(name, member)] = (name, self.reader(name, member))
        return read

    def _list(self, name: str, shape: ListShape) -> Reader:
        element, item = self._names.element(shape), self.reader(name, shape.member)

        def read(node: Form | str) -> list[Any]:
            node = _below(node, element)
            return [item(child) for child in numbered(node)] if node else []

        return read

    def _map(self, name: str, shape: MapShape) -> Reader:
        prefix, key_name, value_name = self._names.entry(name, shape)
        key_of, value_of = self.reader(name, shape.key), self.reader(name, shape.value)

        def read(node: Form | str) -> dict[str, Any]:
            found = {}
            for entry in numbered(_below(node, prefix)):
                if type(entry) is not dict or key_name not in entry:
                    raise Malformed("Unexpected map entry termination")
                key = key_of(entry[key_name])
                if key in found:
                    raise Malformed(f"Duplicate map key: {key[:100]}")
                found[key] = value_of(entry.get(value_name, ""))
            return found

        return read


def _below(node: Form | str, step: str | None) -> Form:
    """The node that has the numbers; empty for an empty list or map."""
    if isinstance(node, dict) and step is not None:
        if len(node) > 1 or step not in node:
            raise Malformed("Unexpected list element termination")
        node = node[step]
    if isinstance(node, str):
        if node:
            raise Malformed("Unexpected list element termination")
        return {}
    return node


def _scalar(name: str, read_text: Callable[[str], Any], names: QueryNames) -> Reader:
    def read(node: Form | str) -> Any:
        if isinstance(node, str):
            try:
                return read_text(node)
            except Malformed as error:
                raise names.invalid(name, node, error) from None
        found = "list" if all(key.isdigit() for key in node) else "structure or map"
        raise Malformed(f"Start of {found} found where not expected.")

    return read


def compile_query(model: OperationModel) -> Parser:
    """Compile the parser of a query request; for SQS, which has left that protocol, with its former names."""
    if model.service_model.service_name != "sqs":
        return _compile(model, QueryNames())
    parse = _compile(model, SqsNames())
    addresses_queue = "QueueUrl" in model.input_shape.members

    def parse_sqs(request: HttpRequest, body: bytes) -> dict[str, Any]:
        # "make requests to the queue URL": without the parameter, the path names the queue.
        params = parse(request, body)
        if addresses_queue and request.raw_path.count("/") > 1:
            params.setdefault("QueueUrl", f"http://{request.headers.get('host', 'localhost')}{request.raw_path}")
        return params

    return parse_sqs


def compile_ec2(model: OperationModel) -> Parser:
    """Compile the parser of a request to EC2."""
    return _compile(model, Ec2Names())


def _compile(model: OperationModel, names: QueryNames) -> Parser:
    read = _nothing if model.input_shape is None else _Compiler(names).structure(model.input_shape)
    without_parameters = f"Action={model.name}&Version={model.service_model.api_version}".encode()

    def parse(request: HttpRequest, body: bytes) -> dict[str, Any]:
        if body == without_parameters and not request.query_string:  # which names nothing to be taken apart
            return {}
        params: dict[str, Any] = read(read_form(request, body))
        return params

    return parse


def _nothing(_form: Form | str) -> dict[str, Any]:
    return {}
