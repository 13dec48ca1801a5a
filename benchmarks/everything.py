"""Run every benchmark, one after the other, and print the table.

    python -m benchmarks.everything [--quick]

`--quick` asks each for a sanity check on a handful of items: it shows that they run, its figures are no evidence.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time

from benchmarks.table import QUICK, ROOT, kept, markdown
from benchmarks.tasks import DATA

MODULES = ("reading", "abstention", "chinese", "intent", "retrieval", "index", "generation")
OPTIONS = {"reading": ["--peer"]}


def main() -> None:
    """Run them; one that fails ends the run with its own message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under three minutes; docs/benchmarks.md stays as it is")
    parser.add_argument("--only", nargs="+", choices=MODULES, default=MODULES)
    options = parser.parse_args()
    if options.quick and not DATA.is_dir():
        print(f"SKIPPED, nothing was measured: there is no benchmark data at {DATA}; see benchmarks/README.md.")
        return
    for name in options.only:
        if importlib.util.find_spec(f"benchmarks.{name}") is None:
            raise SystemExit(f"There is no benchmark {name}.")
        started = time.monotonic()
        chosen = ["--quick"] if options.quick else OPTIONS.get(name, [])
        print(f"== benchmarks.{name} {' '.join(chosen)}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *chosen], check=True, cwd=ROOT)
        print(f"   {time.monotonic() - started:.0f} s", flush=True)
    if options.quick:
        print(markdown(kept(QUICK)))
    else:
        subprocess.run([sys.executable, "-m", "benchmarks.table"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
