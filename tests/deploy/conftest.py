"""The image, built once: what a container would hold, in a folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))

import dockerfile  # noqa: E402  (it lies beside this file)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dockerfile.Image]:
    folder = tmp_path_factory.mktemp("image")
    yield dockerfile.build(ROOT, folder)
    shutil.rmtree(folder)
