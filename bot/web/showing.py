"""A conversation as the chat page shows it: pieces of HTML, each with a name and a version. Read from the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

from bot.buttons import Rows, Verb, below, read
from bot.cards import Card, safe, source_link, source_name, text_of
from bot.frontends.web.hub import Hub
from bot.frontends.web.messenger import NOTICES, answer_id, channel_of, talk_of
from bot.outgoing import RATED_KINDS
from bot.store.people import WEB, Person
from bot.store.posts import Post
from bot.store.transcript import Exchange
from bot.texts import say
from bot.types import AnswerKind, Button, RatingValue, Source, StoredAnswer, StoredMessage, Wanted
from bot.web.markdown import render
from bot.web.pages import piece
from bot.web.parts import WebParts

PRESSED: Final = "press:"  # how the event of a message begins that a button said
TALKS: Final = 30  # conversations listed
TITLE_CHARACTERS: Final = 60
EXPLAINED: Final = RATED_KINDS | {AnswerKind.CLARIFICATION, AnswerKind.REFUSAL, AnswerKind.CANNED}

_SIGNS: Final[Mapping[str, str]] = {"👍": "web-chat-good", "👎": "web-chat-bad"}  # what is said of labels without words


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A piece of a conversation."""

    key: str  # id of its element
    html: str
    version: str  # another one if the HTML is another
    at: datetime  # where it stands
    waits: StoredMessage | None  # for its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownButton:
    """A button as the page shows it."""

    label: str
    data: str
    name: str  # for those who do not see it; "" if the label says it
    pressed: bool | None  # None if it is no switch
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSource:
    """A source as the page shows it."""

    id: str  # of what opens
    number: int
    title: str
    name: str
    link: str  # "" for none
    excerpt: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTalk:
    """A conversation in the list."""

    talk: str
    title: str
    at: datetime


class Showing:
    """Makes the pieces. Everything here blocks."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._hub: Hub = parts.chat.hub

    def items(self, channel: str, language: str, *, limit: int) -> tuple[Item, ...]:
        """A conversation's last pieces, oldest first."""
        store = self._parts.store
        found = [
            *(self._exchange(one, language) for one in store.transcripts.exchanges(WEB, channel, limit=limit)),
            *(self._post(one, channel, language) for one in store.posts.in_place(WEB, channel, limit=limit)),
        ]
        return tuple(sorted(found, key=lambda item: item.at))

    def talks(self, person: Person, language: str) -> tuple[ShownTalk, ...]:
        """A person's conversations, the latest first."""
        found = [
            ShownTalk(talk=talk_of(one.channel), title=_title(one.first, language), at=one.last_at)
            for one in self._parts.store.transcripts.talks(person.id, limit=TALKS)
            if one.channel == channel_of(person.platform_user_id, talk_of(one.channel))
        ]
        posts = self._parts.store.posts.in_place(WEB, channel_of(person.platform_user_id, NOTICES), limit=1)
        if posts and all(one.talk != NOTICES for one in found):
            found.append(ShownTalk(talk=NOTICES, title=say("web-chat-notices", language), at=posts[0].created_at))
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    def card(self, card: Card, language: str) -> str:
        """A note to whoever reads now."""
        return piece("chat/note.html", language, body=render(card.text), rows=_shown(card.buttons, language))

    def _exchange(self, one: Exchange, language: str) -> Item:
        message = one.stored.message
        shown = answer_id(message.origin.message_id)
        menu = self._menu(one)
        growing = self._hub.growing(message.channel).get(shown) if one.answer is None else None
        html = piece(
            "chat/exchange.html",
            language,
            key=f"x-{message.origin.message_id}",
            event=message.origin.replaces or message.event_id,
            answer_id=shown,
            question=_question(one.stored),
            files=[file.name or file.kind.value for file in message.origin.attachments],
            state=_state(one),
            dropped=say("slow-down" if self._parts.desk.came_too_fast(one.stored) else "web-chat-dropped", language),
            body=self._body(one, shown, growing.text if growing is not None else "", language),
            asked=menu.text if menu is not None else say("ask-rating", language) if one.asked else "",
            sources=_sources(one.answer, language),
            menu=f"a{one.answer.id}" if one.answer is not None else "",
            rows=self._rows(one, shown, growing.buttons if growing is not None else (), language),
            why=one.answer is not None and one.answer.answer.kind in EXPLAINED and menu is None,
        )
        return Item(
            key=f"x-{message.origin.message_id}",
            html=html,
            version=_version(html),
            at=one.first_at,
            waits=one.stored if one.waits and one.answer is None else None,
        )

    def _body(self, one: Exchange, shown: str, growing: str, language: str) -> Markup:
        if one.answer is None:
            return render(growing)
        kept = self._hub.kept(one.stored.message.channel, shown)
        if one.answer.answer.kind is AnswerKind.COMMAND:  # what it says may have been edited since
            return render(kept.text if kept is not None else one.answer.answer.text)
        sources = _sources(one.answer, language)
        return render(
            text_of(one.answer.answer),
            opens={source.number: source.id for source in sources},
            labels={
                source.number: say("web-chat-source", language, number=source.number, title=source.title)
                for source in sources
            },
        )

    def _rows(self, one: Exchange, shown: str, growing: Rows, language: str) -> list[list[ShownButton]]:
        """The buttons under an answer: those that a press led to, those of an edited one, or what its kind has."""
        channel, answer = one.stored.message.channel, one.answer
        if answer is None:
            return _shown(growing, language)
        kept = self._hub.kept(channel, shown)
        if (menu := self._menu(one)) is not None:
            rows = menu.buttons
        elif answer.answer.kind is AnswerKind.COMMAND and kept is not None:
            rows = kept.buttons
        else:
            rows = below(answer, language, rated=one.rated, human=self._parts.handoffs.possible)
        return _shown(rows, language, rated=one.rated)

    def _menu(self, one: Exchange) -> Card | None:
        """What a press put in the place of the buttons; None for nothing."""
        return None if one.answer is None else self._hub.kept(one.stored.message.channel, f"menu:a{one.answer.id}")

    def _post(self, post: Post, channel: str, language: str) -> Item:
        kept = self._hub.kept(channel, post.platform_message_id) if post.platform_message_id else None
        text = kept.text if kept is not None else post.body.shown
        menu = self._hub.kept(channel, f"menu:p{post.id}")
        html = piece(
            "chat/post.html",
            language,
            key=f"p-{post.id}",
            body=render(text or say("web-chat-not-kept", language)),
            picture=f"/c/{talk_of(channel)}/picture/{post.id}" if post.body.picture else "",
            caption=post.body.text,
            menu=f"p{post.id}",
            rows=_shown(menu.buttons if menu is not None else post.body.buttons, language),
        )
        return Item(key=f"p-{post.id}", html=html, version=_version(html), at=post.created_at, waits=None)


