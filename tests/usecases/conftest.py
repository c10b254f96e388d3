from __future__ import annotations

import pytest

from usecases.desk import Desk


@pytest.fixture(params=["taken", "begun and ended"])
def begun(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How a body is taken; the laws of intake hold on both ways."""
    monkeypatch.setattr(Desk, "begins", request.param != "taken")
