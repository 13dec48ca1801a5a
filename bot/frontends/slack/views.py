"""What opens over a conversation: forms, the App Home, suggested prompts (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.buttons import Verb, data_of
from bot.frontends.base import Form
from bot.frontends.slack.markup import Block
from bot.texts import languages, say

CORRECT = "correct"  # a form's callback id: the right answer to an answer that was not
CHANGE = "change_answer"  # that of the form in which people's reply is changed before it is kept
KEEP = "keep_answer"  # that of the shortcut and of its form: a thread's answer becomes knowledge
LANGUAGE_CHOICE = "home.language"  # the action id of the choice in the App Home
INPUT_CHARACTERS = 3_000  # of a text field
PROMPTS = 4  # that Slack shows at most
LINE_CHARACTERS = 3_000  # of a section's text


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFacts:
    """What the App Home shows one person beside its own words."""

    language: str = ""  # that they chose; "" for none
    lines: tuple[str, ...] = ()  # of status, as plain text; for admins


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Where a form was opened; travels with it."""

    channel: str
    message: str  # ts
    thread: str = ""
    data: str = ""  # of the button

    def packed(self) -> str:
        """As a form carries it."""
        return json.dumps([self.channel, self.message, self.thread, self.data])

    @classmethod
    def unpacked(cls, packed: str) -> Opened:
        """What a form brought back."""
        channel, message, thread, data = json.loads(packed)
        return cls(channel=channel, message=message, thread=thread, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question with its answer, to be kept."""

    question: str = field(repr=False)
    answer: str = field(repr=False)

    @property
    def taught(self) -> str:
        """As the command `teach` reads it."""
        return f"{re.sub('[|｜]', '/', self.question).strip()} | {self.answer.strip()}"


def correction_form(opened: Opened, language: str) -> Block:
    """Asks for the right answer."""
    return _form(
        CORRECT, opened, language, "slack-correct", [_input("text", say("slack-correct-label", language), lines=True)]
    )


def change_form(opened: Opened, form: Form, language: str) -> Block | None:
    """Offers an answer to be changed; None for one that does not fit into a field of Slack's."""
    if len(form.answer) > INPUT_CHARACTERS:
        return None
    question = _section(f"{say('slack-keep-question', language)}: {form.question}"[:LINE_CHARACTERS])
    field_ = _input("text", say("slack-keep-answer", language), value=form.answer, lines=True)
    return _form(CHANGE, opened, language, "slack-keep", [question, field_])


def keep_form(opened: Opened, pair: Pair, language: str) -> Block:
    """Offers a question and its answer to be kept, both to be changed first."""
    return _form(
        KEEP,
        opened,
        language,
        "slack-keep",
        [
            _input("question", say("slack-keep-question", language), value=pair.question),
            _input("answer", say("slack-keep-answer", language), value=pair.answer, lines=True),
        ],
    )


def filled_in(view: Mapping[str, Any]) -> dict[str, str]:
    """What was typed into a form, by field."""
    values = (view.get("state") or {}).get("values") or {}
    return {name: str((fields.get(name) or {}).get("value") or "") for name, fields in values.items()}


def bare(text: str) -> str:
    """An answer's words without the list of its sources and the numbers that point to it."""
    for language in languages():
        text = re.sub(rf"\n+\**{re.escape(say('sources', language))}\**\n(?:\d+\. .*\n?)+\Z", "", text)
    return re.sub(r"\s?\[\d+\]", "", text).strip()


def home(facts: HomeFacts, language: str) -> Block:
    """The App Home: what the bot is, one's own language, and status lines where there are any."""
    options = [_option("auto", language), *(_option(one, language) for one in languages())]
    chosen = facts.language if facts.language in languages() else "auto"
    blocks: list[Block] = [
        _section(say("slack-home-hello", language)),
        {
            **_section(say("slack-home-language", language)),
            "accessory": {
                "type": "static_select",
                "action_id": LANGUAGE_CHOICE,
                "options": options,
                "initial_option": _option(chosen, language),
            },
        },
    ]
    if facts.lines:
        blocks += [{"type": "divider"}, _section("\n".join(facts.lines)[:LINE_CHARACTERS])]
    return {"type": "home", "blocks": blocks}


def prompts(examples: Sequence[str], language: str) -> list[dict[str, str]]:
    """What a new conversation in the assistant's pane offers to ask: the team's questions, then what it can do."""
    offered = [{"title": example, "message": example} for example in examples[: PROMPTS - 1]]
    offered.append({"title": say("slack-prompt-help", language), "message": "help"})
    if len(offered) < PROMPTS:
        offered.append({"title": say("slack-prompt-privacy", language), "message": "privacy"})
    return offered


def _form(callback: str, opened: Opened, language: str, key: str, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": opened.packed(),
        "title": _words(say(f"{key}-title", language)),
        "submit": _words(say("slack-submit", language)),
        "close": _words(say("slack-close", language)),
        "blocks": blocks,
    }


def _input(name: str, label: str, *, value: str = "", lines: bool = False) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": name, "multiline": lines}
    element["max_length"] = INPUT_CHARACTERS
    if value:
        element["initial_value"] = value[:INPUT_CHARACTERS]
    return {"type": "input", "block_id": name, "label": _words(label), "element": element}


def _option(choice: str, language: str) -> Block:
    return {
        "text": _words(say(f"slack-language-{choice}", language)),
        "value": data_of(Verb.COMMAND, "language", choice),
    }


def _section(text: str) -> Block:
    return {"type": "section", "text": _words(text)}


def _words(text: str) -> Block:
    return {"type": "plain_text", "text": text}
