"""What stands beside the bar while something goes on."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from bot.cli.context import Context


@pytest.mark.parametrize(
    ("then", "expected"),
    [((0, 0, "Checking"), ("Checking", None, 0)), ((1, 4, "Unpacking"), ("Unpacking", 4, 1))],
)
def test_a_total_that_is_not_known_does_not_keep_the_one_before(
    then: tuple[int, int, str], expected: tuple[str, int | None, int]
) -> None:
    context = Context(environ={}, file=None, err=Console(file=StringIO(), force_terminal=True))
    with context.bar():
        context._report(9, 9, "Downloading")
        context._report(*then)
        assert context._bar is not None
        (task,) = context._bar.tasks
        assert (task.description, task.total, task.completed) == expected
