"""What is set, what it means and where it comes from: for whoever looks at the settings instead of writing them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.config import ConfigError, Settings, effective, load_settings


class Origin(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One setting."""

    section: str
    key: str
    meaning: str
    value: object  # secrets masked
    default: object
    origin: Origin

    @property
    def changed(self) -> bool:
        """Whether somebody set it."""
        return self.origin is not Origin.DEFAULT


def settings_shown(settings: Settings, file: Path) -> tuple[Shown, ...]:
    """Every setting in its order.

    Args:
        settings: Those in force.
        file: That they were read from; what it does not say and is no default comes from the environment. It is read
            now: what was changed in it since the start shows as if the environment had it.
    """
    defaults = Settings()
    try:
        written = load_settings({}, file)
    except ConfigError:  # somebody is at it; the settings in force were read before
        written = defaults
    masked, plain = effective(settings), effective(defaults)
    return tuple(
        Shown(
            section=section,
            key=key,
            meaning=str(field.description),
            value=masked[section][key],
            default=plain[section][key],
            origin=_origin(*(getattr(getattr(one, section), key) for one in (settings, written, defaults))),
        )
        for section in Settings.model_fields
        for key, field in _fields(settings, section)
    )


def section_meaning(section: str) -> str:
    """What a section is about."""
    kind = Settings.model_fields[section].annotation
    return str(kind.__doc__).rstrip(".").replace("`", "")


def _fields(settings: Settings, section: str) -> list[tuple[str, FieldInfo]]:
    part: BaseModel = getattr(settings, section)
    return list(type(part).model_fields.items())


def _origin(value: object, written: object, default: object) -> Origin:
    if value == default:
        return Origin.DEFAULT
    return Origin.FILE if value == written else Origin.ENVIRONMENT
