"""What one process does of a gateway's work, so that taking and delivering scale apart."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """The part of a process. Together, the processes on one store must take and deliver."""

    ALL = "all"
    INGEST = "ingest"
    WORKER = "worker"

    @property
    def takes(self) -> bool:
        """Whether it takes updates: answers Telegram, polls, keeps webhooks. It stores them."""
        return self is not Role.WORKER

    @property
    def delivers(self) -> bool:
        """Whether it claims, makes attempts, and settles what vanished workers held."""
        return self is not Role.INGEST
