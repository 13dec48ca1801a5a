"""An answer arrives whole and once, through whatever Slack does on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.cards import Card
from bot.frontends.base import Target, ThrottledError, UnreachableError
from bot.frontends.delivery import deliver
from bot.testing import teach
from bot.types import Place
from knowledge.testing import chunk
from tests.fakes.slack_rules import TOGETHER
from tests.fakes.slack_server import Fault
from tests.fakes.slack_world import TEAM
from tests.integration.frontends.slack.offices import BOT, INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, Office

IN_THREAD = Target(channel="C1", place=Place.THREAD, person="U1", team=TEAM)


class Placed:
    """Keeps the ids that a live text reports."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, message_id: str) -> None:
        self.ids.append(message_id)


async def test_in_a_thread_an_answer_is_streamed_and_then_put_right_by_an_edit(office: Office) -> None:
    await office.say(f"{BOT} {Q_REFUND}", "C1")
    answer = office.shown("C1")
    assert answer.texts == ["", REFUNDS, f"{REFUNDS} [1]\n\n**Sources**\n1. Refunds (a.md)"]
    calls = office.slack.calls
    assert (calls["chat.startStream"], calls["chat.stopStream"], calls["chat.postMessage"]) == (1, 1, 0)
    assert not answer.streaming


async def test_a_growing_text_is_appended_piece_by_piece(office: Office) -> None:
    root = office.slack.say("U2", "C1", "Who knows?")
    placed = Placed()
    live = office.front.messenger.live(replace(IN_THREAD, thread=root), placed)
    for text in ("Refunds", "Refunds reach <b>", "Refunds reach <b> `you", "Refunds reach <b> `you`"):
        await live.show(text)
    await live.close()
    [ts] = placed.ids
    streamed = office.world.channels["C1"][ts]
    assert streamed.texts[:3] == ["", "Refunds", "Refunds reach &lt;b&gt;"]
    assert not streamed.streaming


async def test_where_slack_does_not_stream_the_text_grows_by_edits_and_slack_is_not_asked_again(
    office: Office,
) -> None:
    office.world.can_stream = False
    first = await office.say(f"{BOT} {Q_REFUND}", "C1")
    await office.say(Q_INVOICE, "C1", thread=first)
    assert office.replies("C1") == [REFUNDS, INVOICES]
    assert [one.texts[:2] for one in office.world.of_bot("C1")] == [["…", REFUNDS], ["…", INVOICES]]
    assert office.slack.calls["chat.startStream"] == 1


async def test_when_too_many_streams_begin_this_answer_grows_by_edits_and_the_next_is_streamed(office: Office) -> None:
    office.slack.plant("chat.startStream", Fault(kind="429", retry_after=40))
    first = await office.say(f"{BOT} {Q_REFUND}", "C1")
    await office.say(Q_INVOICE, "C1", thread=first)
    assert [one.texts[0] for one in office.world.of_bot("C1")] == ["…", ""]
    assert 40 not in office.slept


async def test_a_stream_that_could_not_be_ended_is_ended_by_the_final_edit(office: Office) -> None:
    office.slack.plant("chat.stopStream", Fault(kind="500"))
    await office.say(f"{BOT} {Q_REFUND}", "C1")
    assert office.replies("C1") == [REFUNDS]
    assert not office.shown("C1").streaming
    assert office.slack.calls["chat.stopStream"] == 2


async def test_a_stream_that_slack_ended_itself_does_no_harm(office: Office) -> None:
    office.slack.plant("chat.appendStream", Fault(kind="drop", after=True))
    await office.say(f"{BOT} {Q_REFUND}", "C1")
    assert office.replies("C1") == [REFUNDS]


