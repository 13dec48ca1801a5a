"""What of all that is said in Slack is meant for the bot."""

from __future__ import annotations

from collections import OrderedDict

from bot.frontends.base import Inbox
from bot.frontends.slack.inbound import Said
from bot.frontends.slack.messenger import PLATFORM
from bot.frontends.slack.places import is_direct

MOST = 10_000  # threads in which other people are remembered


class Listening:
    """Decides for whom something was said.

    The desk knows who has spoken to the bot in a thread, also after a restart. That others spoke there among
    themselves is only remembered here, in memory: after a restart the bot may answer one follow-up in a thread with
    several people, unless its root was written by somebody else, which Slack says with every reply.
    """

    def __init__(self, bot: str) -> None:
        """Begin.

        Args:
            bot: The bot's own user id.
        """
        self._bot = bot
        self._heard: OrderedDict[tuple[str, str], set[str]] = OrderedDict()  # who spoke without naming the bot

    async def concerns_bot(self, told: Said, desk: Inbox, *, named: bool) -> bool:
        """Whether a message is for the bot.

        Args:
            told: The message.
            desk: Knows who spoke to the bot.
            named: Whether it mentions the bot.
        """
        if named or is_direct(told.channel):
            return True
        if not told.thread:
            return False
        if await desk.concerns(PLATFORM, told.channel, told.thread, ""):
            return True
        heard = self._hear(told)
        if await desk.asked(PLATFORM, told.channel, told.thread, told.sender):
            return True
        speakers = await desk.speakers(PLATFORM, told.channel, told.thread)
        return speakers == {told.sender} and heard <= {told.sender, self._bot}

    def _hear(self, told: Said) -> set[str]:
        place = (told.channel, told.thread)
        heard = self._heard.setdefault(place, set())
        heard |= {told.sender, told.root_sender} - {""}
        self._heard.move_to_end(place)
        if len(self._heard) > MOST:
            self._heard.popitem(last=False)
        return heard
