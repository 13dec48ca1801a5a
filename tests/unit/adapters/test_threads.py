from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("given", "seen"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_threads_wait_without_spinning_unless_the_environment_says_otherwise(given: dict[str, str], seen: str) -> None:
    code = "import adapters.bases, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [seen, "False"]
