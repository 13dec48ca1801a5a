"""The manifest, and the forms that a person sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli.context import Context
from bot.cli.slack import app
from bot.frontends.slack.manifest import EVENTS, SCOPES, as_yaml, manifest
from bot.frontends.slack.views import HomeFacts, Opened, Pair, bare, correction_form, home, keep_form, prompts
from bot.texts import languages
from tests.fakes.slack_rules import check_view

# which scope lets which event come, as docs.slack.dev/reference/events says
NEEDED = {
    "app_mention": "app_mentions:read",
    "assistant_thread_started": "assistant:write",
    "channel_id_changed": "channels:history",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}


def test_every_event_has_the_scope_that_it_needs() -> None:
    assert {NEEDED[event] for event in EVENTS if event in NEEDED} <= set(SCOPES)
    assert set(EVENTS) - set(NEEDED) == {"app_home_opened"}, "which needs none"


def test_the_manual_explains_every_scope() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "slack.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w:]+)` \| (.+) \|$", manual, re.MULTILINE) == list(SCOPES.items())


def test_by_socket_there_is_no_address_and_by_http_every_one_leads_to_the_same_door() -> None:
    by_socket, by_http = manifest(), manifest(url="https://bot.example.com/")
    assert by_socket["settings"]["socket_mode_enabled"] is True
    assert "http" not in as_yaml(by_socket)
    assert by_http["settings"]["socket_mode_enabled"] is False
    assert as_yaml(by_http).count("https://bot.example.com/slack/events") == 3


def test_the_command_line_prints_what_slack_takes() -> None:
    call = Context(environ={"BURNISH_BOT__NAME": "Helper"}, file=None)
    printed = CliRunner().invoke(app, ["manifest"], obj=call)
    assert printed.exit_code == 0
    assert yaml.safe_load(printed.stdout) == manifest(name="Helper")
    assert CliRunner().invoke(app, ["manifest", "--http", "http://a.example"], obj=call).exit_code == 1


@pytest.mark.parametrize("language", languages())
def test_slack_takes_every_form_in_every_language(language: str) -> None:
    opened = Opened(channel="C1", message="5.0", thread="1.0", data="c:7")
    assert Opened.unpacked(opened.packed()) == opened
    check_view(correction_form(opened, language))
    check_view(keep_form(opened, Pair(question="q" * 4000, answer=""), language))
    check_view(home(HomeFacts(lines=("a", "b")), language))
    assert len(prompts(("a", "b", "c", "d", "e"), language)) == 4


def test_an_answer_is_kept_without_its_numbers_and_sources() -> None:
    assert bare("In five days [1]. Ask [2].\n\n**Sources**\n1. A\n2. [B](http://b)\n") == "In five days. Ask."
    assert bare("五天内 [1]\n\n来源\n1. 甲") == "五天内"
    assert bare("Sources\n1. are here") == "Sources\n1. are here"


def test_a_pair_is_taught_with_one_border() -> None:
    assert Pair(question=" a | b｜c ", answer="d | e").taught == "a / b/c | d | e"
