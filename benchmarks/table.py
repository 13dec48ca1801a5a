"""The benchmark table: figures with n, seed, interval, goal and peer, kept as JSON and printed as one table.

    python -m benchmarks.table          print the kept figures and write docs/benchmarks.md

Each benchmark hands its rows to `keep`; the table is made of what was kept last.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
QUICK: Final = Path(tempfile.gettempdir()) / "burnish-quick-results"  # of --quick runs: a sanity check, no evidence
PICTURES: Final = ROOT / "docs" / "pictures"

AREAS: Final = ("answers", "intent", "retrieval", "index", "generation", "chat", "web", "learning")
TITLES: Final = {
    "answers": "Answers: grounded, and refused where the documents do not tell",
    "intent": "Intents and out-of-scope",
    "retrieval": "Retrieval",
    "index": "The index at scale",
    "generation": "Speed of generation",
    "chat": "Slack and Telegram: nothing lost, messages a second, time to the first words",
    "web": "The chat page under load: two hundred people, and whose turn it is",
    "learning": "The learning loop: whom it believes, what it lets serve",
}
CURVES: Final = {
    "answers": (
        ("risk-coverage.png", "Risk and coverage of abstention"),
        ("reliability.png", "Reliability of the score"),
    ),
    "intent": (("intent-reliability.png", "Reliability of the intent confidence"),),
    "retrieval": (("retrieval.png", "Retrieval"),),
    "index": (("index-latency.png", "Query time and recall"),),
    "generation": (("generation-latency.png", "Latency of generation"),),
}
HEAD: Final = """# Benchmarks

What the figures come from: `make bench` runs every benchmark and writes this page; the data is described in
[benchmarks/README.md](../benchmarks/README.md). Two cores, no GPU. Times are comparable within a row's own run only,
which is why speed is given as a ratio to a peer measured in the same run. Intervals are 95 % bootstrap intervals.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure."""

    area: str  # one of AREAS
    what: str  # set, split and metric in words
    figure: float
    unit: str = ""  # "" for a share or a score, else ms, s, MB, tok/s, x ...
    goal: float | None = None
    at_least: bool = True  # whether the goal is a lower bound; False: an upper one
    low: float | None = None  # 95 % interval
    high: float | None = None
    n: int | None = None  # test items
    seed: int | None = None  # None: nothing is random
    peer: str = ""  # what it is compared with, measured in the same run
    peer_figure: float | None = None
    ratio: float | None = None  # ours / peer's
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None without a goal."""
        if self.goal is None:
            return None
        return self.figure >= self.goal if self.at_least else self.figure <= self.goal


def keep(module: str, rows: Sequence[Row], *, command: str, folder: Path = RESULTS) -> None:
    """Keep a benchmark's figures in place of its earlier ones.

    Args:
        module: Name of the benchmark, such as "intent".
        rows: Its figures.
        command: What was run, as somebody would type it.
        folder: Where the figures are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "rows": [asdict(row) for row in rows],
    }
    temporary = folder / f"{module}.json.tmp"
    temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / f"{module}.json")
    for row in rows:
        print(f"{row.what}: {_figure(row.figure)}{_interval(row)}{_peer(row)}")


def kept(folder: Path = RESULTS) -> list[tuple[Row, str, str]]:
    """All kept figures with the command and the date of each, by area."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        found += [(Row(**row), content["command"], content["date"]) for row in content["rows"]]
    return sorted(found, key=lambda item: AREAS.index(item[0].area) if item[0].area in AREAS else len(AREAS))


def markdown(found: Sequence[tuple[Row, str, str]]) -> str:
    """The table, one section an area, each with its commands."""
    parts = []
    for area in dict.fromkeys(row.area for row, _, _ in found):
        rows = [item for item in found if item[0].area == area]
        lines = [
            f"## {TITLES.get(area, area)}",
            "",
            "| what | figure | 95 % | n | seed | goal | met | peer, same run | ratio |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_line(row) for row, _, _ in rows),
            "",
            "Commands: "
            + ", ".join(f"`{command}` ({date})" for command, date in dict.fromkeys((c, d) for _, c, d in rows))
            + ".",
        ]
        if area in CURVES:
            lines += [
                "",
                *(f"![{title}](pictures/{name})" for name, title in CURVES[area] if (PICTURES / name).is_file()),
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    met = "" if row.met is None else "yes" if row.met else f"**no**, {abs(row.figure - (row.goal or 0)):.3g} short"
    goal = "" if row.goal is None else f"{'>=' if row.at_least else '<='} {_figure(row.goal)}"
    peer = f"{row.peer} {_figure(row.peer_figure)}" if row.peer_figure is not None else row.peer
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    what = row.what + (f" ({row.note})" if row.note else "")
    seed = "" if row.seed is None else str(row.seed)
    unit = f" {row.unit}" if row.unit else ""
    interval = "" if row.low is None or row.high is None else f"{_figure(row.low)} to {_figure(row.high)}"
    cells = (what, f"{_figure(row.figure)}{unit}", interval, str(row.n or ""), seed, goal, met, peer, ratio)
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    if abs(value) < 1.5:
        return f"{value:.3f}"
    return f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"


def _interval(row: Row) -> str:
    return "" if row.low is None else f" ({_figure(row.low)} to {_figure(row.high)})"


def _peer(row: Row) -> str:
    return f"; {row.peer} {_figure(row.peer_figure)}, ratio {row.ratio:.2f}" if row.ratio is not None else ""


def main() -> None:
    """Print the table and write it into docs/benchmarks.md."""
    text = f"{HEAD}\n{markdown(kept())}"
    (ROOT / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
