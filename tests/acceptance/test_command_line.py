"""What the program says to its admin."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import Burnish


def test_help_names_every_command_and_the_exit_codes(burnish: Burnish) -> None:
    finished = burnish("--help")
    assert finished.code == 0
    for command in ("chat", "ask", "ingest", "knowledge", "intents", "models", "store", "config", "Exit codes"):
        assert command in finished.out


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("knowledge", ["list", "show", "remove", "search"]),
        ("intents", ["train", "eval"]),
        ("models", ["fetch", "list"]),
        ("store", ["migrate", "check", "backup", "restore"]),
        ("config", ["show", "path", "example"]),
    ],
)
def test_each_group_names_its_commands(burnish: Burnish, group: str, commands: list[str]) -> None:
    finished = burnish(group, "--help")
    assert finished.code == 0
    for command in commands:
        assert command in finished.out


def test_settings_are_shown_with_secrets_masked(burnish: Burnish) -> None:
    program = Burnish(home=burnish.home, settings={"BURNISH_STORE__KEY": "hush-hush", "BURNISH_BOT__NAME": "Ada"})
    finished = program("config", "show", "--json")
    shown = json.loads(finished.out)
    assert finished.code == 0
    assert shown["home"] == str(burnish.home)
    assert shown["settings"]["bot"]["name"] == "Ada"
    assert "hush-hush" not in finished.out + program("config", "show").out


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "sentence"),
    [
        (("config", "show"), {"BURNISH_BOT__NAEM": "x"}, 3, "did you mean bot.name"),
        (("--config", "absent.toml", "config", "show"), {}, 3, "There is no settings file at"),
        (("store", "check"), {"BURNISH_STORE__URL": "mysql://x/y"}, 1, "SQLite or PostgreSQL"),
        (("knowledge", "show", "999"), {}, 1, "There is no document '999'"),
        (("models", "fetch", "gopher:x"), {}, 1, "no model source"),
        (("models", "fetch", "path:/no/such/folder"), {}, 1, "does not exist"),
        (("store", "restore", "/no/such/backup"), {}, 1, "/no/such/backup"),
        (("intents", "train", "/no/such/file.csv"), {}, 1, "/no/such/file.csv"),
        (("ingest",), {}, 2, "SOURCE"),
        (("frobnicate",), {}, 2, "frobnicate"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code_never_a_traceback(
    burnish: Burnish, arguments: tuple[str, ...], settings: dict[str, str], code: int, sentence: str
) -> None:
    finished = Burnish(home=burnish.home, settings=settings)(*arguments)
    assert finished.code == code, finished.err
    assert sentence in finished.err
    assert "Traceback" not in finished.err + finished.out


def test_ingest_of_what_is_not_there_is_one_sentence(burnish: Burnish, tmp_path: Path) -> None:
    finished = burnish("ingest", str(tmp_path / "absent"))
    assert finished.code == 1
    assert str(tmp_path / "absent") in finished.err + finished.out
    assert "Traceback" not in finished.err


def test_a_broken_file_is_reported_and_the_rest_is_taken_in(burnish: Burnish, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "good.md").write_text("# Parking\n\nVisitors park in lot C, for 3 hours at most.\n", encoding="utf-8")
    (folder / "empty.md").write_text("", encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    finished = burnish("ingest", str(folder), "--json")
    assert finished.code == 0, finished.err
    outcomes = {Path(row["uri"]).name: (row["outcome"], row["reason"]) for row in json.loads(finished.out)}
    assert outcomes["good.md"][0] == "added"
    assert outcomes["empty.md"][0] == outcomes["broken.pdf"][0] == "problem"
    assert outcomes["empty.md"][1]
    assert burnish("ingest", str(folder), "--strict").code == 4
    listed = json.loads(burnish("knowledge", "list", "--json").out)
    assert [Path(row["uri"]).name for row in listed] == ["good.md"]


def test_search_shows_what_the_bot_would_see(stocked: Burnish) -> None:
    finished = stocked("knowledge", "search", "how do I get my money back", "--json", "--top", "3")
    rows = json.loads(finished.out)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert all(-1 <= row["similarity"] <= 1 and row["lexical"] >= 0 for row in rows)


def test_help_is_quick_because_no_model_library_is_loaded(burnish: Burnish) -> None:
    started = time.perf_counter()
    burnish("--help")
    helped = time.perf_counter() - started
    started = time.perf_counter()
    burnish("knowledge", "search", "x")
    assert helped < time.perf_counter() - started


def test_a_backup_of_a_stocked_store_restores_into_an_empty_home(
    stocked: Burnish, burnish: Burnish, tmp_path: Path
) -> None:
    assert stocked("store", "backup", str(tmp_path / "copy"), "--with-key").code == 0
    restored = burnish("store", "restore", str(tmp_path / "copy"))
    assert restored.code == 0, restored.err
    assert burnish("store", "check").code == 0
    assert burnish("knowledge", "list", "--json").out == stocked("knowledge", "list", "--json").out
