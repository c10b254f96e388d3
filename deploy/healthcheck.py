"""Asks the gateway of this container whether it lives, for the image's HEALTHCHECK.

The standard library's smallest parts only: it runs every half minute beside a gateway that may have
little memory. Ends with 0 if ``GET /health`` answers 200, else with 1 and the reason.
"""

from __future__ import annotations

import os
import socket
import sys

DEADLINE = 4.0
"""Seconds for each step; Docker's own timeout bounds the whole."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (what is listened on, not our doing)


def status(host: str, port: int) -> str:
    """Return the status line's code. Raises OSError when nobody answers."""
    with socket.create_connection((host, port), DEADLINE) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        with connection.makefile("rb") as answer:
            line = answer.readline(64).decode("ascii", "replace").split()
    return line[1] if len(line) > 1 else "nothing"


def main() -> int:
    """Look at HOST and PORT as the gateway does, ask, and return the exit code."""
    host = os.environ.get("HOST") or "0.0.0.0"  # noqa: S104  (the gateway's default)
    try:
        answered = status(ANYWHERE.get(host, host), int(os.environ.get("PORT") or "8000"))
    except (OSError, ValueError) as error:
        answered = str(error)
    if answered != "200":
        print(f"/health: {answered}")  # noqa: T201  (docker inspect shows it)
    return 0 if answered == "200" else 1


if __name__ == "__main__":
    sys.exit(main())
