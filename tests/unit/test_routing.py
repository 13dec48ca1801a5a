"""Where a message of an intent goes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from adapters.intent.config import IntentDefinition, IntentRoute, load_definitions
from adapters.types import Intent
from bot.routing import Route, Router
from bot.texts import say
from bot.types import Outcome


def definition(name: str, route: IntentRoute, reply: Mapping[str, str] | None = None) -> IntentDefinition:
    return IntentDefinition(name=name, description="", examples=(name,), route=route, reply=reply or {})


def intent(label: str, confidence: float = 0.95) -> Intent:
    return Intent(label=label, confidence=confidence, in_scope=1.0)


ROUTER = Router(
    [
        definition("question", IntentRoute.QUESTION),
        definition("greeting", IntentRoute.REPLY, {"en": "Hello, I am {name}.", "zh": "你好，我是{name}。"}),
        definition("out_of_scope", IntentRoute.REFUSE),
        definition("human", IntentRoute.HUMAN, {"en": "Somebody will come."}),
        definition("sales", IntentRoute.HUMAN, {"en": "Call the sales desk."}),
        definition("legal", IntentRoute.HUMAN),
    ],
    min_confidence=0.85,
)


def test_a_question_is_searched_for_however_unsure_its_intent() -> None:
    assert ROUTER.route(intent("question", 0.2)) == Route(
        search=True, refuse=False, outcome=Outcome.ANSWERED, reason="intent question"
    )


def test_an_intent_that_nobody_defined_is_searched_for() -> None:
    route = ROUTER.route(intent("retired_intent"))
    assert (route.search, route.refuse, route.reason) == (True, False, "intent retired_intent")


def test_a_sure_greeting_gets_its_reply_and_no_search() -> None:
    route = ROUTER.route(intent("greeting"))
    assert (route.search, route.refuse, route.outcome) == (False, False, Outcome.ANSWERED)
    assert route.reason == "intent greeting (confidence 0.95)"
    assert route.reply("en", "Robo") == "Hello, I am Robo."
    assert route.reply("zh", "Robo") == "你好，我是Robo。"


@pytest.mark.parametrize("label", ["greeting", "out_of_scope", "human"])
def test_below_the_minimum_every_intent_goes_the_way_of_a_question(label: str) -> None:
    route = ROUTER.route(intent(label, 0.849))
    assert (route.search, route.refuse) == (True, False)
    assert route.reason == f"intent {label} is too unsure (0.85)"
    assert route.reply("en", "Robo") is None


def test_at_the_minimum_an_intent_is_sure() -> None:
    assert ROUTER.route(intent("greeting", 0.85)).search is False


def test_out_of_scope_is_refused_after_a_search_for_topics() -> None:
    route = ROUTER.route(intent("out_of_scope"))
    assert (route.search, route.refuse, route.outcome) == (True, True, Outcome.ABSTAINED)
    assert route.reply("en", "Robo") is None


def test_the_built_in_call_for_a_person_promises_no_handover() -> None:
    route = ROUTER.route(intent("human"))
    assert (route.search, route.outcome) == (False, Outcome.ABSTAINED)
    assert route.reply("en", "Robo") == say("human", "en")
    assert route.reply("zh", "Robo") == say("human", "zh")


def test_a_teams_own_handover_says_what_the_team_wrote_or_the_built_in_words() -> None:
    assert ROUTER.route(intent("sales")).reply("en", "Robo") == "Call the sales desk."
    assert ROUTER.route(intent("legal")).reply("en", "Robo") == say("human", "en")


@pytest.mark.parametrize(
    ("replies", "language", "said"),
    [
        ({"en": "Hi", "zh": "你好"}, "zh", "你好"),
        ({"en": "Hi", "zh": "你好"}, "de", "Hi"),
        ({"zh": "你好"}, "en", "你好"),
        ({}, "en", None),
    ],
)
def test_a_reply_falls_back_to_english_and_then_to_any_language(
    replies: Mapping[str, str], language: str, said: str | None
) -> None:
    route = Route(search=False, refuse=False, outcome=Outcome.ANSWERED, reason="", replies=replies)
    assert route.reply(language, "Robo") == said


def test_every_built_in_intent_has_a_way_to_go() -> None:
    router = Router(load_definitions(), min_confidence=0.85)
    for built_in in load_definitions():
        route = router.route(intent(built_in.name))
        assert route.search or route.reply("en", "Robo"), built_in.name


def test_a_router_recognises_no_text_by_itself() -> None:
    assert ROUTER.match("greeting") is None
