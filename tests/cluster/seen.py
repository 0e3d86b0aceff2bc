"""How long what one node acknowledged takes to be seen on every other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import NamedTuple

from cluster.calls import IAM, Answer
from cluster.load import Load, number_of


class Spread(NamedTuple):
    """Times in seconds: the median, the 99th percentile, and the longest."""

    median: float
    p99: float
    longest: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Spread:
        """That of some times."""
        cuts = quantiles(times, n=100, method="inclusive")
        return cls(cuts[49], cuts[98], max(times))

    def __str__(self) -> str:
        return " ".join(f"{name} {value * 1000:.1f} ms" for name, value in self._asdict().items())


def visible(load: Load, endpoints: Mapping[str, str], role: str, rounds: int) -> Spread:
    """From the answer to PutRolePolicy on one node to the end of the first call on each node that sees it."""
    times = []
    names = list(endpoints)
    with ThreadPoolExecutor(len(names)) as pool:
        for number in range(1, rounds + 1):
            put = load.put(endpoints[names[number % len(names)]], role, 2 * number)
            assert put.good, put
            seen = (_Seen(load, endpoint, role, 2 * number) for endpoint in endpoints.values())
            times += [found.end - put.end for found in pool.map(lambda one: one.wait(), seen)]
    return Spread.of(times)


class _Seen:
    """Waits for a version to be seen at an endpoint."""

    def __init__(self, load: Load, endpoint: str, role: str, number: int) -> None:
        self._load, self._endpoint, self._role, self._number = load, endpoint, role, number

    def wait(self) -> Answer:
        return first(self._ask, lambda answer: answer.good and number_of(answer) >= self._number)

    def _ask(self) -> Answer:
        return self._load.admin(self._endpoint, "GetRolePolicy", self._role, PolicyName="may")


def refused(load: Load, endpoints: Mapping[str, str], role: str, rounds: int) -> Spread:
    """From the answer to a policy that denies, on one node, to the first denial by each node."""
    times = []
    names = list(endpoints)
    _, key = load.session(endpoints[names[0]], role)
    assert key is not None

    def denied(endpoint: str) -> Answer:
        def ask() -> Answer:
            return load.call(endpoint, key, IAM, "GetRole", role, RoleName=role)

        return first(ask, lambda answer: answer.code == "AccessDenied")

    with ThreadPoolExecutor(len(names)) as pool:
        for number in range(rounds):
            assert load.put(endpoints[names[number % len(names)]], role, 2 * number).good
            put = load.put(endpoints[names[number % len(names)]], role, 2 * number + 1)
            assert put.good, put
            times += [answer.end - put.end for answer in pool.map(denied, endpoints.values())]
    return Spread.of(times)


def first(ask: Callable[[], Answer], fits: Callable[[Answer], bool]) -> Answer:
    """The first answer that fits."""
    while not fits(answer := ask()):
        pass
    return answer
