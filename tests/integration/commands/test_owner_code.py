"""`burnish owner-code`, and the documentation of all commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from bot.cli.context import Context
from bot.cli.owner import owner_code
from bot.commands.base import EVERYWHERE, IN_PRIVATE, Command
from bot.commands.registry import COMMANDS, parse
from bot.config import folders
from bot.store.store import Store
from bot.wiring import Wiring

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "commands.md"


def test_the_code_is_alone_on_the_output_works_and_is_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"BURNISH_HOME": str(tmp_path)}
    call = Context(environ=environ, file=None)
    app = typer.Typer()
    app.command()(owner_code)
    typer.main.get_command(app).main([], standalone_mode=False, obj=call)
    shown = capsys.readouterr()
    code = shown.out.strip()
    assert re.fullmatch(r"\w{4}-\w{4}-\w{4}", code)
    assert f"/claim {code}" in shown.err
    wiring = Wiring(call.settings, folders(environ, file=None), lambda *_: None)
    with Store.open(wiring.store_url, wiring.keyring) as store:
        assert [(one.actor, one.action) for one in store.audit.tail(9)] == [("cli", "owner-code")]
        assert code not in store.audit.tail(1)[0].detail
        assert store.claims.claim(store.people.meet("slack", "U1").id, code)


def test_the_documentation_says_of_every_command_who_may_give_it_where_and_how() -> None:
    rows = re.findall(
        r"^\| `/(\w+)` \| (\w+) \| ([\w ]+) \| (.+) \|$", DOCUMENTATION.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    places = {EVERYWHERE: "everywhere", IN_PRIVATE: "direct chat"}
    internal = {"correction", "curated", "kept"}  # given by buttons and asked-for texts alone
    assert [(name, role, place) for name, role, place, _ in rows] == [
        (one.name, one.least.value, places[one.places]) for one in COMMANDS if one.name not in internal
    ]
    for name, _, _, text in rows:
        [*_, example] = re.findall(r"`([^`]+)`", text)
        read = parse(example, explicit=True)
        assert read is not None
        assert read[0] == name, example


@pytest.mark.parametrize("one", [one for one in COMMANDS if one.listed], ids=lambda one: one.name)
def test_every_other_name_of_a_command_stands_in_the_documentation(one: Command) -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    for alias in one.aliases:
        assert f"`{alias.replace('_', ' ')}`" in text
