"""Commands that need no model, run in this process."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.app import app
from bot.config import ConfigError, Settings, load_settings

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the program with an empty home; an error that `main` would put into a sentence is raised."""

    def invoked(*arguments: str, **settings: str) -> Result:
        home = {"BURNISH_HOME": str(tmp_path / "home"), "BURNISH_CACHE": str(tmp_path / "cache"), "BURNISH_CONFIG": ""}
        return CliRunner().invoke(app, arguments, env={**home, **settings}, catch_exceptions=False)

    return invoked


def test_the_settings_file_belongs_under_home(run: Run, tmp_path: Path) -> None:
    assert run("config", "path").output == f"{tmp_path / 'home' / 'burnish.toml'}\n"


def test_the_example_settings_are_the_defaults(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "burnish.toml"
    file.write_text(run("config", "example").output, encoding="utf-8")
    assert load_settings({}, file) == Settings()
    assert set(tomllib.loads(file.read_text(encoding="utf-8"))) == set(Settings.model_fields)


def test_the_settings_for_a_script_are_json_without_secrets(run: Run, tmp_path: Path) -> None:
    shown = run("config", "show", "--json", BURNISH_BOT__NAME="Robo", BURNISH_STORE__KEY="top-secret")
    assert "top-secret" not in shown.output
    values = json.loads(shown.output)
    assert values["home"] == str(tmp_path / "home")
    assert (values["settings"]["bot"]["name"], values["settings"]["store"]["key"]) == ("Robo", "********")


def test_changed_settings_are_marked(run: Run) -> None:
    lines = run("config", "show", BURNISH_BOT__NAME="Robo").output.splitlines()
    marked = [line.split() for line in lines if line.startswith("*")]
    assert marked == [["*", "name", '"Robo"']]


def test_a_wrong_setting_stops_a_command_before_it_does_anything(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean bot\.name"):
        run("store", "migrate", BURNISH_BOT__NAM="Robo")
    assert not (tmp_path / "home").exists()


def test_a_new_store_is_migrated_once_and_sound(run: Run) -> None:
    assert run("store", "migrate").output.startswith("Applied ")
    assert run("store", "migrate").output == "The database is up to date.\n"
    assert run("store", "check").output == "The store is sound.\n"
    assert json.loads(run("store", "check", "--json").output) == []


def test_a_backup_leaves_the_key_out_unless_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    run("store", "migrate")
    assert "The encryption key is not in it" in run("store", "backup", str(tmp_path / "one")).output
    assert not (tmp_path / "one" / "store.key").exists()
    run("store", "backup", "--with-key", str(tmp_path / "two"))
    assert (tmp_path / "two" / "store.key").is_file()
