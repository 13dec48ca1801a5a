"""Real generators swapped under load: no request fails, and no answer is made by two versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.swaps import World, swapped

SWAPS = 200


@pytest.mark.slow
async def test_hundreds_of_swaps_of_real_generators_fail_nothing_and_mix_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    counts = await swapped(world, SWAPS, people=3)
    assert counts.wrong == []
    assert world.notices == []
    assert counts.replies > 20
    assert len(counts.by_versions) > 10, "the swaps should be met by requests"