def digest(items: Sequence[Item]) -> str:
    """What tells a conversation as it is shown now from any other."""
    return _version(" ".join(f"{item.key}={item.version}" for item in items))


def _state(one: Exchange) -> str:
    if one.answer is not None:
        return "people" if one.answer.answer.kind is AnswerKind.RELAYED else "answered"
    return "waits" if one.waits else "dropped"


def _question(stored: StoredMessage) -> str:
    """What its sender is shown to have said; "" for what a button said without words of theirs."""
    message = stored.message
    command = message.origin.command
    if not command or command == "ask" or command in set(Wanted):
        return message.text
    return "" if message.event_id.startswith(PRESSED) else f"/{command} {message.text}".strip()


def _title(stored: StoredMessage, language: str) -> str:
    text = " ".join((_question(stored) or say("web-chat-untitled", language)).split())
    return text if len(text) <= TITLE_CHARACTERS else f"{text[: TITLE_CHARACTERS - 1]}…"


def _sources(stored: StoredAnswer | None, language: str) -> tuple[ShownSource, ...]:
    if stored is None:
        return ()
    return tuple(_source(stored.id, one, language) for one in stored.answer.sources)


def _source(of: int, source: Source, language: str) -> ShownSource:
    return ShownSource(
        id=f"s-{of}-{source.number}",
        number=source.number,
        title=source.title,
        name=source_name(source, language),
        link=source_link(source),
        excerpt=render(safe(source.excerpt)),
    )


def _shown(rows: Rows, language: str, *, rated: RatingValue | None = None) -> list[list[ShownButton]]:
    return [list(_buttons(row, language, rated)) for row in rows]


def _buttons(row: Sequence[Button], language: str, rated: RatingValue | None) -> Iterator[ShownButton]:
    for button in row:
        pressed = read(button.data)
        value = pressed.argument if pressed is not None and pressed.verb is Verb.RATE else ""
        label = button.label.removesuffix(" ✓") if value else button.label
        yield ShownButton(
            label=label,
            data=button.data,
            name=say(_SIGNS[label], language) if label in _SIGNS else "",
            pressed=(rated is not None and rated.value == value) if value else None,
            style=button.style,
        )


def _version(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