async def test_without_knowing_for_whom_a_channels_text_grows_by_edits(office: Office) -> None:
    root = office.slack.say("U2", "C1", "Who knows?")
    placed = Placed()
    live = office.front.messenger.live(Target(channel="C1", place=Place.THREAD, thread=root), placed)
    await live.show("Refunds")
    assert office.slack.calls["chat.startStream"] == 0
    assert office.world.channels["C1"][placed.ids[0]].texts == ["…", "Refunds"]


@pytest.mark.parametrize(
    ("method", "faults"),
    [
        ("chat.postMessage", [Fault(kind="429", retry_after=33)]),
        ("chat.postMessage", [Fault(kind="500"), Fault(kind="drop")]),
        ("chat.update", [Fault(kind="429", retry_after=33), Fault(kind="429", retry_after=7)]),
        ("chat.update", [Fault(kind="500"), Fault(kind="500", after=True), Fault(kind="drop", after=True)]),
        ("users.info", [Fault(kind="500"), Fault(kind="429"), Fault(kind="drop")]),
        ("chat.startStream", [Fault(kind="drop")]),
        ("chat.stopStream", [Fault(kind="drop"), Fault(kind="drop", after=True)]),
        ("assistant.threads.setStatus", [Fault(kind="500"), Fault(kind="drop")]),
    ],
)
async def test_the_final_text_arrives_once_through_any_trouble(
    office: Office, method: str, faults: list[Fault]
) -> None:
    office.slack.plant(method, *faults)
    await office.say(Q_REFUND)
    await office.say(f"{BOT} {Q_INVOICE}", "C1")
    assert office.replies("D1") == [REFUNDS]
    assert office.replies("C1") == [INVOICES]
    if faults[-1].kind == "429":
        assert faults[-1].retry_after in office.slept


@pytest.mark.parametrize("place", ["D1", "C1"])
async def test_a_message_whose_acknowledgement_got_lost_is_found_and_not_sent_again(office: Office, place: str) -> None:
    curated = chunk(REFUNDS, question=Q_REFUND, title="FAQ")  # given word for word, so nothing grows before it is sent
    teach(office.store.knowledge, curated, uri="/faq.md")
    office.slack.plant("chat.postMessage", Fault(kind="drop", after=True))
    await office.say(Q_REFUND if place == "D1" else f"{BOT} {Q_REFUND}", place)
    assert [text.partition("\n")[0] for text in office.replies(place)] == [REFUNDS]
    office.slack.plant("chat.postMessage", Fault(kind="500", after=True), Fault(kind="429", retry_after=1))
    await office.say(Q_REFUND if place == "D1" else f"{BOT} {Q_REFUND}", place)
    assert [text.partition("\n")[0] for text in office.replies(place)] == [REFUNDS, REFUNDS]


async def test_a_growing_messages_beginning_that_got_lost_is_all_that_may_stay_behind(office: Office) -> None:
    office.slack.plant("chat.postMessage", Fault(kind="drop", after=True))
    await office.say(Q_REFUND)
    assert sorted(office.replies("D1")) == sorted(["…", REFUNDS])


async def test_when_slack_refuses_the_blocks_the_answer_comes_as_plain_text(office: Office) -> None:
    office.world.reject_blocks = lambda blocks: any(block["type"] == "markdown" for block in blocks)
    await office.say(Q_REFUND)
    answer = office.shown()
    assert answer.shown == f"{REFUNDS} [1]\n\nSources\n1. Refunds (a.md)"
    assert list(answer.buttons)[:2] == ["👍", "👎"]


async def test_a_long_answer_is_cut_within_slacks_limits_with_code_intact(office: Office) -> None:
    code = "\n".join(f"step {number}  # turn the key & wait" for number in range(600))
    text = "\n\n".join(["First <read> this."] * 300) + f"\n\n```sh\n{code}\n```\n\nThat is all."
    parts = office.front.messenger.parts(Card(text=text, buttons=()))
    assert len(parts) > 2
    target = Target(channel="D1")
    ids = await deliver(office.front.messenger, target, parts, _Nowhere(), key="k", places=[])
    shown = [office.world.channels["D1"][ts].shown for ts in ids]
    assert all(len(one) < TOGETHER and one.count("```") % 2 == 0 for one in shown)
    assert "".join(shown).count("turn the key") == 600
    assert shown[1].startswith(("```sh\n", "First"))


