"""`burnish keys`, run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.app import app
from bot.config import folders
from bot.store.crypto import load_key_file
from bot.store.store import Store
from bot.types import Scope
from tests.stores import FakeClock

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the program with a home of its own."""

    def invoked(*arguments: str) -> Result:
        home = {"BURNISH_HOME": str(tmp_path / "home"), "BURNISH_CACHE": str(tmp_path / "cache"), "BURNISH_CONFIG": ""}
        return CliRunner().invoke(app, arguments, env=home)

    return invoked


@contextmanager
def store_in(folder: Path) -> Iterator[Store]:
    """The store that the program wrote."""
    home = folder / "home"
    keyring = load_key_file(folders({"BURNISH_HOME": str(home)}).key_file)
    with Store.open(f"sqlite:///{home / 'burnish.db'}", keyring) as store:
        yield store


def test_a_key_is_printed_once_and_opens_what_was_said(run: Run, tmp_path: Path) -> None:
    made = run("keys", "create", "help desk", "--scope", "chat", "--scope", "train", "--per-minute", "7")
    assert made.exit_code == 0
    secret = made.stdout.strip()
    assert secret.startswith("bk-")
    assert "Key 1 is not shown again" in made.stderr
    with store_in(tmp_path) as store:
        key = store.api_keys.find(secret)
        assert key is not None
        assert (key.name, key.scopes, key.requests_per_minute) == ("help desk", frozenset({Scope.CHAT, Scope.TRAIN}), 7)
        [entry] = store.audit.tail(9)
    assert (entry.actor, entry.action, entry.detail) == ("cli", "create key", "1 help desk: chat train")
    listed = run("keys", "list").stdout
    assert secret not in listed
    assert [word for word in listed.splitlines()[1].split() if word != "-"][:6] == [
        "1",
        "help",
        "desk",
        "chat",
        "train",
        "7",
    ]


def test_a_key_opens_chat_alone_unless_more_is_said(run: Run, tmp_path: Path) -> None:
    secret = run("keys", "create", "help desk").stdout.strip()
    with store_in(tmp_path) as store:
        key = store.api_keys.find(secret)
    assert key is not None
    assert (key.scopes, key.requests_per_minute) == (frozenset({Scope.CHAT}), None)
    assert " 60 " in run("keys", "list").stdout


def test_a_key_is_revoked_once(run: Run, tmp_path: Path) -> None:
    secret = run("keys", "create", "help desk").stdout.strip()
    assert run("keys", "revoke", "1").exit_code == 0
    again, unknown = run("keys", "revoke", "1"), run("keys", "revoke", "9")
    assert (again.exit_code, unknown.exit_code) == (1, 1)
    assert "There is no key 9 that is in force" in unknown.stderr
    with store_in(tmp_path) as store:
        assert store.api_keys.find(secret) is None
        assert [one.action for one in store.audit.tail(9)] == ["create key", "revoke key"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a" * 61])
def test_a_name_that_cannot_be_listed_is_refused(run: Run, name: str) -> None:
    made = run("keys", "create", name)
    assert made.exit_code == 1
    assert "1 to 60 characters" in made.stderr
    assert "bk-" not in made.stdout


def test_a_scope_that_is_none_is_wrong_usage(run: Run) -> None:
    assert run("keys", "create", "help desk", "--scope", "everything").exit_code == 2


def test_the_audit_log_goes_back_two_years_unless_the_settings_say_otherwise(run: Run, tmp_path: Path) -> None:
    run("keys", "create", "now")
    home, clock = tmp_path / "home", FakeClock()
    for days in (800, 729):
        clock.now = datetime.now(UTC) - timedelta(days=days)
        with Store.open(f"sqlite:///{home / 'burnish.db'}", load_key_file(home / "burnish.key"), clock=clock) as store:
            store.audit.record(actor="cli", action=f"{days} days ago")
    run("keys", "create", "again")
    with store_in(tmp_path) as store:
        assert [one.action for one in store.audit.tail(9)] == ["create key", "729 days ago", "create key"]
