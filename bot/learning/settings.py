"""The settings of the learning loop; bot.config reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from bot.section import Section
from training.errors import TrainingError
from training.schedule import plan_of, quiet_of


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected a time zone, such as Europe/Berlin or Asia/Shanghai") from None
    return name


def _readable(read: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            read(text)
        except TrainingError as error:
            raise ValueError(str(error)) from None
        return text

    return AfterValidator(check)


class LearningSettings(Section):
    """How the bot learns from ratings and corrections."""

    schedule: Annotated[str, _readable(plan_of)] = Field(
        "weekly sun 03:00",
        description="When training begins by itself: off, daily HH:MM, weekly DAY HH:MM or after N ratings. "
        "What is set from chat or with `burnish schedule set` counts instead.",
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="Of those times, such as Europe/Berlin."
    )
    quiet_hours: Annotated[str, _readable(quiet_of)] = Field(
        "", description="Hours in which no training begins by itself, such as 08:00-18:00. Empty: none."
    )
    promote: Literal["auto", "ask"] = Field(
        "auto",
        description="What happens to a version that proved better: auto lets it serve (first as a canary, if canary "
        "is on), ask waits for an admin.",
    )
    canary: Literal["on", "off"] = Field(
        "on",
        description="Whether a better version first serves a share of the conversations, and live ratings decide. "
        "off: the held-out questions alone decide; for teams with few ratings.",
    )
    canary_share: float = Field(0.5, gt=0, le=0.5, description="That share, 0 to 0.5.")
    keep_versions: int = Field(5, ge=1, le=100, description="Earlier versions that are kept to go back to, per task.")
    keep_runs: int = Field(20, ge=1, le=1_000, description="Runs whose logs and pictures are kept.")
    threads: int = Field(
        2, ge=1, le=256, description="CPU threads for training, which stands still while an answer is written."
    )
    max_minutes: float = Field(30.0, ge=1, le=1_440, description="A run that takes longer is ended, minutes.")
    max_memory_megabytes: int = Field(6_000, ge=500, le=1_000_000, description="One that needs more is ended, MB.")
    max_encoded_chunks: int = Field(
        10_000,
        ge=0,
        le=1_000_000,
        description="Chunks of documents up to which a run may tune the encoder: each such version encodes all of them "
        "anew, about a minute of a core for 1,000. Above, retrieval learns only what needs no new vectors.",
    )
    min_free_megabytes: int = Field(1_000, ge=0, le=1_000_000, description="Free disk that a run must leave, MB.")
    ask_share: float = Field(
        0.05,
        ge=0,
        le=0.5,
        description="Share of answers under which the bot asks for a rating, where it learns most from one, and nobody "
        "twice a day; 0: never.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same ratings and seed give the same version.")
