from __future__ import annotations

from typing import Any

import pytest

from bot.store.expectations import Expectation
from bot.store.store import Store
from bot.types import Origin, Wanted
from tests.stores import accepted

CORRECTION = Expectation(kind=Wanted.CORRECTION, subject=7)


def expecting(store: Store, wanted: Expectation = CORRECTION, *, minutes: int = 10) -> int:
    user_id = store.people.meet("slack", "U1").id
    store.expectations.expect("slack", "C1", "t1", user_id, wanted, minutes=minutes)
    return user_id


def said(store: Store, text: str = "Three days.", **fields: Any) -> Origin:  # noqa: ANN401 - passed on as they are
    return accepted(store, text, **{"thread": "t1", **fields}).message.origin


def test_the_next_text_is_what_was_asked_for_and_the_one_after_is_a_question(store: Store) -> None:
    expecting(store)
    assert (first := said(store)).command == "correction"
    assert first.subject == 7
    assert said(store) == Origin()


@pytest.mark.parametrize(
    "elsewhere", [{"channel": "C2"}, {"thread": ""}, {"sender": "U2"}, {"platform": "telegram"}, {"text": "  "}]
)
def test_a_text_elsewhere_or_of_somebody_else_or_an_empty_one_is_not(store: Store, elsewhere: dict[str, Any]) -> None:
    expecting(store)
    assert said(store, **elsewhere).command == ""
    assert said(store).command == "correction"


@pytest.mark.parametrize("origin", [Origin(command="why"), Origin(replaces="event-0")])
def test_commands_and_edits_do_not_count_as_the_text(store: Store, origin: Origin) -> None:
    expecting(store)
    assert said(store, origin=origin) == origin
    assert said(store).command == "correction"


def test_a_new_one_replaces_the_one_before(store: Store) -> None:
    expecting(store)
    expecting(store, Expectation(kind=Wanted.CURATED, subject=8))
    assert ((origin := said(store)).command, origin.subject) == ("curated", 8)
    assert said(store).command == ""


def test_it_is_waited_for_so_many_minutes(store: Store) -> None:
    expecting(store, minutes=10)
    assert said(store, minutes=11).command == ""
    assert said(store, minutes=1).command == "", "what came too late ended the waiting"
    expecting(store, minutes=10)
    assert said(store, minutes=10).command == "correction"


def test_cancelled_it_is_waited_for_no_more(store: Store) -> None:
    user_id = expecting(store)
    assert store.expectations.cancel("slack", "C1", "", user_id) is False
    assert store.expectations.cancel("slack", "C1", "t1", user_id) is True
    assert store.expectations.cancel("slack", "C1", "t1", user_id) is False
    assert said(store).command == ""
