"""moto's models as octets, and back.

moto's models are plain Python, and nearly all of it can be pickled. What cannot, or must not be, is here: locks,
private keys, weak references, functions inside of functions, the octets of S3's objects, and references to the models
of a service, which are always to those that there are, never to a copy.

Only what this installation has sealed may be given to `unpickled`.
"""

from __future__ import annotations

import gc
import importlib
import io
import pickle
import threading
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.s3.models import FakeKey

from locum.backends.moto.bodies import Body
from locum.backends.moto.internals import part_of
from locum.backends.moto.models import dictionaries
from locum.backends.moto.workers import MotoFailed, contained
from locum.core.errors import Fault

PROTOCOL: Final = 5

_PRIVATE: Final = (
    rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey, dsa.DSAPrivateKey,
    x25519.X25519PrivateKey, x448.X448PrivateKey,
)  # fmt: skip
_PUBLIC: Final = (
    rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey, dsa.DSAPublicKey,
    x25519.X25519PublicKey, x448.X448PublicKey,
)  # fmt: skip
_LOCKS: Final = {type(threading.Lock()): "Lock", type(threading.RLock()): "RLock", threading.Condition: "Condition"}
_CONTAINERS: Final[tuple[Any, ...]] = (OrderedDict, defaultdict, dict, list, set)
_COMMON: Final = frozenset({"core", "utilities", "moto_api", "packages"})
_Reduced = tuple[Any, ...]


class CannotBeKept(Exception):
    """Something in the models of a service cannot be pickled; the text says what."""


class Pickled:
    """Models as octets. `bodies` are those of S3's objects that are not among them, by the names that stand for them.

    `copied` are the parts of moto whose objects are in it although it is not theirs, `kinds` the types of all objects
    that are not Python's simplest.
    """

    def __init__(self, value: Any, parts: frozenset[str], largest: int, name: Callable[[], str]) -> None:
        """Pickle `value`, which is that of `parts` of moto. Raises CannotBeKept.

        Octets of more than `largest` are left out, under a name of their own by `name`.
        """
        out = io.BytesIO()
        pickler = _Pickler(out, parts, largest, name)
        try:
            with _uncollected():
                contained(pickler.dump, value)  # moto's classes say themselves how they are pickled
        except (Fault, MotoFailed) as error:
            cause = error.__cause__ or error
            raise CannotBeKept(str(cause) or type(cause).__name__) from cause
        self.content = out.getbuffer()
        self.bodies: dict[str, Body] = pickler.bodies
        self.copied: set[str] = pickler.copied
        self.kinds = pickler.kinds


class _Pickler(pickle.Pickler):
    """Pickles what is in `_REDUCERS` otherwise. (`persistent_id` would be asked for every text and number, too.)"""

    def __init__(self, out: io.BytesIO, parts: frozenset[str], largest: int, name: Callable[[], str]) -> None:
        super().__init__(out, PROTOCOL)
        self.bodies: dict[str, Body] = {}
        self.copied: set[str] = set()
        self._parts = parts
        self._largest = largest
        self._name = name
        self._known: dict[type, Callable[[Any], Any] | None] = {Body: self._reduced_body}

    @property
    def kinds(self) -> frozenset[type]:
        return frozenset(self._known)

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        try:
            reduce = self._known[kind]
        except KeyError:
            reduce = self._known[kind] = next((made for kinds, made in _REDUCERS if issubclass(kind, kinds)), None)
            self._note(kind)
        return NotImplemented if reduce is None else reduce(obj)

    def _reduced_body(self, body: Body) -> _Reduced:
        """The octets of an object, or the name of those that are not in the pickle."""
        if body.size() <= self._largest:
            return Body.of, (body.octets(),)
        body.kept = body.kept or self._name()
        self.bodies[body.kept] = body
        return _body, (body.kept,)

    def _note(self, kind: type) -> None:
        """Note an object of another service."""
        path = kind.__module__.split(".")
        if path[0] == "moto" and path[1] not in self._parts | _COMMON and not issubclass(kind, BaseBackend):
            self.copied.add(path[1])


class Source(NamedTuple):
    """Where a pickle finds what is not in it: models by part, variable, account and region; octets by their name."""

    models: Callable[[str, str, str, str], Any]
    body: Callable[[str], Body]


_source: Final[ContextVar[Source]] = ContextVar("locum_pickle_source")


