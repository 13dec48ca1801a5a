"""A text that grows in Slack: through its own streaming where that can be, else by edits.

Appending cannot be repeated safely and Slack ends a stream whenever it likes, so what is shown here is only ever a
preview: the final text is edited over it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bot.buttons import Rows
from bot.cards import safe
from bot.frontends.base import (
    PLACEHOLDER,
    Placed,
    PlaceGoneError,
    PlatformError,
    Target,
    ThrottledError,
    UnreachableError,
)
from bot.frontends.slack import markup
from bot.frontends.slack.api import RefusedError
from bot.frontends.slack.places import thread_of
from bot.types import Place

# What Slack says where there is no streaming at all, rather than not for this one message.
NOT_HERE = frozenset(
    {
        "unknown_method",
        "method_deprecated",
        "feature_not_enabled",
        "team_access_not_granted",
        "not_allowed_token_type",
        "streaming_not_enabled",
    }
)

if TYPE_CHECKING:
    from bot.frontends.slack.messenger import SlackMessenger


class SlackLive:
    """One growing text."""

    def __init__(
        self, messenger: SlackMessenger, target: Target, placed: Placed, message_id: str, buttons: Rows = ()
    ) -> None:
        """Keep what is needed; nothing is sent before the first words."""
        self._messenger = messenger
        self._target = target
        self._placed = placed
        self._message_id = message_id
        self._buttons = buttons  # a stream has none
        self._streaming = False
        self._appended = ""  # what the stream shows

    async def show(self, text: str) -> None:
        """The whole text so far; the stream gets what is new in it."""
        shown = markup.harmless(safe(text))[: markup.TEXT_CHARACTERS]
        if not self._message_id:
            # first without words, and noted: after a crash a lone empty message may stay, never a second answer
            self._message_id = await self._begin()
            await self._placed(self._message_id)
        if self._streaming:
            await self._append(shown)
        else:
            blocks = [*markup.text_blocks(shown), *markup.button_blocks(self._buttons)]
            await self._messenger.update(
                self._target.channel, self._message_id, blocks, markup.notification(markup.plain(shown))
            )

    async def close(self) -> None:
        """End the stream; where that does not succeed, the final edit does it."""
        if self._streaming:
            self._streaming = False
            with suppress(PlatformError):
                await self._messenger.stop_stream(self._target.channel, self._message_id)

    async def _begin(self) -> str:
        thread = thread_of(self._target)
        elsewhere = self._target.place is not Place.DIRECT
        addressed = bool(self._target.person and self._target.team)
        if thread and self._messenger.streams and not self._buttons and (addressed or not elsewhere):
            try:
                answer = await self._messenger.api.call(
                    "chat.startStream",
                    channel=self._target.channel,
                    thread_ts=thread,
                    recipient_team_id=self._target.team if elsewhere else None,
                    recipient_user_id=self._target.person if elsewhere else None,
                )
            except (PlaceGoneError, UnreachableError):
                raise
            except ThrottledError:
                pass  # few streams may begin in a minute; this answer grows by edits
            except RefusedError as error:
                self._messenger.streams = error.code not in NOT_HERE
            except PlatformError:
                pass  # this answer grows by edits
            else:
                self._streaming = True
                self._messenger.spoke(self._target)
                return str(answer["ts"])
        return await self._messenger.send(self._target, PLACEHOLDER)

    async def _append(self, shown: str) -> None:
        new = shown.removeprefix(self._appended)
        if len(new) == len(shown) and self._appended:
            return  # what was shown has changed, as code that has just been closed: the final text puts it right
        if not new:
            return
        channel, ts = self._target.channel, self._message_id
        await self._messenger.api.call("chat.appendStream", channel=channel, ts=ts, markdown_text=new)
        self._appended = shown


class Nothing:
    """No growing text, where one cannot be."""

    async def show(self, text: str) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""
