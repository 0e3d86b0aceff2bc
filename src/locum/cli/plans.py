"""The output of `locum plan`: the answer of `agents.plans` as text."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from locum.core.errors import ConfigurationError

Answer = dict[str, Any]

_WORDS: Final = {"denied": "denied", "depends": "depends on its name"}


def is_terraform(text: str) -> bool:
    """Whether `text` is a plan of Terraform as JSON, and no template."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and "format_version" in found and "resource_changes" in found


def essential(text: str) -> str:
    """What of a plan of Terraform tells what is done: the changes, the data sources, and the Region.

    Raises ConfigurationError where it is none.
    """
    try:
        return json.dumps(_essential(json.loads(text)), separators=(",", ":"))
    except (AttributeError, TypeError) as error:
        raise ConfigurationError("this is no plan as `terraform show -json` prints it") from error


def _essential(plan: Answer) -> Answer:
    kept = {name: plan[name] for name in ("format_version", "resource_changes")}
    configuration = (plan.get("configuration") or {}).get("provider_config") or {}
    state = ((plan.get("prior_state") or {}).get("values") or {}).get("root_module") or {}
    kept["configuration"] = {"provider_config": {name: configuration[name] for name in configuration if name == "aws"}}
    kept["prior_state"] = {"values": {"root_module": {"resources": list(_data_sources(state))}}}
    return kept


def _data_sources(module: Answer) -> Iterator[Answer]:
    yield from (it for it in module.get("resources", ()) if it.get("mode") == "data")
    for inner in module.get("child_modules", ()):
        yield from _data_sources(inner)


def lacks(found: Answer) -> bool:
    """Whether something is not allowed, or it cannot be known what is needed."""
    rows = (*found["findings"], *found["ofCaller"])
    return bool(found["refusal"] or found["unknown"]) or any(row["verdict"] != "allowed" for row in rows)


def about(found: Answer) -> Iterator[str]:
    """What lacks, by resource, then what is allowed, and what is not known."""
    if found["refusal"]:
        yield f"{found['principal']}: {found['refusal']}"
    yield from _lacking(found["findings"], found["principal"])
    yield from _lacking(found["ofCaller"], found["caller"])
    yield from _allowed((*found["findings"], *found["ofCaller"]))
    yield from _notes(found)
    if found["capabilities"]:
        yield f"capabilities: {', '.join(found['capabilities'])}"
    yield _summary(found)


def about_policy(found: Answer, documents: int) -> Iterator[str]:
    """What is to be known of the policy that is printed."""
    if documents > 1:
        yield f"{documents} policies, to be attached together"
    elsewhere = [row for row in found["findings"] if row["verdict"] != "allowed" and not row["needed"]]
    if elsewhere:
        yield "cannot be had by any identity policy:"
        yield from (f"  {_row(row)}" for row in elsewhere)
    yield from _notes(found)


def _lacking(rows: Iterable[Answer], principal: str) -> Iterator[str]:
    by_resource: defaultdict[tuple[str, str], list[Answer]] = defaultdict(list)
    for row in rows:
        if row["verdict"] != "allowed":
            by_resource[row["logical"], row["kind"]].append(row)
    if by_resource:
        yield f"{principal} lacks:"
    for (logical, kind), lacking in by_resource.items():
        yield f"  {logical} ({kind})"
        for phases, row in _merged(lacking):
            yield f"    {phases}: {_row(row)}"


def _row(row: Answer) -> str:
    return f"{row['action']} on {row['resource']}: {_WORDS[row['verdict']]}, {row['reason']}"


def _allowed(rows: Iterable[Answer]) -> Iterator[str]:
    by_resource: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["verdict"] == "allowed":
            by_resource[f"{row['logical']} ({row['kind']})"].add(row["action"])
    if by_resource:
        yield "allowed:"
    for resource, actions in by_resource.items():
        yield f"  {resource}: {', '.join(sorted(actions))}"


def _notes(found: Answer) -> Iterator[str]:
    """The notes, each with what it is about."""
    about: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for note in found["notes"]:
        about[note["note"]][f"{note['logical']} ({note['kind']})"].append(note["phase"])
    if about:
        yield "to be known:"
    for note, resources in about.items():
        yield f"  {note}: {'; '.join(f'{name}, {_words(phases)}' for name, phases in resources.items())}"


def _words(phases: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(phases))


def _merged(rows: Iterable[Answer]) -> Iterator[tuple[str, Answer]]:
    """The rows, those that differ in their phase alone as one."""
    phases: defaultdict[tuple[str, str, str], list[Answer]] = defaultdict(list)
    for row in rows:
        phases[row["action"], row["resource"], row["verdict"]].append(row)
    for same in phases.values():
        yield ", ".join(dict.fromkeys(row["phase"] for row in same)), same[0]


def _summary(found: Answer) -> str:
    rows = (*found["findings"], *found["ofCaller"])
    counted = {(row["logical"], row["action"], row["resource"]): row["verdict"] for row in rows}
    verdicts = list(counted.values())
    unknown = f", of {len(found['unknown'])} types nothing is known" if found["unknown"] else ""
    depends = verdicts.count("depends")
    return (
        f"{len(verdicts)} permissions: {verdicts.count('allowed')} allowed, {verdicts.count('denied')} denied, "
        f"{depends} that depend on a name{unknown}"
    )
