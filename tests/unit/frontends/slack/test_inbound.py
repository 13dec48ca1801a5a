"""What Slack tells, read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.frontends.slack import inbound
from bot.frontends.slack.inbound import Who, Words, message_of, readable, words
from bot.types import Place, RatingValue

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SPOKEN: dict[str, Any] = {"type": "message", "user": "U1", "channel": "C1", "ts": "5.0", "text": "Hi"}


def said(**fields: Any) -> inbound.Said:  # noqa: ANN401 - an event's fields
    told = inbound.said({**SPOKEN, **fields}, "T1")
    assert told is not None
    return told


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"subtype": "assistant_app_thread"},
        {"hidden": True},
        {"user": None},
        {"type": "team_join"},
    ],
)
def test_only_what_a_person_said_is_read(fields: dict[str, Any]) -> None:
    assert inbound.said({**SPOKEN, **fields}, "T1") is None


def test_a_mention_that_comes_twice_has_one_id() -> None:
    assert said().event_id == said(type="app_mention").event_id == "C1:5.0"


@pytest.mark.parametrize(
    ("fields", "place", "thread"),
    [
        ({"channel": "D1"}, Place.DIRECT, ""),
        ({"channel": "D1", "thread_ts": "1.0"}, Place.DIRECT, "1.0"),
        ({}, Place.THREAD, "5.0"),
        ({"thread_ts": "1.0"}, Place.THREAD, "1.0"),
        ({"channel": "G1"}, Place.THREAD, "5.0"),
    ],
)
def test_in_channels_the_answer_goes_into_a_thread(fields: dict[str, Any], place: Place, thread: str) -> None:
    message = message_of(said(**fields), words("Hi"), Who(), NOW, {})
    assert (message.origin.place, message.thread) == (place, thread)
    assert message.origin.message_id == "5.0"


def test_an_edit_names_what_it_replaces_and_when_it_was_made() -> None:
    event = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "message": {"user": "U1", "ts": "5.0", "text": "Ho", "edited": {"user": "U1", "ts": "9.0"}},
        "previous_message": {"user": "U1", "ts": "5.0", "text": "Hi"},
    }
    told = inbound.edited(event, "T1")
    assert told is not None
    message = message_of(told, words(told.raw), Who(name="Ada"), NOW, {})
    assert (message.event_id, message.origin.replaces, message.thread) == ("C1:5.0#9.0", "C1:5.0", "5.0")
    same = {**event, "previous_message": event["message"]}
    assert inbound.edited(same, "T1") is None
    assert inbound.said(event, "T1") is None


def test_removed_messages_are_named_by_their_event_id() -> None:
    gone = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "5.0"}
    assert inbound.deleted(gone) == ("C1", "C1:5.0")
    root = {"subtype": "message_changed", "channel": "C1", "message": {"subtype": "tombstone", "ts": "5.0"}}
    assert inbound.deleted(root) == ("C1", "C1:5.0")
    assert inbound.deleted(SPOKEN) is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<@UBOT> when?", "when?"),
        ("tell <@UBOT> and  me", "tell and me"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("see <https://a.example/x>", "see https://a.example/x"),
        ("see <https://a.example/x|the site>", "see the site (https://a.example/x)"),
        ("see <http://a.example|a.example>", "see http://a.example"),
        ("mail <mailto:a@b.example|a@b.example>", "mail a@b.example"),
        ("in <#C2|billing> and <#C3>", "in #billing and #C3"),
        ("<!here> <!subteam^S1|@support> <!channel>", "@here @support @channel"),
        ("two  blanks\n  stay", "two  blanks\n  stay"),
    ],
)
def test_slacks_markup_is_read_as_people_read_it(raw: str, text: str) -> None:
    assert words(raw, bot="UBOT").text == text


def test_only_real_mentions_name_somebody() -> None:
    read = words("<@UBOT> <@U2> &lt;@U3&gt; <@U2|eve>", bot="UBOT")
    assert read == Words(text="<@U2> <@U3> <@U2>", named=True, mentions=("U2",))
    assert readable(read.text, {"U2": "Eve Ng"}) == "@Eve\N{NO-BREAK SPACE}Ng @U3 @Eve\N{NO-BREAK SPACE}Ng"
    assert not words("@UBOT &lt;@UBOT&gt;", bot="UBOT").named


def test_every_text_that_is_typed_into_the_slash_command_is_a_command_or_a_question() -> None:
    def given(text: str) -> tuple[str, str]:
        payload = {"text": text, "channel_id": "D1", "trigger_id": "t", "user_id": "U1", "user_name": "ada"}
        message = inbound.command_of(payload, Who(), NOW, {})
        assert (message.event_id, message.sender_name, message.origin.place) == ("slash:t", "ada", Place.DIRECT)
        return message.origin.command, message.text

    assert given(" ") == ("help", "")
    assert given("ask when?") == ("ask", "when?")
    assert given("forget me") == ("forget_me", "")
    assert given("When do refunds come?") == ("", "When do refunds come?")
    assert given("hlep") == ("hlep", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("+1", RatingValue.UP),
        ("thumbsdown::skin-tone-5", RatingValue.DOWN),
        ("heart", None),
    ],
)
def test_only_thumbs_are_ratings(name: str, value: RatingValue | None) -> None:
    event = {"type": "reaction_removed", "reaction": name, "user": "U1", "item": {"type": "message", "ts": "5.0"}}
    reaction = inbound.reaction_of(event, Who())
    assert (reaction.value if reaction else None) is value
    assert reaction is None or reaction.taken_back
    assert inbound.reaction_of({**event, "item": {"type": "file"}}, Who()) is None


def test_a_press_is_known_again_when_it_is_told_again() -> None:
    payload = {
        "user": {"id": "U1", "username": "ada"},
        "team": {"id": "T1"},
        "trigger_id": "t1",
        "channel": {"id": "C1"},
        "container": {"message_ts": "5.0"},
        "message": {"ts": "5.0", "thread_ts": "1.0"},
    }
    press = inbound.press_of(payload, {"value": "r:1:up", "action_ts": "7.0"}, Who())
    assert (press.event_id, press.message_id, press.thread, press.data) == ("7.0:t1", "5.0", "1.0", "r:1:up")
    assert (press.place, press.sender_name, press.team) == (Place.THREAD, "ada", "T1")
