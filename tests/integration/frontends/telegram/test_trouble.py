"""What goes wrong on the way to and from Telegram: nothing is lost, nothing is said twice."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.cards import Card
from bot.frontends.base import (
    MarkupError,
    MessageGoneError,
    Part,
    PlaceGoneError,
    PlatformError,
    Target,
    ThrottledError,
    UnreachableError,
)
from bot.frontends.telegram.api import Api
from bot.frontends.telegram.frontend import HOW_TO_CONNECT
from bot.frontends.telegram.messenger import TelegramMessenger
from bot.frontends.telegram.pace import Rates
from bot.frontends.telegram.polling import SECOND_POLLER, Polling
from bot.types import Place
from tests.fakes.telegram_server import Fault, Rate, TelegramServer
from tests.fakes.telegram_world import Chat
from tests.integration.frontends.telegram.helpdesk import (
    ADA,
    EVE,
    INVOICES,
    Q_INVOICE,
    Q_REFUND,
    REFUNDS,
    Helpdesk,
    helpdesk,
    until,
)

GROUP = -100_200
FLOOD = Fault(status=429, retry_after=33)
BROKEN = Fault(status=502, description="Bad Gateway")
DROPPED = Fault()
LOST = Fault(after=True)


def answers(office: Helpdesk, chat: Chat | None = None) -> list[str]:
    """What a reader sees but placeholders that a lost answer of the server left behind."""
    return [text.partition(" [1]")[0] for text in office.texts(chat) if text != "…"]


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText", "sendMessageDraft", "sendChatAction"])
@pytest.mark.parametrize(
    "faults",
    [[FLOOD, FLOOD], [BROKEN, BROKEN, BROKEN], [DROPPED, DROPPED], [LOST, LOST]],
    ids=lambda one: str(len(one)),
)
async def test_the_answer_arrives_once_through_any_trouble(office: Helpdesk, method: str, faults: list[Fault]) -> None:
    office.server.fail(method, *faults)
    await office.ask(Q_REFUND)
    assert answers(office) == [REFUNDS]
    if faults[0] is FLOOD and method in {"sendMessage", "editMessageText"}:
        assert office.slept.count(33.0) == 2, "it waited as long as it was told"


async def test_a_refused_markup_is_sent_as_plain_text(office: Helpdesk) -> None:
    office.server.knows_drafts = True
    office.server.fail("editMessageText", Fault(status=400, description="Bad Request: can't parse entities: no reason"))
    shown = await office.ask(Q_REFUND)
    assert shown is not None
    assert shown.text == f"{REFUNDS} [1]\n\nSources\n1. Refunds (a.md)"
    assert shown.entities == []
    assert shown.labels[0] == ["👍", "👎"]


async def test_a_restart_repeats_nothing_and_what_came_meanwhile_is_answered(office: Helpdesk) -> None:
    await office.ask(Q_REFUND)
    await office.stop()
    office.world.say(ADA, Q_INVOICE)
    await office.start()
    await office.settle()
    await office.restart()
    await office.settle()
    assert answers(office) == [REFUNDS, INVOICES]


async def test_updates_that_come_again_are_answered_once(office: Helpdesk) -> None:
    office.server.fail("getUpdates", LOST, LOST)
    office.world.say(ADA, Q_REFUND)
    office.world.repeat()
    await office.settle()
    assert answers(office) == [REFUNDS]


async def test_an_update_is_confirmed_only_after_it_is_stored(office: Helpdesk) -> None:
    await office.frontend.stop()
    taken: list[int] = []

    async def slow(update: dict[str, Any]) -> None:
        await asyncio.sleep(0.05)
        assert update in office.world.queue, "confirmed too early"
        taken.append(update["update_id"])

    office.world.say(ADA, Q_REFUND)
    office.world.say(ADA, Q_INVOICE)
    api = Api(office.settings.telegram)
    polling = asyncio.create_task(Polling(api, slow, notice=office.notices.append).run())
    await until(lambda: not office.world.queue)
    polling.cancel()
    await asyncio.wait([polling])
    await api.aclose()
    assert len(taken) == 2


async def test_an_update_that_cannot_be_read_is_skipped_and_never_quoted(
    office: Helpdesk, caplog: pytest.LogCaptureFixture
) -> None:
    office.world.push({"message": {"text": "my secret", "chat": 7}})
    office.world.say(ADA, Q_REFUND)
    await office.settle()
    assert answers(office) == [REFUNDS]
    assert office.frontend.skipped == 1
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [getattr(line, "action", "") for line in lines] == ["update-skipped"]
    assert all("my secret" not in str(vars(line)) for line in caplog.records)


async def test_a_second_poller_is_explained_and_messages_come_again_without_it(office: Helpdesk) -> None:
    rival = Api(office.settings.telegram)
    offset = 0
    async with asyncio.timeout(10):
        while not office.frontend.problem:
            await rival.updates(offset, seconds=0)
    assert office.frontend.problem == SECOND_POLLER
    await rival.aclose()
    await office.ask(Q_REFUND)
    assert answers(office) == [REFUNDS]
    await until(lambda: not office.frontend.problem)
    assert office.notices == [SECOND_POLLER, ""]


async def test_a_wrong_token_is_explained(tmp_path: Path) -> None:
    async with helpdesk(tmp_path) as office:
        for token in ("", "1000:WRONG"):
            office.telegram = {"token": token}
            with pytest.raises(PlatformError, match="@BotFather") as caught:
                await office.start()
            assert str(caught.value) == HOW_TO_CONNECT
            await office.stop()


async def test_a_server_that_is_away_at_the_start_can_be_tried_again(office: Helpdesk) -> None:
    await office.stop()
    office.server.fail("getMe", BROKEN)
    office.server.fail("deleteWebhook", DROPPED)
    for _ in range(2):
        with pytest.raises(UnreachableError):
            await office.start()
        await office.stop()
    await office.start()
    await office.ask(Q_REFUND)
    assert answers(office) == [REFUNDS]


async def test_a_group_that_became_a_supergroup_is_followed(office: Helpdesk) -> None:
    group = office.world.group(GROUP, kind="group")
    shown = await office.ask(f"@helper_bot {Q_REFUND}", ADA, group)
    assert shown is not None
    moved = office.world.migrate(group, -100_999, ADA)
    await office.settle()
    await office.ask(f"@helper_bot {Q_INVOICE}", ADA, moved)
    assert answers(office, moved) == [INVOICES]
    stored = office.store.inbox.by_event("telegram", f"{GROUP}:{shown.id - 1}")
    assert stored is not None
    assert stored.message.channel == "-100999"


async def test_a_group_that_moved_before_its_answer_was_sent_gets_it_in_its_new_place(office: Helpdesk) -> None:
    group = office.world.group(GROUP, kind="group")
    office.world.say(ADA, f"@helper_bot {Q_REFUND}", group)
    moved = office.world.migrate(group, -100_999, ADA, tell=False)
    await office.settle()
    assert answers(office, moved) == [REFUNDS]
    [answer] = office.store.answers.recent(1)
    stored = office.store.inbox.get(answer.message_id)
    assert stored is not None
    assert stored.message.channel == "-100999"


async def test_the_very_call_that_meets_a_move_goes_to_the_new_place(office: Helpdesk) -> None:
    group = office.world.group(GROUP, kind="group")
    moved = office.world.migrate(group, -100_999, ADA, tell=False)
    target = Target(channel=str(GROUP), place=Place.GROUP)
    for text in ("first", "second"):
        await office.frontend.messenger.send(target, text)
    assert office.texts(moved) == ["first", "second"]
    assert office.server.calls["sendMessage"] == 3, "the second one knew the way"


async def test_somebody_who_blocks_the_bot_holds_up_nobody(office: Helpdesk) -> None:
    private = office.world.private(ADA)
    office.world.say(ADA, Q_REFUND)
    office.world.membership(ADA, private, "member", "kicked")
    office.world.say(EVE, Q_INVOICE)
    await office.settle()
    assert answers(office, private) == []
    assert answers(office, office.world.private(EVE)) == [INVOICES]
    assert office.store.answers.undelivered("telegram") == ()
    office.world.membership(ADA, private, "kicked", "member")
    await office.ask(Q_INVOICE)
    assert answers(office) == [INVOICES]


async def test_a_closed_topic_gives_the_answer_up(office: Helpdesk) -> None:
    group = office.world.group(GROUP, topics=[5])
    group.closed.add(5)
    await office.ask(f"@helper_bot {Q_REFUND}", ADA, group, thread=5)
    assert office.store.answers.undelivered("telegram") == ()


async def test_the_bot_keeps_to_the_rate_by_itself(tmp_path: Path) -> None:
    async with TelegramServer(rate=Rate(chat=(3, 0.3), group=(4, 0.4), overall=(1_000, 1.0))) as server:
        office = Helpdesk(tmp_path, server)
        # a little slower than the server: its window moves where the bot's bucket leaks
        office.rates = Rates(chat=(1, 0.12), group=(1, 0.12), overall=1_000)
        await office.start()
        group = office.world.group(GROUP)
        for number in range(4):
            office.world.say(ADA, [Q_REFUND, Q_INVOICE][number % 2])
            office.world.say(EVE, f"@helper_bot {Q_REFUND}", group)
        await office.settle()
        await office.stop()
        assert answers(office) == [REFUNDS, INVOICES] * 2
        assert answers(office, group) == [REFUNDS] * 4
        assert server.throttled == 0


# -- the messenger's errors, one by one


@pytest.mark.parametrize(
    ("description", "status", "kind"),
    [
        ("Bad Request: can't parse entities: Character '.' is reserved", 400, MarkupError),
        ("Bad Request: message is too long", 400, MarkupError),
        ("Bad Request: message to edit not found", 400, MessageGoneError),
        ("Bad Request: message can't be edited", 400, MessageGoneError),
        ("Bad Request: chat not found", 400, PlaceGoneError),
        ("Bad Request: TOPIC_CLOSED", 400, PlaceGoneError),
        ("Bad Request: message thread not found", 400, PlaceGoneError),
        ("Forbidden: bot was blocked by the user", 403, PlaceGoneError),
        ("Forbidden: bot was kicked from the supergroup chat", 403, PlaceGoneError),
        ("Internal Server Error", 500, UnreachableError),
        ("Bad Gateway", 502, UnreachableError),
        ("Bad Request: something new", 400, PlatformError),
    ],
)
async def test_telegrams_errors_in_the_programs_words(
    office: Helpdesk, description: str, status: int, kind: type[PlatformError]
) -> None:
    messenger = TelegramMessenger(Api(office.settings.telegram))
    office.server.fail("editMessageText", Fault(status=status, description=description))
    with pytest.raises(PlatformError) as caught:
        await messenger.edit(Target(channel="11"), "1", Part(body="a", plain="a"))
    assert type(caught.value) is kind
    assert office.server.token not in str(caught.value)
    await messenger._api.aclose()


async def test_throttling_says_for_how_long(office: Helpdesk) -> None:
    office.server.fail("sendMessage", FLOOD)
    with pytest.raises(ThrottledError) as caught:
        await office.frontend.messenger.send(Target(channel="11"), "a")
    assert caught.value.retry_after == 33.0


async def test_the_same_again_is_no_error_and_neither_is_removing_what_is_gone(office: Helpdesk) -> None:
    office.world.private(ADA)
    messenger = office.frontend.messenger
    target = Target(channel="11")
    message_id = await messenger.send(target, "a")
    await messenger.edit(target, message_id, Part(body="a", plain="a"))
    await messenger.set_buttons(target, message_id, ())
    await messenger.delete(target, message_id)
    await messenger.delete(target, message_id)
    await messenger.delete(target, "no-id")
    with pytest.raises(MessageGoneError):
        await messenger.edit(target, message_id, Part(body="a", plain="a"))


async def test_a_file_over_the_limit_is_refused_with_a_sentence(office: Helpdesk) -> None:
    office.world.files["big"] = bytes(20_000_001)
    with pytest.raises(PlatformError, match="larger than 20 MB"):
        await office.frontend.messenger.fetch("big")


async def test_what_is_told_falls_back_to_plain_text_too(office: Helpdesk) -> None:
    chat = office.world.private(ADA)
    office.server.fail("sendMessage", Fault(status=400, description="Bad Request: can't parse entities: no"))
    await office.frontend.messenger.tell(Target(channel="11"), Card(text="See **[this](https://a.b/)**."))
    [shown] = office.world.replies(chat)
    assert (shown.text, shown.entities) == ("See this (https://a.b/).", [])


async def test_a_chat_without_drafts_gets_a_message_that_grows_and_others_keep_their_drafts(office: Helpdesk) -> None:
    refused = Fault(status=400, description="Bad Request: TEXTDRAFT_PEER_INVALID")
    office.server.fail("sendMessageDraft", refused)
    placed: list[str] = []

    async def note(message_id: str) -> None:
        placed.append(message_id)

    for person in (ADA, EVE):
        chat = office.world.private(person)
        live = office.frontend.messenger.live(Target(channel=str(chat.id)), note)
        await live.show("One")
        await live.show("One two")
        await live.close()
    assert office.world.private(EVE).drafts == {2: ["One", "One two"]}
    [shown] = office.world.replies(office.world.private(ADA))
    assert shown.texts == ["…", "One", "One two"]
    assert placed == [str(shown.id)]


async def test_live_texts_keep_a_longer_pause_in_groups(office: Helpdesk) -> None:
    messenger = office.frontend.messenger
    private, group = (messenger.live_seconds(Target(channel="1", place=place)) for place in (Place.DIRECT, Place.GROUP))
    assert private < 1.2
    assert group > 3


async def test_is_typing_is_shown_again_only_when_it_would_end(office: Helpdesk) -> None:
    times = iter((100.0, 103.0, 104.5, 105.0))
    messenger = TelegramMessenger(Api(office.settings.telegram), clock=lambda: next(times))
    chat, target = office.world.private(ADA), Target(channel="11")
    shown = []
    for _ in range(3):
        await messenger.working(target)
        shown.append(len(chat.actions))
    await messenger.send(target, "a")
    await messenger.working(target)
    assert (shown, len(chat.actions)) == ([1, 1, 2], 3), "a message ends it"
    await messenger._api.aclose()


async def test_whoever_speaks_for_a_group_has_no_chat_of_their_own(office: Helpdesk) -> None:
    office.world.group(-100_200)
    with pytest.raises(PlaceGoneError, match="whole group"):
        await office.frontend.messenger.direct("-100200")
