"""Metrics: numbers that are counted where something happens, and their text in the OpenMetrics format.

https://prometheus.io/docs/specs/om/open_metrics_spec/ (version 1.0). Counting costs an addition; everything else is
done when the text is asked for. Labels have values of which there are few and known ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of buckets for durations."""

Labels = Mapping[str, str]


class Histogram:
    """Counts of values by the first of `bounds` that is not below them; `total` is their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count `value`; a negative one, which a clock that was set back leads to, as 0."""
        if value > 0.0:
            self.counts[bisect_left(self.bounds, value)] += 1
            self.total += value
        else:
            self.counts[0] += 1

    def merge(self, other: Histogram) -> None:
        """Add what `other` counted, with the same bounds."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Sample(NamedTuple):
    """A line: what the family's name is followed by, the labels, the value."""

    suffix: str
    labels: Labels
    value: float


class Family(NamedTuple):
    """A metric with all its samples. `unit` is the end of its name, where it has one (`seconds`)."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    samples: Sequence[Sample]
    unit: str = ""


def counter(name: str, about: str, values: Iterable[tuple[Labels, float]]) -> Family:
    """What only grows for as long as the process runs."""
    return Family(name, "counter", about, [Sample("_total", labels, value) for labels, value in values])


def gauge(name: str, about: str, values: Iterable[tuple[Labels, float]], unit: str = "") -> Family:
    """What grows and shrinks."""
    return Family(name, "gauge", about, [Sample("", labels, value) for labels, value in values], unit)


def seconds(name: str, about: str, values: Iterable[tuple[Labels, Histogram]]) -> Family:
    """Histograms of durations; `name` ends with `_seconds`."""
    samples = [sample for labels, histogram in values for sample in _of_histogram(labels, histogram)]
    return Family(name, "histogram", about, samples, "seconds")


def text(families: Iterable[Family]) -> bytes:
    """The exposition of `families`."""
    lines = [line for family in families for line in _lines(family)]
    return "\n".join([*lines, "# EOF", ""]).encode()


def _of_histogram(labels: Labels, histogram: Histogram) -> Iterator[Sample]:
    below = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        yield Sample("_bucket", {**labels, "le": "+Inf" if bound == float("inf") else str(float(bound))}, below)
    yield Sample("_count", labels, below)
    yield Sample("_sum", labels, histogram.total)


def _lines(family: Family) -> Iterator[str]:
    yield f"# TYPE {family.name} {family.kind}"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}"
    yield f"# HELP {family.name} {_escaped(family.help)}"
    for suffix, labels, value in family.samples:
        pairs = ",".join(f'{name}="{_escaped(of)}"' for name, of in labels.items())
        yield f"{family.name}{suffix}{f'{{{pairs}}}' if pairs else ''} {value}"


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
