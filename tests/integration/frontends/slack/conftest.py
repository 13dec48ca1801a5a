from __future__ import annotations

from tests.integration.frontends.slack.offices import office, slack

__all__ = ["office", "slack"]
