"""What updates mean, one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Update

from bot.frontends.base import Press, Reaction
from bot.frontends.telegram.inbound import Event, Joined, Left, Me, Overheard, Renamed, read
from bot.types import Attachment, AttachmentKind, Message, Origin, Place, RatingValue
from tests.fakes.telegram_rules import found_entities

ME = Me(id=1000, username="helper_bot")
BOT = {"id": 1000, "is_bot": True, "first_name": "Helper", "username": "helper_bot"}
ADA = {"id": 11, "is_bot": False, "first_name": "Ada", "last_name": "L.", "language_code": "en"}
PRIVATE = {"id": 11, "type": "private", "first_name": "Ada"}
GROUP = {"id": -100, "type": "supergroup", "title": "Team"}
NOON = 1_790_000_000


def said(text: str = "", chat: dict[str, Any] = PRIVATE, **more: Any) -> Event | None:  # noqa: ANN401 - fields of a message
    return told("message", text, chat, **more)


def told(kind: str, text: str, chat: dict[str, Any], **more: Any) -> Event | None:  # noqa: ANN401 - fields of a message
    message = {"message_id": 5, "date": NOON, "chat": chat, "from": ADA}
    if text:
        message |= {"text": text, "entities": found_entities(text)}
    return update({kind: {**message, **more}})


def update(fields: dict[str, Any]) -> Event | None:
    return read(Update.de_json({"update_id": 1, **fields}, None), ME)


def replied(sender: dict[str, Any] = BOT, message_id: int = 3, chat: dict[str, Any] = GROUP) -> dict[str, Any]:
    return {"reply_to_message": {"message_id": message_id, "date": NOON, "chat": chat, "from": sender, "text": "a"}}


def heard(event: Event | None) -> Message:
    assert isinstance(event, Message)
    return event


def test_a_private_message_with_all_that_is_known_of_it() -> None:
    assert said("Hello?") == Message(
        platform="telegram",
        event_id="11:5",
        channel="11",
        thread="",
        sender="11",
        sender_name="Ada L.",
        text="Hello?",
        received_at=datetime.fromtimestamp(NOON, UTC),
        origin=Origin(place=Place.DIRECT, language="en", message_id="5"),
    )


def test_an_edit_replaces_what_was_said_and_has_an_id_of_its_own() -> None:
    edited = heard(told("edited_message", "Hello!", PRIVATE, edit_date=NOON + 7))
    assert edited.event_id.startswith(f"11:5#{NOON + 7}-")
    assert edited.origin.replaces == "11:5"
    same_second = heard(told("edited_message", "Hello?", PRIVATE, edit_date=NOON + 7))
    assert same_second.event_id != edited.event_id
    assert heard(told("edited_message", "Hello!", PRIVATE, edit_date=NOON + 7)).event_id == edited.event_id
    assert isinstance(told("edited_message", "Hello!", GROUP, edit_date=NOON + 7), Overheard)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("@helper_bot when?", "when?"),
        ("@HELPER_BOT, when?", "when?"),
        ("when, @helper_bot?", "when, ?"),
        ("😀 hey @helper_bot when?", "😀 hey when?"),
        ("when?\n@helper_bot", "when?"),
        ("@helper_bot", ""),
    ],
)
def test_a_mention_addresses_the_bot_and_is_taken_out(text: str, kept: str) -> None:
    assert heard(said(text, GROUP)).text == kept


@pytest.mark.parametrize("text", ["when?", "@helper_bots when?", "mail a@helper_bot.org", "@other when?"])
def test_what_does_not_call_the_bot_is_overheard(text: str) -> None:
    event = said(text, GROUP)
    assert isinstance(event, Overheard)
    assert event.message.text == text


def test_a_mention_by_account_addresses_the_bot_and_others_are_named_by_their_ids() -> None:
    entities = [
        {"type": "text_mention", "offset": 0, "length": 6, "user": BOT},
        {"type": "text_mention", "offset": 7, "length": 3, "user": {"id": 44, "is_bot": False, "first_name": "Bob"}},
    ]
    message = heard(said("Helper Bob knows?", GROUP, entities=entities))
    assert (message.text, message.origin.mentions) == ("Bob knows?", ("44",))


def test_a_reply_to_the_bot_is_for_it_and_one_to_somebody_else_is_not() -> None:
    message = heard(said("when?", GROUP, **replied()))
    assert (message.origin.reply_to, message.origin.reply_to_sender) == ("3", "1000")
    event = said("when?", GROUP, **replied(ADA))
    assert isinstance(event, Overheard)
    assert event.message.origin.reply_to_sender == "11"


def test_a_topic_is_a_thread_only_where_telegram_says_so_and_its_beginning_is_no_reply() -> None:
    root = {**replied(BOT, 9)["reply_to_message"], "forum_topic_created": {"name": "T", "icon_color": 1}}
    topic = {"message_thread_id": 9, "is_topic_message": True}
    event = said("when?", GROUP, reply_to_message=root, **topic)
    assert isinstance(event, Overheard)
    assert (event.message.thread, event.message.origin.place, event.message.origin.reply_to) == ("9", Place.THREAD, "")
    plain = said("when?", GROUP, message_thread_id=3, **replied())
    assert (heard(plain).thread, heard(plain).origin.place) == ("", Place.GROUP)


@pytest.mark.parametrize(
    ("text", "chat", "command", "rest"),
    [
        ("/why", PRIVATE, "why", ""),
        ("/why@helper_bot", GROUP, "why", ""),
        ("/ask@Helper_Bot when\nexactly?", GROUP, "ask", "when\nexactly?"),
        ("/ask when?", GROUP, "ask", "when?"),
        ("@helper_bot /why", GROUP, "why", ""),
        ("/start abc-1", PRIVATE, "start", "abc-1"),
        ("/nonsense 1", PRIVATE, "nonsense", "1"),
        ("/nonsense@helper_bot", GROUP, "nonsense", ""),
    ],
)
def test_commands(text: str, chat: dict[str, Any], command: str, rest: str) -> None:
    message = heard(said(text, chat))
    assert (message.origin.command, message.text) == (command, rest)


def test_other_bots_commands_are_left_to_them() -> None:
    assert said("/why@other_bot", GROUP) is None
    assert said("/why@other_bot", GROUP, **replied()) is None
    assert isinstance(said("/nonsense", GROUP), Overheard), "nobody knows whose it is"


@pytest.mark.parametrize(
    ("sent", "kind", "name"),
    [
        ({"photo": [{"width": 1, "height": 1}, {"width": 9, "height": 9}]}, AttachmentKind.IMAGE, ""),
        ({"document": {"file_name": "a.pdf"}}, AttachmentKind.DOCUMENT, "a.pdf"),
        ({"document": {"file_name": "a.png", "mime_type": "image/png"}}, AttachmentKind.IMAGE, "a.png"),
        ({"voice": {"duration": 1}}, AttachmentKind.VOICE, ""),
        ({"audio": {"duration": 1, "file_name": "a.mp3"}}, AttachmentKind.VOICE, "a.mp3"),
        ({"video_note": {"length": 1, "duration": 1}}, AttachmentKind.VOICE, ""),
        ({"video": {"width": 1, "height": 1, "duration": 1}}, AttachmentKind.OTHER, ""),
        (
            {"animation": {"width": 1, "height": 1, "duration": 1}, "document": {"file_name": "a.gif"}},
            AttachmentKind.OTHER,
            "",
        ),
    ],
)
def test_attachments(sent: dict[str, Any], kind: AttachmentKind, name: str) -> None:
    def numbered(file: dict[str, Any], number: int) -> dict[str, Any]:
        return {"file_id": f"F{number}", "file_unique_id": f"U{number}", "file_size": number, **file}

    files: dict[str, Any] = {
        key: [numbered(one, number) for number, one in enumerate(value, start=1)]
        if isinstance(value, list)
        else numbered(value, 7)
        for key, value in sent.items()
    }
    size = 2 if "photo" in sent else 7
    message = heard(said(caption="look", **files))
    assert message.text == "look"
    assert message.origin.attachments == (Attachment(kind=kind, file_id=f"F{size}", name=name, size=size),)


def test_a_mention_in_a_caption_counts() -> None:
    entities = [{"type": "mention", "offset": 0, "length": 11}]
    photo = [{"file_id": "F", "file_unique_id": "U", "width": 1, "height": 1}]
    assert heard(said("", GROUP, photo=photo, caption="@helper_bot see", caption_entities=entities)).text == "see"


@pytest.mark.parametrize(
    "more",
    [
        {"from": {"id": 5, "is_bot": True, "first_name": "Robot"}},
        {"is_automatic_forward": True},
        {"from": None},
    ],
)
def test_other_bots_and_channels_are_ignored(more: dict[str, Any]) -> None:
    assert said("@helper_bot when?", GROUP, **more) is None


def test_a_channel_is_no_place_to_answer_in() -> None:
    assert said("@helper_bot when?", {"id": -7, "type": "channel", "title": "News"}) is None


def test_an_admin_who_speaks_for_the_group_is_named_by_the_group() -> None:
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    message = heard(said("@helper_bot when?", GROUP, sender_chat=GROUP, **{"from": anonymous}))
    assert (message.sender, message.sender_name) == ("-100", "Team")


@pytest.mark.parametrize(
    "service", [{"new_chat_title": "x"}, {"delete_chat_photo": True}, {"group_chat_created": True}]
)
def test_what_telegram_itself_says_in_a_group_is_ignored(service: dict[str, Any]) -> None:
    assert said("", GROUP, **service) is None


def test_a_group_that_moves_is_renamed_whichever_side_tells() -> None:
    group = {"id": -7, "type": "group", "title": "Team"}
    assert said("", group, migrate_to_chat_id=-100) == Renamed(old=-7, new=-100)
    assert said("", GROUP, migrate_from_chat_id=-7) == Renamed(old=-7, new=-100)


def test_a_press_also_on_a_message_that_is_too_old_to_be_shown() -> None:
    query = {"id": "77", "from": ADA, "chat_instance": "1", "data": "r:1:up"}
    shown = {"message_id": 3, "date": NOON, "chat": GROUP, "message_thread_id": 9, "is_topic_message": True}
    press = Press(
        platform="telegram",
        channel="-100",
        thread="9",
        place=Place.THREAD,
        message_id="3",
        event_id="77",
        sender="11",
        sender_name="Ada L.",
        data="r:1:up",
        language="en",
    )
    assert update({"callback_query": {**query, "message": shown}}) == press
    old = update({"callback_query": {**query, "message": {"message_id": 3, "date": 0, "chat": PRIVATE}}})
    assert isinstance(old, Press)
    assert (old.channel, old.message_id, old.place) == ("11", "3", Place.DIRECT)
    assert update({"callback_query": {**query, "inline_message_id": "x"}}) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], ["👍"], (RatingValue.UP, False)),
        (["👍"], [], (RatingValue.UP, True)),
        (["👍"], ["👎"], (RatingValue.DOWN, False)),
        (["👎", "❤"], ["❤"], (RatingValue.DOWN, True)),
        ([], ["❤"], None),
        (["👍"], ["👍", "❤"], None),
    ],
)
def test_reactions(before: list[str], after: list[str], expected: tuple[RatingValue, bool] | None) -> None:
    event = update(
        {
            "message_reaction": {
                "chat": GROUP,
                "message_id": 3,
                "date": NOON,
                "user": ADA,
                "old_reaction": [{"type": "emoji", "emoji": one} for one in before],
                "new_reaction": [{"type": "emoji", "emoji": one} for one in after],
            }
        }
    )
    assert isinstance(event, Reaction) is bool(expected)
    if isinstance(event, Reaction):
        assert (event.value, event.taken_back) == expected
        assert (event.channel, event.message_id, event.sender) == ("-100", "3", "11")


@pytest.mark.parametrize(
    ("chat", "before", "after", "event"),
    [
        (GROUP, "left", "member", Joined(channel="-100", language="en")),
        (GROUP, "member", "kicked", Left(channel="-100")),
        (PRIVATE, "member", "kicked", Left(channel="11")),
        (PRIVATE, "kicked", "member", None),
        (GROUP, "member", "member", None),
    ],
)
def test_being_added_blocked_and_removed(chat: dict[str, Any], before: str, after: str, event: Event | None) -> None:
    def member(status: str) -> dict[str, Any]:
        return {"status": status, "user": BOT, **({"until_date": 0} if status == "kicked" else {})}

    change = {"chat": chat, "from": ADA, "date": NOON}
    change |= {"old_chat_member": member(before), "new_chat_member": member(after)}
    assert update({"my_chat_member": change}) == event


def test_updates_of_other_kinds_are_ignored() -> None:
    assert update({"channel_post": {"message_id": 1, "date": NOON, "chat": {**GROUP, "type": "channel"}}}) is None
