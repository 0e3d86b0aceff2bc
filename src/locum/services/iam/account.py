"""The account and its alias."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam.faults import already_exists, no_such_entity
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Account, put
from locum.state.indexes import ACCOUNT_ALIAS


def account_of(context: Context) -> Account:
    """The caller's account."""
    found = context.state.get(Account, context.account, context.account)
    return found or Account(account=context.account, created=int(context.now))


def create_account_alias(context: Context, params: Params) -> Outcome:
    """CreateAccountAlias: replaces the account's alias. An alias is unique among all accounts."""
    alias = params["AccountAlias"]
    if context.state.count(ACCOUNT_ALIAS, alias):
        raise already_exists(f"The account alias {alias} already exists.")
    return Outcome({}, (put(replace(account_of(context), alias=alias)),))


def delete_account_alias(context: Context, params: Params) -> Outcome:
    """DeleteAccountAlias."""
    account = account_of(context)
    if account.alias != params["AccountAlias"]:
        raise no_such_entity(f"The account alias {params['AccountAlias']} cannot be found.")
    return Outcome({}, (put(replace(account, alias="")),))


def list_account_aliases(context: Context, params: Params) -> Outcome:
    """ListAccountAliases: at most one."""
    alias = account_of(context).alias
    return page(params, [alias] if alias else [], str).outcome("AccountAliases", str)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateAccountAlias": writes(create_account_alias),
    "DeleteAccountAlias": writes(delete_account_alias),
    "ListAccountAliases": reads(list_account_aliases),
}