class _Nowhere:
    async def placed(self, number: int, message_id: str) -> None:
        pass

    async def delivered(self, number: int, message_id: str) -> None:
        pass


async def test_nothing_in_a_document_can_ping_anybody(office: Office) -> None:
    text = "Tell <!channel> and <@U2> & `<!here>`"
    teach(office.store.knowledge, chunk(text, question="Who is told?", title="<!everyone>"), uri="/e.md")
    await office.say("Who is told?")
    answer = office.shown()
    for sent in (answer.shown, answer.text):
        assert not any(ping in sent for ping in ("<!", "<@"))
    assert "Tell &lt;!channel&gt; and &lt;@U2&gt;" in answer.shown


async def test_an_answer_that_was_removed_by_hand_is_sent_anew(office: Office) -> None:
    placeholder = await office.front.messenger.send(Target(channel="D1"), "…")
    office.world.channels["D1"][placeholder].deleted = True
    parts = office.front.messenger.parts(Card(text="Here."))
    ids = await deliver(office.front.messenger, Target(channel="D1"), parts, _Nowhere(), key="k", places=[placeholder])
    assert office.world.channels["D1"][ids[0]].shown == "Here."
    await office.front.messenger.delete(Target(channel="D1"), placeholder)  # gone already: no error


async def test_a_message_in_a_stream_can_be_removed(office: Office) -> None:
    root = office.slack.say("U2", "C1", "Who knows?")
    placed = Placed()
    target = replace(IN_THREAD, thread=root)
    await office.front.messenger.live(target, placed).show("Refunds")
    await office.front.messenger.delete(target, placed.ids[0])
    assert office.world.channels["C1"][placed.ids[0]].deleted


async def test_a_closed_channel_is_given_up(office: Office) -> None:
    ts = office.slack.say("U1", "C1", f"{BOT} {Q_REFUND}")
    office.world.closed.add("C1")
    await office.quiet()
    assert office.replies("C1", thread=ts) == []
    assert office.desk.counts["unreachable readers"] == 1
    assert office.store.answers.undelivered("slack") == ()


async def test_a_status_is_shown_once_and_taken_away_when_the_answer_is_an_edit(office: Office) -> None:
    messenger = office.front.messenger
    root = office.slack.say("U1", "C1", "Who knows?")
    target = replace(IN_THREAD, thread=root)
    for _ in range(2):
        await messenger.working(target)
    assert office.world.statuses == [("C1", root, "is looking for the answer …")]
    message_id = await messenger.send(target, "…")
    assert len(office.world.statuses) == 1, "what is said ends it"
    await messenger.working(target)
    [part] = messenger.parts(Card(text=INVOICES))
    await messenger.edit(target, message_id, part)
    assert [status for _, _, status in office.world.statuses[1:]] == ["is looking for the answer …", ""]


async def test_rates_are_kept_when_slack_counts(office: Office) -> None:
    office.slack.per_minute = {"chat.postMessage": 2}
    await asyncio.gather(*(office.say(Q_REFUND) for _ in range(2)))
    office.slack.say("U1", "D1", Q_INVOICE)
    await office.slack.settled()
    with pytest.raises(ThrottledError):
        await office.front.messenger.send(Target(channel="D1"), "…")
    office.slack.per_minute = {}
    await office.desk.idle()
    assert office.replies("D1") == [REFUNDS, REFUNDS, INVOICES]


async def test_a_server_that_is_away_is_unreachable(office: Office) -> None:
    office.slack.plant("chat.postMessage", Fault(kind="drop"))
    with pytest.raises(UnreachableError):
        await office.front.messenger.send(Target(channel="D1"), "…")
