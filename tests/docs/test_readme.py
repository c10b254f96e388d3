"""The README says what is true: its snippet verifies, its commands and settings exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hookgram.core.signing import gateway_signature

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)


def test_the_snippet_of_the_readme_verifies_what_we_sign():
    [snippet] = [text for language, text in BLOCKS if language == "python"]
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102  (the README's own code is what is under test)
    verify = names["verify_signature"]
    body, secret = b'{"event":"message"}', "an outbound secret"
    signature = gateway_signature(secret, body)
    assert verify(body, signature, secret)
    assert not verify(body + b" ", signature, secret)
    assert not verify(body, signature, "another secret")
    assert not verify(body, "nonsense \u00e9", secret)


def test_each_make_target_the_readme_names_exists():
    named = set(
        re.findall(r"^make (\w+)", "\n".join(text for _, text in BLOCKS), flags=re.MULTILINE)
    )
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named
    assert named <= made


def commands() -> list[list[str]]:
    lines = "\n".join(text for language, text in BLOCKS if language == "console").splitlines()
    found = [re.sub(r"\s+#.*", "", line).split() for line in lines]
    return [words[1:] for words in found if words and words[0].endswith("hookgram")]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_each_command_the_readme_names_exists(words):
    result = subprocess.run(
        [sys.executable, "-m", "hookgram", *words, "--help"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_each_setting_the_readme_names_exists():
    known = set(
        re.findall(
            r"^\| `([A-Z_]+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE
        )
    )
    named = set(re.findall(r"^\| `([A-Z_]+)`|`([A-Z]+_[A-Z_]+)`", README, re.MULTILINE))
    named = {name for pair in named for name in pair if name}
    assert named
    assert named <= known, named - known


def test_the_files_the_readme_links_to_exist():
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
