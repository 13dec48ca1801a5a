"""What Slack takes and what it refuses, by its own names (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Payload = dict[str, Any]

TEXT = 40_000
MARKDOWN = 12_000
SECTION = 3_000
LABEL = 75
VALUE = 2_000
BLOCKS = 50
TOGETHER = 11_300  # characters of all blocks' text; what is documented nowhere and was refused once
ELEMENTS = {"actions": 25, "context": 10, "context_actions": 5}
INPUT = 3_000
METADATA = 3_000
TITLE = 24


class RefusedError(Exception):
    """An answer with ok = false."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def check_text(text: str) -> None:
    if len(text) > TEXT:
        raise RefusedError("msg_too_long")


def check_message_blocks(blocks: Sequence[Mapping[str, Any]]) -> None:
    """Raise what Slack would say to a message's blocks."""
    if len(blocks) > BLOCKS:
        raise _bad(f"no more than {BLOCKS} items allowed [json-pointer:/blocks]")
    for number, block in enumerate(blocks):
        _check_block(block, f"/blocks/{number}")
    if sum(len(text) for block in blocks for text in _texts(block)) > TOGETHER:
        raise RefusedError("msg_blocks_too_long")


def check_view(view: Mapping[str, Any]) -> None:
    """Raise what Slack would say to a form or a home tab."""
    if view.get("type") == "modal":
        _label(view.get("title"), "/view/title", TITLE)
        _label(view.get("submit"), "/view/submit", TITLE)
    if len(view.get("private_metadata", "")) > METADATA:
        raise _bad("must be less than 3001 characters [json-pointer:/view/private_metadata]")
    for number, block in enumerate(view["blocks"]):
        _check_block(block, f"/view/blocks/{number}")


def _check_block(block: Mapping[str, Any], where: str) -> None:
    kind = block.get("type")
    if kind == "markdown":
        _length(block.get("text"), where, MARKDOWN)
    elif kind == "section":
        _check_section(block, where)
    elif kind in ELEMENTS:
        elements = block.get("elements") or []
        if not 1 <= len(elements) <= ELEMENTS[kind]:
            raise _bad(f"wrong number of elements [json-pointer:{where}/elements]")
        _check_elements(str(kind), elements, where)
    elif kind == "input":
        _label(block.get("label"), where, VALUE)
        element = block["element"]
        if element.get("type") != "plain_text_input" or len(element.get("initial_value", "")) > INPUT:
            raise _bad(f"invalid element [json-pointer:{where}/element]")
    elif kind not in {"divider", "rich_text"}:
        raise _bad(f"unsupported type: {kind} [json-pointer:{where}/type]")


def _check_section(block: Mapping[str, Any], where: str) -> None:
    text = block.get("text") or {}
    if text.get("type") not in {"plain_text", "mrkdwn"}:
        raise _bad(f"unsupported type [json-pointer:{where}/text/type]")
    _length(text.get("text"), where, SECTION)


def _check_elements(kind: str, elements: Sequence[Mapping[str, Any]], where: str) -> None:
    ids = [element.get("action_id") for element in elements if "action_id" in element]
    if len(ids) != len(set(ids)):
        raise _bad(f"`action_id` should be unique [json-pointer:{where}/elements]")
    for element in elements:
        if kind == "context_actions":
            if element.get("type") != "feedback_buttons":
                raise _bad(f"unsupported type [json-pointer:{where}/elements]")
            for side in ("positive_button", "negative_button"):
                _check_button(element[side], where)
        elif kind == "actions":
            if element.get("type") != "button" or not element.get("action_id"):
                raise _bad(f"unsupported type [json-pointer:{where}/elements]")
            _check_button(element, where)
        else:
            _length(element.get("text"), where, SECTION)


def _check_button(button: Mapping[str, Any], where: str) -> None:
    _label(button.get("text"), where, LABEL)
    _length(button.get("value"), where, VALUE)


def _label(label: object, where: str, limit: int) -> None:
    if not isinstance(label, dict) or label.get("type") != "plain_text":
        raise _bad(f"must be a plain_text object [json-pointer:{where}]")
    _length(label.get("text"), where, limit)


def _length(text: object, where: str, limit: int) -> None:
    if not isinstance(text, str) or not text:
        raise _bad(f"must be more than 0 characters [json-pointer:{where}]")
    if len(text) > limit:
        raise _bad(f"must be less than {limit + 1} characters [json-pointer:{where}]")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inside in value.items():
            if key == "text" and isinstance(inside, str):
                yield inside
            else:
                yield from _texts(inside)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _bad(sentence: str) -> RefusedError:
    return RefusedError("invalid_blocks", errors=[sentence], response_metadata={"messages": [f"[ERROR] {sentence}"]})
