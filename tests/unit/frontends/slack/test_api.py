"""Slack's errors as the front ends' own, over the real client library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.config import SlackSettings
from bot.frontends.base import (
    MarkupError,
    MessageGoneError,
    PlaceGoneError,
    PlatformError,
    ThrottledError,
    UnreachableError,
)
from bot.frontends.slack.api import FILE_BYTES, RefusedError, SlackApi
from bot.frontends.slack.people import Profiles
from tests.fakes.slack_rules import Payload
from tests.fakes.slack_rules import RefusedError as Refusal
from tests.fakes.slack_server import Fault, SlackServer
from tests.fakes.slack_world import BOT_TOKEN


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


@pytest.fixture
async def api(slack: SlackServer) -> AsyncIterator[SlackApi]:
    api = SlackApi(SlackSettings.model_validate({"bot_token": BOT_TOKEN, "base_url": slack.base_url}))
    yield api
    await api.aclose()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("message_not_found", MessageGoneError),
        ("edit_window_closed", MessageGoneError),
        ("channel_not_found", PlaceGoneError),
        ("is_archived", PlaceGoneError),
        ("restricted_action_read_only_channel", PlaceGoneError),
        ("invalid_blocks", MarkupError),
        ("msg_too_long", MarkupError),
        ("internal_error", UnreachableError),
        ("ratelimited", ThrottledError),
        ("something_new", RefusedError),
        ("invalid_auth", PlatformError),
    ],
)
async def test_slacks_errors_are_told_apart(
    slack: SlackServer, api: SlackApi, code: str, kind: type[PlatformError]
) -> None:
    def refuse(_given: Payload) -> Payload:
        raise Refusal(code)

    slack.world.methods["chat.update"] = refuse
    with pytest.raises(PlatformError) as caught:
        await api.call("chat.update", channel="C1", ts="1.0")
    assert type(caught.value) is kind
    assert BOT_TOKEN not in str(caught.value)


async def test_a_missing_scope_is_named_with_what_to_do(slack: SlackServer, api: SlackApi) -> None:
    def refuse(_given: Payload) -> Payload:
        raise Refusal("missing_scope", needed="reactions:read", provided="chat:write")

    slack.world.methods["chat.update"] = refuse
    with pytest.raises(PlatformError, match=r"reactions:read.*burnish slack manifest"):
        await api.call("chat.update", channel="C1", ts="1.0")


async def test_invalid_arguments_are_about_formatting_only_where_slack_says_so(
    slack: SlackServer, api: SlackApi
) -> None:
    def refuse(given: Payload) -> Payload:
        said = "[ERROR] missing required field: ts" if given["ts"] == "1" else "[ERROR] invalid blocks[0]"
        raise Refusal("invalid_arguments", response_metadata={"messages": [said]})

    slack.world.methods["chat.update"] = refuse
    with pytest.raises(RefusedError):
        await api.call("chat.update", ts="1")
    with pytest.raises(MarkupError):
        await api.call("chat.update", ts="2")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(kind="429", retry_after=7), ThrottledError),
        (Fault(kind="500"), UnreachableError),
        (Fault(kind="drop"), UnreachableError),
        (Fault(kind="drop", after=True), UnreachableError),
    ],
)
async def test_each_fault_is_tried_once_and_said(
    slack: SlackServer, api: SlackApi, fault: Fault, kind: type[PlatformError]
) -> None:
    slack.plant("auth.test", fault)
    with pytest.raises(kind) as caught:
        await api.who()
    assert slack.calls["auth.test"] == 1, "who calls decides whether to try again"
    if isinstance(caught.value, ThrottledError):
        assert caught.value.retry_after == fault.retry_after


async def test_who_the_token_belongs_to(api: SlackApi) -> None:
    me = await api.who()
    assert (me.user, me.bot, me.team, me.name) == ("UBOT", "BBOT", "T1", "burnish")
    assert "users:read" in me.scopes
    assert me.seconds_ahead is not None
    assert abs(me.seconds_ahead) < 2


async def test_files_come_up_to_a_size(slack: SlackServer, api: SlackApi) -> None:
    address = slack.base_url.removesuffix("/api/")
    assert await api.download(address + slack.world.file("a", b"x")) == b"x"
    large = address + slack.world.file("b", bytes(FILE_BYTES + 1))
    with pytest.raises(PlatformError, match="larger than 20 MB"):
        await api.download(large)
    with pytest.raises(PlatformError, match="HTTP 404"):
        await api.download(f"{address}/files/none")
    with pytest.raises(PlatformError, match="not fetched from anywhere else"):
        await api.download("https://slack.com.evil.example/files/a")


async def test_profiles_are_asked_for_once_an_hour_and_a_fault_is_no_loss(slack: SlackServer, api: SlackApi) -> None:
    clock = [0.0]
    profiles = Profiles(api, clock=lambda: clock[0])
    slack.world.user("U1", name="Ada", locale="zh-CN")
    slack.plant("users.info", Fault(kind="500"))
    assert (await profiles.of("U1")).name == ""
    assert (await profiles.of("U1")).name == ""
    clock[0] += 61
    who = await profiles.of("U1")
    assert (who.name, who.language) == ("Ada", "zh-cn")
    slack.world.user("U1", name="Grace")
    assert (await profiles.of("U1")).name == "Ada"
    clock[0] += 3601
    slack.plant("users.info", Fault(kind="500"))
    assert (await profiles.of("U1")).name == "Ada", "an old name is better than none"
    clock[0] += 61
    assert (await profiles.of("U1")).name == "Grace"
    assert slack.calls["users.info"] == 4


async def test_several_messages_of_one_person_ask_for_the_profile_once(slack: SlackServer, api: SlackApi) -> None:
    slack.world.user("U1", name="Ada")
    profiles = Profiles(api)
    found = await asyncio.gather(*(profiles.of("U1") for _ in range(20)))
    assert {who.name for who in found} == {"Ada"}
    assert slack.calls["users.info"] == 1
