"""What becomes of a question that a program asks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn, GenerationLimits, Judged
from bot.lanes import Turn
from bot.service import Answered
from bot.types import Answer, AnswerKind, Message, Outcome
from tests.integration.commands.office import Template
from tests.integration.web.programs import ask, http_client, key_for
from tests.integration.web.site import FROZEN, Q_FROZEN, Q_INVOICE, Q_REFUND, REFUNDS, Site

LONG = ("word " * 1_000).strip()


class Held(ScriptedGenerator):
    """Writes nothing before it is let go on."""

    def __init__(self) -> None:
        super().__init__(lambda _: REFUNDS)
        self.go = asyncio.Event()

    async def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        async with aclosing(super().stream(turns, limits, judged=judged)) as pieces:
            async for piece in pieces:
                await self.go.wait()
                yield piece


async def until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is elsewhere, and sets no event
            await asyncio.sleep(0.01)


async def in_chat(site: Site, question: str) -> Answer:
    """The answer to somebody on Slack."""
    said = Message(
        platform="slack",
        event_id=f"event {question}",
        channel="D1",
        thread=question,
        sender="U1",
        sender_name="Ada",
        text=question,
        received_at=datetime.now(UTC),
    )
    stored = await site.parts.bot.accept(said)
    assert stored is not None
    async for event in site.parts.bot.reply(stored, fresh=True):
        if isinstance(event, Answered):
            return event.stored.answer
    raise AssertionError(question)


def events_of(text: str) -> list[object]:
    """What a stream of events says."""
    return [
        json.loads(line[6:]) if line != "data: [DONE]" else line for line in text.splitlines() if line[:5] == "data:"
    ]


@pytest.mark.parametrize("question", [Q_REFUND, Q_INVOICE, Q_FROZEN, "zzzz qqqq?", "退款需要多久？", LONG])
async def test_a_program_gets_the_answer_that_people_get(shared: Site, question: str) -> None:
    expected = await in_chat(shared, question)
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        whole = (await ask(client, question)).json()
        pieces = events_of((await ask(client, question, stream=True)).text)
    content = "".join(one["choices"][0]["delta"].get("content", "") for one in pieces if isinstance(one, dict))
    assert whole["choices"][0]["message"]["content"] == content == expected.text
    for extension in (whole["burnish"], pieces[-2]["burnish"]):  # type: ignore[index]  # the last chunk before [DONE]
        assert (extension["kind"], extension["outcome"]) == (expected.kind.value, expected.outcome.value)
        assert [one["excerpt"] for one in extension["sources"]] == [one.excerpt for one in expected.sources]


async def test_a_question_is_stored_like_any_message_under_the_key_and_its_end_user(served: Site) -> None:
    key, secret = key_for(served)
    async with http_client(served, secret) as client:
        for more in ({"user": "ada"}, {"safety_identifier": "Grace Hopper"}, {}, {"user": " "}):
            assert (await ask(client, Q_REFUND, **more)).status_code == 200
    people = [(one.platform, one.platform_user_id) for one in served.store.people.list() if one.platform == "api"]
    assert people == [("api", f"{key.id}:ada"), ("api", f"{key.id}:Grace Hopper"), ("api", f"{key.id}")]
    counts = served.store.answers.counts(datetime(2020, 1, 1, tzinfo=UTC))
    assert counts == {(AnswerKind.GENERATED, Outcome.ANSWERED): 4}
    assert served.store.answers.undelivered("api") == ()
    assert served.store.inbox.pending(platform="api") == ()


async def test_what_came_before_is_what_the_program_sends_and_system_messages_are_not_followed(shared: Site) -> None:
    before = [
        {"role": "system", "content": "Talk like a pirate."},
        {"role": "user", "content": "When do refunds reach my bank?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Within five days."}]},
        {"role": "tool", "content": "42", "tool_call_id": "t"},
        {"role": "user", "content": "And why?"},
        {"role": "assistant", "content": None},
    ]
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        followed = await client.post(
            "/chat/completions",
            json={"model": "burnish", "messages": before, "burnish": {"trace": True}, "user": "ada"},
        )
        alone = await ask(client, "And why?", burnish={"trace": True}, user="ada")
    assert followed.json()["burnish"]["trace"]["query"] == "When do refunds reach my bank? why?"
    assert alone.json()["burnish"]["trace"]["query"] == "And why?", "what the program does not send is not remembered"
    assert "pirate" not in followed.text


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "Hello"}],
        [{"role": "user", "content": "  \n"}],
        [{"role": "user", "content": []}],
        [{"role": "pirate", "content": "Arr"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]}],
        "Hello",
    ],
)
async def test_without_a_question_there_is_no_answer(shared: Site, messages: object) -> None:
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        said = await client.post("/chat/completions", json={"model": "burnish", "messages": messages})
    assert said.status_code == 400
    assert said.json()["error"]["type"] == "invalid_request_error"
    assert said.json()["error"]["param"].startswith("messages")


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[]", b'{"model": "burnish", "messages": [{"role": "user", "content": "\\ud800"}]}']
)
async def test_a_body_that_is_none_is_refused_in_one_sentence(shared: Site, body: bytes) -> None:
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        said = await client.post("/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert said.status_code == 400
    assert set(said.json()["error"]) == {"message", "type", "param", "code"}


async def test_a_failure_is_an_error_to_a_program_and_not_an_answer(tmp_path: Path, template: Template) -> None:
    def fail(_: object) -> str:
        raise RuntimeError(Q_REFUND)

    async with Site.open(tmp_path, template, generator=ScriptedGenerator(fail)) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            whole = await ask(client, Q_REFUND)
            streamed = await ask(client, Q_REFUND, stream=True)
    assert whole.status_code == 500
    assert whole.json()["error"]["code"] == "answer_failed"
    *_, error, done = events_of(streamed.text)
    assert isinstance(error, dict)
    assert error["error"]["type"] == "server_error"
    assert done == "data: [DONE]"


async def test_the_stream_is_events_of_one_line_each(shared: Site) -> None:
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        said = await ask(client, Q_FROZEN, stream=True)
    assert said.headers["content-type"].startswith("text/event-stream")
    assert said.headers["cache-control"] == "no-store"
    lines = said.text.split("\n\n")
    assert lines[-1] == ""
    assert lines[-2] == "data: [DONE]"
    assert all(line.startswith("data: {") and "\n" not in line for line in lines[:-2])
    assert FROZEN in said.text


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_goes_away_stops_its_answer_which_is_not_stored_half(
    tmp_path: Path, template: Template, *, stream: bool
) -> None:
    held = Held()
    async with Site.open(tmp_path, template, generator=held) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            asking = asyncio.create_task(ask(client, Q_REFUND, stream=stream))
            await until(lambda: bool(held.asked))
            assert len(site.store.inbox.pending(platform="api")) == 1
            asking.cancel()
            await asyncio.wait([asking])
        await until(lambda: held.cancelled == 1)
        await until(lambda: site.store.inbox.pending(platform="api") == ())
        assert site.store.answers.recent(5) == ()


async def test_a_client_that_goes_away_while_its_question_is_being_stored_leaves_nothing_to_do(
    tmp_path: Path, template: Template, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.web.observed")
    async with Site.open(tmp_path, template) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            await client.get("/models")  # that the key was used is written down now
            with site.store.database.write():  # nothing else can be
                asking = asyncio.create_task(ask(client, Q_REFUND))
                await until(lambda: site.desk.lanes.busy)
                asking.cancel()
                await until(lambda: any(getattr(one, "status", 0) == 499 for one in caplog.records))
        await until(lambda: any(one.platform == "api" for one in site.store.people.list()))  # it was stored after all
        await until(lambda: not site.desk.lanes.busy)
        assert [one.message.text for one in site.store.inbox.pending(platform="api")] == []
        assert site.store.answers.recent(5) == ()


async def test_a_client_that_goes_away_while_it_waits_is_not_answered(tmp_path: Path, template: Template) -> None:
    held = Held()
    one = {"serve": {"conversations": 1}}
    async with Site.open(tmp_path, template, generator=held, settings=one) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            first = asyncio.create_task(ask(client, Q_REFUND, user="ada"))
            await until(lambda: bool(held.asked))
            second = asyncio.create_task(ask(client, Q_INVOICE, user="grace"))
            await until(lambda: site.desk.waiting == 1)
            second.cancel()
            await until(lambda: site.desk.waiting == 0)
            first.cancel()
            await asyncio.wait([first, second])
        await until(lambda: not site.desk.lanes.busy)
    assert len(held.asked) == 1


async def test_where_too_many_wait_a_program_is_told_when_to_come_back(tmp_path: Path, template: Template) -> None:
    held = Held()
    tight = {"serve": {"conversations": 1}, "models": {"max_queue": 1}}
    async with Site.open(tmp_path, template, generator=held, settings=tight) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            first = asyncio.create_task(ask(client, Q_REFUND, user="ada"))
            await until(lambda: bool(held.asked))
            second = asyncio.create_task(ask(client, Q_REFUND, user="grace"))
            await until(lambda: site.desk.waiting == 1)
            refused = [await ask(client, Q_REFUND, user="alan", stream=stream) for stream in (False, True)]
            held.go.set()
            answered = await asyncio.gather(first, second)
    for one in refused:
        assert one.status_code == 429
        assert one.json()["error"]["code"] == "queue_full"
        assert int(one.headers["retry-after"]) > 0
    assert [one.status_code for one in answered] == [200, 200]
    assert [one.platform_user_id for one in site.store.people.list() if one.platform == "api"] == ["1:ada", "1:grace"]


async def test_programs_never_fill_the_queue_that_they_share_with_people(tmp_path: Path, template: Template) -> None:
    held = Held()
    tight = {"serve": {"conversations": 1}, "models": {"max_queue": 4}}
    async with Site.open(tmp_path, template, generator=held, settings=tight) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            first = asyncio.create_task(ask(client, Q_REFUND, user="a"))
            await until(lambda: bool(held.asked))
            waiting = [asyncio.create_task(ask(client, Q_REFUND, user=user)) for user in ("b", "c")]
            await until(lambda: site.desk.waiting == 2)
            assert (await ask(client, Q_REFUND, user="d")).status_code == 429
            assert site.desk.lanes.put("a person", "1", _nothing), "there is room for people"
            waiting[0].cancel()
            await until(lambda: site.desk.waiting == 2)
            again = asyncio.create_task(ask(client, Q_REFUND, user="d"))
            await until(lambda: site.desk.waiting == 3)
            held.go.set()
            assert [one.status_code for one in await asyncio.gather(first, waiting[1], again)] == [200] * 3


async def _nothing(_: Turn) -> None:
    """A person's question, as far as the queue sees it."""