def unpickled(content: bytes | memoryview, source: Source) -> Any:
    """The value that was pickled. Raises whatever moto's code and a pickle that does not fit raise."""
    token = _source.set(source)
    try:
        with _uncollected():
            return pickle.loads(content)  # noqa: S301 - it was sealed by this installation
    finally:
        _source.reset(token)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Have no garbage collected: nothing but what stays is made, and the collector would look at it again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def proven(pickled: Pickled) -> None:
    """Raise CannotBeKept where the octets cannot be made models again."""
    try:
        contained(unpickled, pickled.content, Source(lambda *_: _Nobody(), lambda _: Body()))
    except MotoFailed as error:
        raise CannotBeKept(f"it could not be read again ({error.__cause__!r})") from error


class _Nobody:
    """What stands for models that are referred to."""


def _models(part: str, variable: str, account: str, region: str) -> Any:
    return _source.get().models(part, variable, account, region)


def _body(name: str) -> Body:
    return _source.get().body(name)


def _reduced_models(models: BaseBackend) -> Any:
    """The name of the models of a service in an account and region, or what they are where they are nobody else's."""
    kind: Any = type(models)
    part = part_of(kind)
    for variable, backends in dictionaries(part):
        for region, found in dict.items(dict.get(backends, models.account_id, {})):
            if found is models:
                return _models, (part, variable, models.account_id, region)
    return NotImplemented


# -- what is pickled otherwise ---------------------------------------------------------------------------


def _reduced_lock(lock: Any) -> _Reduced:
    return _new_lock, (_LOCKS[type(lock)],)


def _new_lock(kind: str) -> Any:
    return getattr(threading, kind)()


def _reduced_key(key: FakeKey) -> _Reduced:
    return _new_key, (), {**vars(key), "lock": None}, None, None, _set_key


def _new_key() -> FakeKey:
    return FakeKey.__new__(FakeKey)


def _set_key(key: FakeKey, state: dict[str, Any]) -> None:
    """Give an object of S3 its attributes. (moto's own way copies its octets.)"""
    vars(key).update(state, lock=threading.Lock())


def _reduced_event(event: threading.Event) -> _Reduced:
    return _event, (event.is_set(),)


def _event(happened: bool) -> threading.Event:
    event = threading.Event()
    if happened:
        event.set()
    return event


def _reduced_private_key(key: Any) -> _Reduced:
    plain = serialization.NoEncryption()
    octets = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)
    return _private_key, (octets,)


def _private_key(octets: bytes) -> Any:
    return serialization.load_der_private_key(octets, None)


def _reduced_public_key(key: Any) -> _Reduced:
    format_ = serialization.PublicFormat.SubjectPublicKeyInfo
    return _public_key, (key.public_bytes(serialization.Encoding.DER, format_),)


def _public_key(octets: bytes) -> Any:
    return serialization.load_der_public_key(octets)


def _reduced_certificate(certificate: x509.Certificate) -> _Reduced:
    return _certificate, (certificate.public_bytes(serialization.Encoding.DER),)


