"""What a chat platform is to the rest of the program: events come in, messages go out.

A front end turns its platform's events into those below and gives each to the `Desk`; the platform is told that an
event arrived only after the desk returned, because then it is stored. The desk speaks through a `Messenger`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.buttons import Rows
from bot.cards import Card
from bot.errors import BotError
from bot.types import Message, Place, RatingValue, Role, StoredMessage

PLACEHOLDER = "…"  # what stands where an answer will be


class PlatformError(BotError):
    """A platform did not do what it was asked for."""


class ThrottledError(PlatformError):
    """Too many requests: the platform says when to try again."""

    def __init__(self, retry_after: float) -> None:
        """Say when.

        Args:
            retry_after: Seconds.
        """
        super().__init__(f"too many requests; the platform asks to wait {retry_after:g} s")
        self.retry_after = retry_after


class UnreachableError(PlatformError):
    """No answer, or an error on the platform's side (5xx): trying again may help."""


class MarkupError(PlatformError):
    """The platform does not take this formatting; plain text may go."""


class MessageGoneError(PlatformError):
    """The message to be changed is not there any more."""


class PlaceGoneError(PlatformError):
    """Nothing can be sent there any more: the bot was blocked or removed, or the chat is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where something is to be sent."""

    channel: str
    thread: str = ""
    place: Place = Place.DIRECT
    reply_to: str = ""  # the platform's id of the message that it answers; "" for none
    person: str = ""  # the platform's id of whoever it is for; "" for everybody there
    team: str = ""  # Slack's workspace id


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a card that fits into one message of a platform."""

    body: object  # ready for the platform: only its own messenger looks inside
    plain: str  # the same words without formatting, for when the platform refuses the body
    buttons: Rows = ()
    rates: int | None = None  # as in Card


class Live(Protocol):
    """A text that grows before the reader's eyes."""

    async def show(self, text: str) -> None:
        """Show the whole text so far.

        Raises:
            PlatformError: It could not be shown; the next one may.
        """

    async def close(self) -> None:
        """Nothing more will be shown; never raises. The final text is edited into the message afterwards."""


Placed = Callable[[str], Awaitable[None]]  # told the id of a message that was just sent, to be stored


class Finder(Protocol):
    """Sends in one piece, on a platform where the bot can find what it sent: no placeholder is needed there."""

    async def post(self, target: Target, part: Part, key: str, *, plain: bool = False) -> str:
        """Send a part as a new message that carries a key which no reader sees; returns the message's id."""

    async def find(self, target: Target, key: str) -> str:
        """The id of the bot's message with this key, in the place and not older than `target.reply_to`; "" for none."""


class Messenger(Protocol):
    """Sends to one platform. Every method raises a PlatformError where the platform does not comply."""

    @property
    def platform(self) -> str:
        """Its name: "telegram", "slack"."""

    @property
    def finder(self) -> Finder | None:
        """The same as a Finder; None where the bot cannot look for its own messages."""

    def live_seconds(self, target: Target) -> float:
        """The least time between two `Live.show` in this place that the platform's rate allows, seconds."""

    def parts(self, card: Card) -> tuple[Part, ...]:
        """Cut a card into pieces that fit, at borders of paragraphs or code; at least one. The last has the buttons."""

    async def send(self, target: Target, text: str) -> str:
        """Send a short plain text, most often PLACEHOLDER; returns the message's id."""

    async def edit(self, target: Target, message_id: str, part: Part, *, plain: bool = False) -> None:
        """Put a part in the place of a message's text. The same again is no error: it is done already."""

    async def set_buttons(self, target: Target, message_id: str, buttons: Rows) -> None:
        """Change a message's buttons alone."""

    async def delete(self, target: Target, message_id: str) -> None:
        """Remove a message; one that is gone already is no error."""

    async def working(self, target: Target) -> None:
        """Show that an answer is being made ("is typing"), for some seconds."""

    async def tell(self, target: Target, card: Card, *, expects_text: bool = False) -> None:
        """Say something short to `target.person` alone where the platform can, else in the place.

        Args:
            target: Where.
            card: What.
            expects_text: Whether the next text of that person is what is asked for.
        """

    def live(self, target: Target, placed: Placed, message_id: str = "", *, buttons: Rows = ()) -> Live:
        """Begin a growing text.

        Args:
            target: Where.
            placed: Awaited with the message's id as soon as there is one.
            message_id: A message that stands there already, to be written into.
            buttons: Under it while it grows.
        """

    async def direct(self, person: str) -> str:
        """The channel of the conversation with one person alone.

        Raises:
            PlaceGoneError: There can be none: the person never wrote to the bot, or blocked it.
        """

    async def picture(self, target: Target, png: bytes, caption: str) -> str:
        """Send a picture with a short plain text; returns the message's id, "" where the platform does not tell it."""

    async def fetch(self, file_id: str) -> bytes:
        """Download an attachment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Somebody pressed a button, or filled in what it opened."""

    platform: str
    channel: str
    thread: str
    place: Place
    message_id: str  # of the message with the button
    event_id: str  # the platform's own id of this press; the same when it is told again
    sender: str
    sender_name: str
    data: str  # as bot.buttons wrote it
    language: str = ""  # of the sender's client
    team: str = ""
    text: str = field(default="", repr=False)  # what was typed into a form that the button opened
    takes_form: bool = False  # whether the front end can open a form where a button asks for a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Somebody put an emoji on a message, or took it back."""

    platform: str
    channel: str
    message_id: str
    sender: str
    sender_name: str
    value: RatingValue
    taken_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Asks for an answer that is there to be changed."""

    question: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a press leads to at once; the front end shows it."""

    toast: str = ""  # a short note that vanishes
    buttons: Rows | None = None  # in the place of those that the message has; None: they stay
    say: Card | None = None  # to the person alone where the platform can
    expects_text: bool = False  # whether the person's next text is what `say` asks for
    form: Form | None = None  # to be opened; one that cannot be is asked for again without `takes_form`


