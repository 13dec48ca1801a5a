"""How events come in: by socket and by signed requests, each stored before it is acknowledged."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.config import SlackSettings
from bot.desk import Desk
from bot.frontends.base import Check, PlatformError
from bot.frontends.slack.doctor import examine
from bot.frontends.slack.frontend import SlackFrontend
from bot.http import ListenError
from bot.types import Message
from tests.fakes.slack_server import Fault, SlackServer
from tests.fakes.slack_world import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.integration.frontends.slack.offices import BOT, INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, Office


def settings(slack: SlackServer, **given: object) -> SlackSettings:
    return SlackSettings.model_validate(
        {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "base_url": slack.base_url, "listen": "127.0.0.1:0", **given}
    )


# -- socket


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "event_callback", "event": {"type": "team_join", "user": {"id": "U7"}}},
        {"type": "event_callback", "event": {"type": "message", "subtype": "channel_join", "user": "U7"}},
        {"type": "event_callback", "event": {"type": "message", "bot_id": "B9", "text": Q_REFUND, "channel": "D1"}},
        {
            "type": "event_callback",
            "event": {"type": "message", "user": "UBOT", "text": Q_REFUND, "channel": "D1", "ts": "1"},
        },
        {"type": "block_suggestion", "action_id": "x", "block_id": "y", "user": {"id": "U1"}, "value": ""},
        {"type": "view_closed", "view": {"callback_id": "correct"}, "user": {"id": "U1"}},
        {"type": "block_actions", "actions": [{"action_id": "x", "type": "overflow"}], "user": {"id": "U1"}},
        {"type": "shortcut", "callback_id": "unknown", "user": {"id": "U1"}},
        {"type": "something_new", "user": {"id": "U1"}},
    ],
)
async def test_whatever_means_nothing_is_acknowledged_and_not_answered(
    office: Office, payload: dict[str, object]
) -> None:
    kind = "events_api" if payload["type"] == "event_callback" else "interactive"
    office.slack.deliver(kind, payload)  # type: ignore[arg-type]  # one of the two literals
    await office.slack.settled(seconds=0.9)  # before it would be told again
    await office.quiet()
    assert list(office.world.of_bot()) == []


class Gate:
    """A desk before which what is said waits, or fails once."""

    def __init__(self, desk: Desk, *, fails: int = 0) -> None:
        self._desk = desk
        self.fails = fails
        self.open = asyncio.Event()
        self.came = asyncio.Event()

    async def said(self, message: Message) -> None:
        self.came.set()
        await self.open.wait()
        if self.fails:
            self.fails -= 1
            raise OSError("disk full")
        await self._desk.said(message)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else goes to the desk
        return getattr(self._desk, name)


async def gated(office: Office, **options: Any) -> Gate:  # noqa: ANN401 - the gate's options
    await office.stop()
    gates: list[Gate] = []

    def make(desk: Desk) -> Gate:
        gates.append(Gate(desk, **options))
        return gates[0]

    office.gate = make
    await office.start()
    return gates[0]


async def test_an_event_that_could_not_be_stored_is_not_acknowledged_and_comes_again(office: Office) -> None:
    gate = await gated(office, fails=1)
    gate.open.set()
    office.slack.say("U1", "D1", Q_REFUND)
    await gate.came.wait()
    await asyncio.sleep(0.2)
    assert office.slack.unacknowledged == 1
    await office.quiet()
    assert office.replies() == [REFUNDS]


async def test_when_the_bot_stops_what_is_in_hand_is_finished_and_what_comes_then_is_left(office: Office) -> None:
    gate = await gated(office)
    office.slack.say("U1", "D1", Q_REFUND)
    await gate.came.wait()
    assert office.slack.unacknowledged == 1, "nothing is acknowledged before it is stored"
    stopping = asyncio.create_task(office.front.stop())
    await asyncio.sleep(0.05)
    gate.came.clear()
    office.slack.say("U1", "D1", Q_INVOICE)
    await asyncio.sleep(0.2)
    assert not gate.came.is_set()
    gate.open.set()
    await stopping
    assert office.slack.unacknowledged == 1
    office.gate = lambda desk: desk
    await office.restart()
    await office.quiet()
    assert office.replies() == [REFUNDS, INVOICES]


async def test_an_address_that_broke_off_is_not_tried_for_ever(office: Office) -> None:
    office.slack.bad_tickets = 1
    office.slack.drop_socket()
    await office.say(Q_REFUND)
    assert office.replies() == [REFUNDS]
    office.slack.bad_tickets = 1
    await office.restart()
    await office.say(Q_INVOICE)
    assert office.replies() == [REFUNDS, INVOICES]


async def test_after_the_connection_breaks_the_bot_is_back_and_nothing_is_lost_or_repeated(office: Office) -> None:
    await office.say(Q_REFUND)
    office.slack.drop_socket()
    await office.say(Q_INVOICE)
    await office.slack.refresh_socket()
    await office.say(Q_REFUND)
    assert office.replies() == [REFUNDS, INVOICES, REFUNDS]
    assert office.slack.connections == 3


async def test_what_is_told_again_is_answered_once_also_after_a_restart(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    told = {**office.world.told(office.world.channels["C1"][ts]), "channel": "C1", "channel_type": "channel"}
    office.slack.event(told)
    await office.restart()
    office.slack.event(told)
    await office.quiet()
    assert office.replies("C1") == [REFUNDS]


async def test_what_was_said_while_the_bot_was_away_is_answered_when_it_is_back(office: Office) -> None:
    await office.stop()
    office.slack.say("U1", "D1", Q_REFUND)
    await asyncio.sleep(0.1)
    assert office.slack.unacknowledged == 1
    await office.start()
    await office.quiet()
    assert office.replies() == [REFUNDS]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"bot_token": ""}, "SLACK_BOT_TOKEN"),
        ({"app_token": ""}, "SLACK_APP_TOKEN"),
        ({"mode": "http"}, "SLACK_SIGNING_SECRET"),
        ({"bot_token": "xoxb-wrong"}, "does not know the token"),
        ({"app_token": "xapp-wrong"}, "apps.connections.open"),
    ],
)
async def test_a_wrong_token_is_said_at_the_start(
    office: Office, slack: SlackServer, given: dict[str, str], sentence: str
) -> None:
    front = SlackFrontend(settings(slack, **given))
    with pytest.raises(PlatformError, match=sentence) as caught:
        await front.start(office.desk)
    await front.aclose()
    assert "wrong" not in str(caught.value), "no token is ever printed"


async def test_a_slack_that_is_away_for_a_moment_does_not_stop_the_start(office: Office) -> None:
    await office.stop()
    office.slack.plant("auth.test", Fault(kind="500"), Fault(kind="429", retry_after=5))
    office.slack.plant("apps.connections.open", Fault(kind="drop"))
    await office.start()
    await office.say(Q_REFUND)
    assert office.replies() == [REFUNDS]
    assert 5 in office.slept


# -- signed requests


@pytest.fixture
async def web_office(slack: SlackServer, tmp_path: Path) -> AsyncIterator[Office]:
    stack = AsyncExitStack()
    office = Office(slack, tmp_path, stack)
    office.mode = "http"
    await office.start()
    yield office
    await office.stop()
    await stack.aclose()


async def test_by_http_events_buttons_and_commands_come_in_too(web_office: Office) -> None:
    await web_office.say(f"{BOT} {Q_REFUND}", "C1")
    answer = web_office.shown("C1")
    assert web_office.replies("C1") == [REFUNDS]
    await web_office.press(answer, "👍")
    assert next(iter(answer.buttons)) == "👍 ✓"
    web_office.slack.slash("U1", "D1", "why")
    await web_office.quiet()
    assert web_office.replies("D1") == ["/why"]
    assert web_office.front.rejected == 0


async def test_slacks_first_question_about_the_address_is_answered(web_office: Office) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw"})
    assert await post(web_office, body, web_office.slack.signed(body)) == (200, '{"challenge": "3eZbrw"}')


@pytest.mark.parametrize("trouble", ["forged", "unsigned", "stale", "early", "no number", "changed"])
async def test_a_forged_or_stale_signature_is_refused_and_counted(web_office: Office, trouble: str) -> None:
    body = event("U1", "D1", Q_REFUND)
    sign = web_office.slack.signed
    headers = {
        "forged": sign(body, secret="another"),
        "unsigned": {},
        "stale": sign(body, at=time.time() - 301),
        "early": sign(body, at=time.time() + 310),
        "no number": {**sign(body), "X-Slack-Request-Timestamp": "now"},
        "changed": sign(body + " "),
    }[trouble]
    assert await post(web_office, body, headers) == (401, "")
    await web_office.quiet()
    assert web_office.replies() == []
    assert web_office.front.rejected == 1


async def test_a_replayed_request_is_refused(web_office: Office) -> None:
    body = event("U1", "D1", Q_REFUND)
    headers = web_office.slack.signed(body)
    assert (await post(web_office, body, headers))[0] == 200
    assert (await post(web_office, body, headers))[0] == 401
    await web_office.quiet()
    assert web_office.replies() == [REFUNDS]


async def test_a_request_that_is_too_large_is_refused(web_office: Office) -> None:
    body = "x" * (1024 * 1024 + 1)
    assert (await post(web_office, body, web_office.slack.signed(body)))[0] == 401


async def test_forged_requests_are_counted_and_make_one_line_a_minute(
    web_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    body = event("U1", "D1", Q_REFUND)
    for _ in range(5):
        assert (await post(web_office, body, web_office.slack.signed(body, secret="forged")))[0] == 401
    assert web_office.front.rejected == 5
    lines = [one for one in caplog.records if vars(one).get("action") == "slack-request-refused"]
    assert len(lines) == 1


async def test_swapped_tokens_are_named_as_such_when_it_starts(office: Office, slack: SlackServer) -> None:
    front = SlackFrontend(settings(slack, app_token="xoxb-2"))
    with pytest.raises(PlatformError, match="belongs into SLACK_BOT_TOKEN"):
        await front.start(office.desk)
    await front.aclose()


async def test_an_address_that_is_taken_is_said_at_the_start(web_office: Office, slack: SlackServer) -> None:
    secret = SIGNING_SECRET
    front = SlackFrontend(
        settings(slack, mode="http", signing_secret=secret, listen=f"127.0.0.1:{web_office.front.port}")
    )
    with pytest.raises(ListenError, match=r"slack\.listen"):
        await front.start(web_office.desk)
    await front.stop()
    await front.aclose()


def event(user: str, channel: str, text: str) -> str:
    told = {"type": "message", "user": user, "channel": channel, "channel_type": "im", "text": text, "ts": "1.1"}
    return json.dumps({"type": "event_callback", "team_id": "T1", "event": told})


async def post(office: Office, body: str, headers: dict[str, str]) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            office.slack.events_url,
            data=io.BytesIO(body.encode()),
            headers={"Content-Type": "application/json", **headers},
        ) as response,
    ):
        return response.status, await response.text()


# -- the doctor


async def test_the_doctor_finds_a_sound_set_up_sound(slack: SlackServer) -> None:
    checks = await examine(settings(slack))
    assert [(check.name, check.ok) for check in checks] == [
        ("reachability", True),
        ("bot token", True),
        ("scopes", True),
        ("clock", True),
        ("app token", True),
    ]


async def test_the_doctor_says_what_is_missing_and_how_to_mend_it(slack: SlackServer) -> None:
    slack.scopes = "chat:write,commands"
    wrong = settings(slack, app_token="xapp-wrong", signing_secret=SecretStr(""))
    found = {check.name: check for check in await examine(wrong)}
    assert found["scopes"].ok is False
    assert "reactions:read (👍 and 👎 reactions do not count)" in found["scopes"].sentence
    assert "burnish slack manifest" in found["scopes"].sentence
    assert found["app token"].ok is False
    web = {check.name: check for check in await examine(settings(slack, mode="http"))}
    assert web["signing secret"].ok is False
    [only] = await examine(settings(slack, bot_token=""))
    assert (only.name, only.ok) == ("bot token", False)
    refused = {check.name: check.ok for check in await examine(settings(slack, bot_token="xoxb-wrong"))}
    assert refused == {"reachability": True, "bot token": False, "app token": True}


async def test_the_doctor_says_when_slack_cannot_be_reached(slack: SlackServer) -> None:
    away = settings(slack, base_url="http://127.0.0.1:9/api/", mode="http", signing_secret="s")
    found = {check.name: check.ok for check in await examine(away)}
    assert found == {"reachability": False, "signing secret": True}


async def test_the_doctor_looks_whether_the_bot_is_in_the_teams_channel(slack: SlackServer) -> None:
    async def team(channel: str) -> Check:
        return {check.name: check for check in await examine(settings(slack), team=channel)}["team"]

    assert (await team("CTEAM")).ok is True
    slack.world.without_bot.add("CTEAM")
    assert (await team("CTEAM")).ok is False
    assert "/invite" in (await team("CTEAM")).sentence
    nowhere = await team("#help")
    assert nowhere.ok is False
    assert "wants the id" in nowhere.sentence


async def test_swapped_tokens_are_named_as_such(slack: SlackServer) -> None:
    swapped = settings(slack, bot_token="xapp-1", app_token="xoxb-2")
    found = {check.name: check for check in await examine(swapped)}
    assert {name: check.ok for name, check in found.items()} == {"bot token": False, "app token": False}
    assert "SLACK_BOT_TOKEN holds an app token, which belongs into SLACK_APP_TOKEN" in found["bot token"].sentence
