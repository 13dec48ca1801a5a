"""How a text is read as a command, and what menus show."""

from __future__ import annotations

import re

import pytest

from bot.commands.base import ORDER, may
from bot.commands.registry import BY_NAME, COMMANDS, NAMES, menu, nearest, parse, resolve
from bot.texts import keys, languages
from bot.types import Role


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("why", ("why", "")),
        ("/why", ("why", "")),
        (" /WHY  ", ("why", "")),
        ("/why@burnish_bot", ("why", "")),
        ("forget me", ("forget_me", "")),
        ("/forget-me", ("forget_me", "")),
        ("forgetme yes 3", ("forget_me", "yes 3")),
        ("Forget Me", ("forget_me", "")),
        ("ask How long does it take?", ("ask", "How long does it take?")),
        ("teach a | b\nc", ("teach", "a | b\nc")),
        ("帮助", ("help", "")),
        ("frobnicate now", ("frobnicate", "now")),
        ("", ("help", "")),
        ("/", ("help", "")),
    ],
)
def test_an_explicit_text_is_always_a_command(text: str, read: tuple[str, str]) -> None:
    assert parse(text, explicit=True) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("help", ("help", "")),
        ("/status", ("status", "")),
        ("forget me", ("forget_me", "")),
        ("teach How long? | Five days.", ("teach", "How long? | Five days.")),
        ("teach 多久？｜五天。", ("teach", "多久？｜五天。")),
        ("language zh", ("language", "zh")),
        ("ingest https://example.com/a", ("ingest", "https://example.com/a")),
        ("ingest", ("ingest", "")),
        ("grant <@U2> trainer", ("grant", "<@U2> trainer")),
        ("grant trainer to @ada", ("grant", "trainer to @ada")),
        ("revoke @ada", ("revoke", "@ada")),
        ("unanswered 2", ("unanswered", "2")),
        ("claim ABCD-EFGH-JKMN", ("claim", "ABCD-EFGH-JKMN")),
        ("/ask how long?", ("ask", "how long?")),
    ],
)
def test_a_text_that_clearly_is_a_known_command_is_one(text: str, read: tuple[str, str]) -> None:
    assert parse(text, explicit=False) == read


@pytest.mark.parametrize(
    "text",
    [
        "why is my account frozen?",
        "ask whom about refunds?",
        "teach me how to export",
        "claim a refund",
        "grant access to a colleague",
        "help me with my invoice",
        "new invoices do not show",
        "language settings of my account?",
        "report a lost card",
        "forget me not",
        "pause my subscription",
        "human rights policy",
        "why?",
        "/etc/passwd is shown to me",
        "/frobnicate",
        "",
        "/",
        "status of my order",
        "knowledge of the law",
    ],
)
def test_questions_stay_questions(text: str) -> None:
    assert parse(text, explicit=False) is None


def test_a_name_is_resolved_and_a_wrong_one_finds_the_nearest_that_the_role_may_use() -> None:
    assert [resolve(name) for name in ("Forget-Me", "forgetme", "KB", "frob")] == [
        "forget_me",
        "forget_me",
        "knowledge",
        "frob",
    ]
    assert nearest("sorces") == "sources"
    assert nearest("forget") == "forget_me"
    assert nearest("qqqqqq") is None
    assert nearest("statsu") == "status"
    assert nearest("statsu", Role.USER) is None
    assert nearest("clam") is None, "what is not listed is not offered"


def test_a_menu_holds_what_a_role_may_use_and_grows_with_the_role() -> None:
    names = {role: [name for name, _ in menu("en", role)] for role in ORDER}
    assert names[Role.USER] == [
        "help", "ask", "why", "sources", "rate", "new", "language", "login", "privacy", "forget_me", "human",
    ]  # fmt: skip
    assert set(names[Role.TRAINER]) - set(names[Role.USER]) == {"teach", "unanswered", "report"}
    assert {"status", "ingest", "knowledge", "grant", "revoke", "audit"} < set(names[Role.ADMIN])
    assert names[Role.OWNER] == names[Role.ADMIN]
    assert dict(menu("zh", Role.USER))["help"] == "我能做什么"


def test_names_and_descriptions_fit_every_platforms_menu() -> None:
    assert len(set(NAMES)) == len(COMMANDS)
    for name in NAMES:
        assert re.fullmatch(r"[a-z][a-z_]{0,31}", name), "Telegram takes nothing else"
    for language in languages():
        for name, text in menu(language, Role.OWNER):
            assert 3 <= len(text) <= 256, name


def test_each_name_leads_to_one_command_alone() -> None:
    called = [name for one in COMMANDS for name in (one.name, *one.aliases)]
    assert len(called) == len(set(called))
    assert all(name == name.lower() for name in called)


def test_every_command_is_described_and_one_that_needs_arguments_says_how_it_is_given() -> None:
    for language in languages():
        known = set(keys(language))
        assert {f"command-{name}" for name in NAMES} <= known
        needing = {name for name, one in BY_NAME.items() if not one.alone}
        internal = {"correction", "curated", "kept", "unteach"}
        assert {f"usage-{name}" for name in needing - internal} <= known


def test_a_role_may_do_what_lesser_roles_may() -> None:
    assert [may(Role.TRAINER, least) for least in ORDER] == [True, True, False, False]
