"""What a request can be told instead of an answer."""

from __future__ import annotations

from bot.errors import BotError


class WebError(BotError):
    """A request that is not carried out.

    Attributes:
        status: HTTP's status.
    """

    status = 400


class LoginNeededError(WebError):
    """It has to be known who asks."""

    status = 401


class NotAllowedError(WebError):
    """It is known who asks, and they may not."""

    status = 403


class NotThereError(WebError):
    """There is no such thing."""

    status = 404


class TooLargeError(WebError):
    """More was sent than is taken at once."""

    status = 413


class TooManyError(WebError):
    """Too many requests.

    Attributes:
        retry_after: Seconds.
    """

    status = 429

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
