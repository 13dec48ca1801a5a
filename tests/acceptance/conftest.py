"""The real program, as a person starts it: a subprocess with a home folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a run of the program left."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Burnish:
    """The console command with one home folder."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The environment that the program sees."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("BURNISH_")}
        cache = {"BURNISH_CACHE": os.environ["BURNISH_CACHE"]} if "BURNISH_CACHE" in os.environ else {}
        terminal = {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONWARNINGS": "default"}
        return {**kept, **cache, **terminal, "BURNISH_HOME": str(self.home), **self.settings}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the program with pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environ,
            cwd=ROOT,
        )

    def __call__(self, *arguments: str, said: Sequence[str] = ()) -> Finished:
        """Run the program to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate("".join(f"{line}\n" for line in said), timeout=SECONDS)
            return Finished(code=process.returncode, out=out, err=err)

    def chat(self, *said: str) -> list[str]:
        """Say lines to `burnish chat`; returns the bot's reply to each."""
        finished = self("chat", said=said)
        assert finished.code == 0, finished.err
        return replies(finished.out, said)


def replies(transcript: str, said: Sequence[str]) -> list[str]:
    """Cut a piped chat's transcript into the replies to each line."""
    found: list[str] = []
    rest = transcript
    for line in said:
        before, echo, rest = rest.partition(f"> {line}\n")
        assert echo, f"{line!r} is not echoed in:\n{transcript}"
        if found or before.strip():
            found.append(before.strip())
    return [*found[-(len(said) - 1) :], rest.strip()] if len(said) > 1 else [rest.strip()]


@pytest.fixture
def burnish(tmp_path: Path) -> Burnish:
    """The program with an empty home."""
    return Burnish(home=tmp_path / "home")


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Burnish:
    """The program with the example knowledge taken in."""
    program = Burnish(home=tmp_path_factory.mktemp("stocked") / "home")
    finished = program("ingest", str(EXAMPLES / "help-centre"), str(EXAMPLES / "faq.csv"))
    assert finished.code == 0, finished.err
    return program
