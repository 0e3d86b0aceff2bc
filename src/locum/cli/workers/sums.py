"""The metrics of several processes of a plane, added up: whichever of them a scrape reaches, it is told of all."""

from __future__ import annotations

from collections.abc import Iterable

from locum.core.metrics import Family, Sample

_Key = tuple[str, tuple[tuple[str, str], ...]]


def added(families: Iterable[Family]) -> list[Family]:
    """`families`, of which those with one name are one: with the sums of what is told under the same labels."""
    found: dict[str, tuple[Family, dict[_Key, Sample]]] = {}
    for family in families:
        _, samples = found.setdefault(family.name, (family, {}))
        for sample in family.samples:
            key = sample.suffix, tuple(sorted(sample.labels.items()))
            before = samples.get(key)
            samples[key] = sample._replace(value=_plain(sample.value + (0 if before is None else before.value)))
    return [family._replace(samples=list(samples.values())) for family, samples in found.values()]


def _plain(value: float) -> float:
    """A number without the fraction that it does not have: messages do not tell the one from the other."""
    return int(value) if float(value).is_integer() else value