def _certificate(octets: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(octets)


def _reduced_request(request: x509.CertificateSigningRequest) -> _Reduced:
    return _request, (request.public_bytes(serialization.Encoding.DER),)


def _request(octets: bytes) -> x509.CertificateSigningRequest:
    return x509.load_der_x509_csr(octets)


def _reduced_reference(reference: weakref.ref[Any]) -> _Reduced:
    """A weak reference. What it is of is kept by somebody else, or gone with the next look."""
    found = reference()
    return (_gone, ()) if found is None else (weakref.ref, (found,))


def _gone() -> weakref.ref[Any]:
    return weakref.ref(type("Gone", (), {})())


def _reduced_weak_values(values: weakref.WeakValueDictionary[Any, Any]) -> _Reduced:
    return weakref.WeakValueDictionary, (), None, None, iter(list(values.items()))


def _reduced_container(container: Any) -> Any:
    """A container of a class of moto's: made without its parameters, and filled past its own methods, as it was."""
    kind = type(container)
    base = next(base for base in _CONTAINERS if issubclass(kind, base))
    if kind is base or not kind.__module__.startswith(("moto.", "locum.")):
        return NotImplemented
    content = list(base.items(container)) if issubclass(kind, dict) else list(base.__iter__(container))
    state = base, getattr(container, "default_factory", None), content, getattr(container, "__dict__", {})
    return _new_container, (kind,), state, None, None, _fill_container


def _new_container(kind: Any) -> Any:
    return kind.__new__(kind)


def _fill_container(container: Any, state: tuple[Any, Any, list[Any], dict[str, Any]]) -> None:
    base, default, content, attributes = state
    container.__dict__.update(attributes)
    if default is not None:
        container.default_factory = default
    if issubclass(base, dict):
        for key, value in content:
            base.__setitem__(container, key, value)
    elif base is list:
        list.extend(container, content)
    else:
        set.update(container, content)


def _reduced_module(module: ModuleType) -> _Reduced:
    return importlib.import_module, (module.__name__,)


def _reduced_backends(backends: BackendDict[Any]) -> _Reduced:
    part = part_of(backends.backend)
    name = next(name for name, found in dictionaries(part) if found is backends)
    return _backends, (part, name)


def _backends(part: str, name: str) -> Any:
    return getattr(importlib.import_module(f"moto.{part}.models"), name)


def _reduced_of_account(backends: AccountSpecificBackend[Any]) -> _Reduced:
    part = part_of(backends.backend)
    name = next(name for name, found in dictionaries(part) if dict.get(found, backends.account_id) is backends)
    return _of_account, (part, name, backends.account_id)


def _of_account(part: str, name: str, account: str) -> Any:
    return _backends(part, name)[account]


# -- functions inside of functions -----------------------------------------------------------------------


def _reduced_function(function: FunctionType) -> Any:
    """A function inside of another one (a default of a dictionary, say), by the place of its code in its module."""
    if "<" not in function.__qualname__:
        return NotImplemented
    places = _places(function)
    closure = tuple(_content(cell) for cell in function.__closure__ or ())
    return _function, (function.__module__, places, function.__qualname__, function.__defaults__, closure)


def _function(
    module: str, places: tuple[str, tuple[int, ...]], name: str, defaults: tuple[Any, ...] | None, closure: Any
) -> FunctionType:
    found = importlib.import_module(module)
    code = _code_at(found, *places)
    cells = tuple(CellType(*content) for content in closure)
    made = FunctionType(code, vars(found), name.rpartition(".")[2], defaults, cells)
    made.__qualname__ = name
    return made


def _content(cell: CellType) -> tuple[Any, ...]:
    """The content of a cell, as the parameters that make one: an empty one has none."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _places(function: FunctionType) -> tuple[str, tuple[int, ...]]:
    """The function of a module that has the code of `function` inside, and the way to it. Raises PicklingError."""
    module = importlib.import_module(function.__module__)
    outer = function.__qualname__.partition(".<locals>")[0].partition("<")[0].rstrip(".")
    way = _way(_outer_code(module, outer), function.__code__)
    if way is None:
        raise pickle.PicklingError(f"the function {function.__module__}.{function.__qualname__} is not found")
    return outer, way


def _code_at(module: ModuleType, outer: str, way: tuple[int, ...]) -> CodeType:
    code = _outer_code(module, outer)
    for number in way:
        code = [const for const in code.co_consts if isinstance(const, CodeType)][number]
    return code


def _outer_code(module: ModuleType, outer: str) -> CodeType:
    found: Any = module
    for name in filter(None, outer.split(".")):
        found = getattr(found, name)
    found = getattr(found, "__wrapped__", found)
    code = getattr(found, "__code__", None)
    if not isinstance(code, CodeType):
        raise pickle.PicklingError(f"there is no function {module.__name__}.{outer}")
    return code


def _way(code: CodeType, wanted: CodeType) -> tuple[int, ...] | None:
    """The numbers of the codes within one another that lead from one to another."""
    for number, inner in enumerate(const for const in code.co_consts if isinstance(const, CodeType)):
        if inner is wanted:
            return (number,)
        further = _way(inner, wanted)
        if further is not None:
            return (number, *further)
    return None


_REDUCERS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (tuple(_LOCKS), _reduced_lock),
    (FakeKey, _reduced_key),
    (FunctionType, _reduced_function),
    (BaseBackend, _reduced_models),
    (_PRIVATE, _reduced_private_key),
    (_PUBLIC, _reduced_public_key),
    (x509.Certificate, _reduced_certificate),
    (x509.CertificateSigningRequest, _reduced_request),
    (threading.Event, _reduced_event),
    (weakref.WeakValueDictionary, _reduced_weak_values),
    (weakref.ref, _reduced_reference),
    (_CONTAINERS, _reduced_container),
    (ModuleType, _reduced_module),
    (BackendDict, _reduced_backends),
    (AccountSpecificBackend, _reduced_of_account),
)
"""What is pickled otherwise than Python does: the first row that fits."""