def target_of(stored: StoredMessage) -> Target:
    """Where the answer to a message goes."""
    message = stored.message
    return Target(
        channel=message.channel,
        thread=message.thread,
        place=message.origin.place,
        reply_to=message.origin.message_id,
        person=message.sender,
        team=message.origin.team,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that `burnish doctor` looked at."""

    name: str  # "token", "privacy mode"
    ok: bool | None  # None: could not be told, or is a matter of taste
    sentence: str  # what was found and, where it is not well, how to mend it; never a secret


class Frontend(Protocol):
    """One platform's connection."""

    @property
    def messenger(self) -> Messenger:
        """What speaks there."""

    @property
    def problem(self) -> str:
        """What keeps events from coming in, in one sentence; "" if nothing does."""

    @property
    def rejected(self) -> int:
        """Requests from outside that were forged, stale or repeated, since the start."""

    async def show_roles(self, people: Sequence[tuple[str, Role, str]]) -> None:
        """Show people the commands of their role, where the platform has menus; never raises.

        Args:
            people: The platform's id, the role and the chosen language ("" for none) of everybody.
        """

    async def start(self, desk: Inbox) -> None:
        """Connect and begin to take events; returns once events come in.

        Raises:
            PlatformError: The token is wrong, or the platform cannot be reached; one sentence says what to do.
        """

    async def stop(self) -> None:
        """Take no more events. What was taken is with the desk; sending goes on working until `aclose`."""

    async def aclose(self) -> None:
        """Close all connections."""


class Inbox(Protocol):
    """The desk as front ends see it. Each method returns when what happened is stored."""

    async def said(self, message: Message) -> None:
        """Somebody spoke to the bot; a repeated event changes nothing.

        With origin.replaces it is an edit; one of a message that was never brought is a message like any other.
        """

    async def deleted(self, platform: str, channel: str, event_id: str) -> None:
        """Somebody took a message back, named by the event id that it had."""

    async def pressed(self, press: Press) -> Response:
        """Somebody pressed a button."""

    async def reacted(self, reaction: Reaction) -> None:
        """Somebody put 👍 or 👎 on a message, or took it back."""

    async def renamed(self, platform: str, channel: str, new: str) -> None:
        """A channel has another id from now on."""

    async def concerns(self, platform: str, channel: str, thread: str, reply_to: str) -> bool:
        """Whether something said there without naming the bot is meant for it all the same.

        True for people's replies to a question that was passed on to them.

        Args:
            platform: Where.
            channel: Where.
            thread: Thread or topic; its root message is looked at too.
            reply_to: The message that it replies to, "" for none.
        """

    async def asked(self, platform: str, channel: str, thread: str, person: str) -> bool:
        """Whether somebody's question from this place is with people; what they say in its thread is for them too."""

    async def album(self, message: Message) -> tuple[StoredMessage, ...]:
        """The messages of a message's album that were brought here, in every version, oldest first."""

    async def knows(self, platform: str, event_id: str) -> bool:
        """Whether a message was brought here before."""

    async def speakers(self, platform: str, channel: str, thread: str) -> frozenset[str]:
        """The platform's ids of everybody who has spoken to the bot in a place."""
