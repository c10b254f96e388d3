"""The application for any ASGI server: ``uvicorn hookgram.asgi:app``, worker included.

One process only: a second one finds the store in use and does not start. How a failed start ends is
the server's own; the exit codes of the documentation are those of ``hookgram serve``.
"""

from __future__ import annotations

import sys

from hookgram.app import application
from hookgram.errors import SettingsError
from hookgram.settings import load

try:
    app = application(load())
except SettingsError as error:
    # The server would print a traceback; what an operator needs is the list.
    for problem in error.problems:
        print(problem, file=sys.stderr)  # noqa: T201  (there is no log yet)
    sys.exit(78)
