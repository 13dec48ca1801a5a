"""A log line is one JSON object with an action, in a file that only its owner reads."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.testing import logging_to


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The file that log lines go to during a test."""
    with logging_to(tmp_path / "home" / "logs") as file:
        yield file


def test_a_line_is_json_with_its_action_level_logger_and_time(log: Path) -> None:
    logging.getLogger("bot.service").info("answered", extra={"action": "answered", "message_id": 7})
    [line] = log.read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert entry.pop("time")
    assert entry == {
        "level": "INFO",
        "logger": "bot.service",
        "message": "answered",
        "action": "answered",
        "message_id": 7,
    }


def test_libraries_are_heard_from_warnings_on(log: Path) -> None:
    talkative = logging.getLogger("somelibrary")
    talkative.setLevel(logging.DEBUG)
    talkative.info("chatter")
    talkative.warning("trouble")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["trouble"]


def test_only_the_owner_may_enter_the_folder_and_nothing_is_written_before_the_first_line(log: Path) -> None:
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    assert list(log.parent.iterdir()) == []