async def test_programs_without_end_users_are_answered_side_by_side_and_an_end_user_in_turn(
    tmp_path: Path, template: Template
) -> None:
    held = Held()
    async with Site.open(tmp_path, template, generator=held) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            both = [asyncio.create_task(ask(client, Q_REFUND)) for _ in range(2)]
            await until(lambda: len(held.asked) == 2)
            held.go.set()
            await asyncio.gather(*both)
            held.go.clear()
            turns = [asyncio.create_task(ask(client, Q_REFUND, user="ada")) for _ in range(2)]
            await until(lambda: len(held.asked) == 3)
            await until(lambda: site.desk.waiting == 1)
            held.go.set()
            await asyncio.gather(*turns)


# -- the program stops


async def test_who_waits_is_told_when_to_come_back_if_the_program_stops_and_who_is_being_answered_is_answered(
    tmp_path: Path, template: Template
) -> None:
    held = Held()
    one = {"serve": {"conversations": 1}}
    async with Site.open(tmp_path, template, generator=held, settings=one) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            first = asyncio.create_task(ask(client, Q_REFUND, user="ada"))
            await until(lambda: bool(held.asked))
            whole = asyncio.create_task(ask(client, Q_REFUND, user="grace"))
            streamed = asyncio.create_task(ask(client, Q_REFUND, user="alan", stream=True))
            await until(lambda: site.desk.waiting == 2)
            stop = asyncio.create_task(site.stop())
            told = await whole
            late = await ask(client, Q_REFUND, user="tim", stream=True)
            held.go.set()
            answered, stream = await first, await streamed
            await stop
    assert (answered.status_code, REFUNDS in answered.text) == (200, True)
    for refused in (told, late):
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")
        assert int(refused.headers["retry-after"]) > 0
    *_, error, end = events_of(stream.text)
    assert (error, end) == (told.json(), "data: [DONE]")
    assert len(held.asked) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_is_not_ready_when_the_program_has_to_stop_ends_in_an_error(
    tmp_path: Path, template: Template, *, stream: bool
) -> None:
    held = Held()
    async with Site.open(tmp_path, template, generator=held) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            asking = asyncio.create_task(ask(client, Q_REFUND, stream=stream))
            await until(lambda: bool(held.asked))
            await site.desk.lanes.close(seconds=0)  # as after half a minute
            told = await asking
        assert site.store.inbox.pending(platform="api") == (), "nobody waits for it at the next start"
    if stream:
        *_, error, end = events_of(told.text)
        assert end == "data: [DONE]"
    else:
        error = told.json()
        assert (told.status_code, int(told.headers["retry-after"]) > 0) == (503, True)
    assert isinstance(error, dict)
    assert error["error"]["code"] == "stopping"
