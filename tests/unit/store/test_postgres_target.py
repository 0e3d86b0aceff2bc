"""What a database may be named by, and what of it is told."""

from __future__ import annotations

import traceback

import pytest
from psycopg.conninfo import conninfo_to_dict

from locum.core.errors import ConfigurationError, PassingStorageError, StorageError
from locum.store.postgres import PostgresJournal, check_conninfo
from locum.store.postgres.target import target

SECRET = "geheim"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSSLMODE", "PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://locum:{SECRET}@db/locum",
        f"postgres://locum:{SECRET}@db1,db2:5433/locum?sslmode=verify-full",
        f"postgresql://locum@db/locum?password={SECRET}",
        f"postgresql://locum@db/locum?sslpassword={SECRET}",
        f"postgresql://db/locum?user=locum&%70assword={SECRET}",
    ],
)
def test_attack_a_secret_on_the_command_line_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PGPASSFILE") as refused:
        check_conninfo(url)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://locum:{SECRET}/x@db:5432/locum",
        f"postgresql://locum:12/{SECRET}@db:5432/locum",
        f"postgresql://locum:{SECRET}@[::1/locum",
        f"postgresql://db/locum?{SECRET}=1",
        f"postgresql://db/locum?x=%{SECRET}",
        f"host=db password={SECRET}",
        f"mysql://locum:{SECRET}@db/locum",
    ],
)
def test_attack_what_cannot_be_read_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_conninfo(url)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_what_is_wrong_with_a_url_is_told() -> None:
    for url, said in (
        ("postgesql://db/locum", "postgresql://host/database, which does not begin with postgesql://$"),
        ("postgresql://db/locum?sslmod=require", "is sslmode meant?$"),
        ("postgresql://db/locum?pasword=" + SECRET, "is password meant?$"),
    ):
        with pytest.raises(ConfigurationError, match=said.replace("?", "[?]")) as refused:
            check_conninfo(url)
        assert SECRET not in str(refused.value)


def test_the_password_is_in_no_error() -> None:
    with pytest.raises(PassingStorageError, match=r"127\.0\.0\.1:1 cannot be used at the moment") as refused:
        PostgresJournal.open(f"postgresql://locum:{SECRET}@127.0.0.1:1/locum")
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    with pytest.raises(StorageError) as unread:
        PostgresJournal.open(f"host=db password='{SECRET}")
    assert SECRET not in "".join(traceback.format_exception(unread.value))


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql:///locum", None),
        ("postgresql://localhost/locum", None),
        ("postgresql://127.0.0.9,[::1]/locum", None),
        ("postgresql:///locum?host=/run/postgresql", None),
        ("postgresql://db/locum", "verify-full"),
        ("postgresql://localhost,db/locum", "verify-full"),
        ("postgresql://localhost/locum?hostaddr=192.0.2.1", "verify-full"),
        ("postgresql://localhost.example/locum", "verify-full"),
        ("postgresql:///locum?service=production", "verify-full"),
        ("postgresql://db/locum?sslmode=require", "require"),
    ],
)
def test_a_server_elsewhere_has_to_prove_itself(url: str, mode: str | None) -> None:
    assert conninfo_to_dict(target(check_conninfo(url)).conninfo).get("sslmode") == mode


def test_a_server_elsewhere_has_to_prove_itself_wherever_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db")
    assert conninfo_to_dict(target("postgresql:///locum").conninfo)["sslmode"] == "verify-full"
    monkeypatch.setenv("PGSSLMODE", "verify-ca")
    assert "sslmode" not in conninfo_to_dict(target("postgresql:///locum").conninfo)


@pytest.mark.parametrize("wanted", ["any", "standby", "prefer-standby", "read-only"])
def test_attack_a_standby_is_not_asked_for(wanted: str) -> None:
    with pytest.raises(ConfigurationError, match="takes writes"):
        check_conninfo(f"postgresql://db/locum?target_session_attrs={wanted}")
    with pytest.raises(ConfigurationError, match="takes writes"):
        PostgresJournal.open(f"postgresql://db/locum?target_session_attrs={wanted}")


def test_the_hosts_are_told_and_the_user_is_not() -> None:
    assert target("postgresql://someone@db1:5433,db2/locum").name == "the database locum at db1:5433,db2"
