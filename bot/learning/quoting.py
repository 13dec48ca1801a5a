"""A generator that is not there: the message path quotes the lines that it finds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from adapters.errors import GenerationError
from adapters.types import ChatTurn, GenerationLimits, Judged


class Silent:
    """Fails at once, whatever is asked; adapters.types.Generator."""

    name = "none"
    grounded = False

    def stream(
        self,
        turns: Sequence[ChatTurn],  # noqa: ARG002 - of a generator's shape
        limits: GenerationLimits,  # noqa: ARG002 - as above
        *,
        judged: Judged | None = None,  # noqa: ARG002 - as above
    ) -> AsyncGenerator[str, None]:
        """Fail."""
        return self._fail()

    async def _fail(self) -> AsyncGenerator[str, None]:
        nothing: tuple[str, ...] = ()
        for piece in nothing:
            yield piece
        raise GenerationError("There is no generator.")

    async def aclose(self) -> None:
        """Nothing to stop."""
