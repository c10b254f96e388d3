"""The snippets that verify signatures do, in every language whose runtime is here."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hookgram.core.signing import receiver_secret, sign

PAGE = (Path(__file__).parents[2] / "docs/how-to/verify-signatures.md").read_text()
SNIPPETS = dict(re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
SECRET, EVENT_ID, BODY = "an outbound secret of 24+ bytes", "evt_1", '{"text":"hé | 👍"}'.encode()

PYTHON = """
import base64, json, sys
given = json.load(sys.stdin)
for case in given:
    print(verify(base64.b64decode(case["body"]), case["headers"], case["secret"]))
"""
NODE = """
const given = JSON.parse(require("node:fs").readFileSync(0));
for (const one of given)
  console.log(verify(Buffer.from(one.body, "base64"), one.headers, one.secret) ? "True" : "False");
"""
GO = """
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	var given []struct {
		Body, Secret string
		Headers      map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	for _, one := range given {
		body, _ := base64.StdEncoding.DecodeString(one.Body)
		headers := http.Header{}
		for name, value := range one.Headers {
			headers.Set(name, value)
		}
		if verify(body, headers, one.Secret) {
			fmt.Println("True")
		} else {
			fmt.Println("False")
		}
	}
}
"""
PHP = """
foreach (json_decode(file_get_contents("php://stdin"), true) as $one) {
    $fits = verify(base64_decode($one["body"]), $one["headers"], $one["secret"]);
    echo $fits ? "True" : "False", "\\n";
}
"""
GO_BINARY = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")


def python(folder: Path) -> list[str]:
    (folder / "main.py").write_text(SNIPPETS["python"] + PYTHON)
    return [sys.executable, "main.py"]


def node(folder: Path) -> list[str]:
    (folder / "main.js").write_text(SNIPPETS["javascript"] + NODE)
    return ["node", "main.js"]


def go(folder: Path) -> list[str]:
    (folder / "verify.go").write_text(SNIPPETS["go"])
    (folder / "main.go").write_text(GO)
    return [GO_BINARY or "go", "run", "main.go", "verify.go"]


def php(folder: Path) -> list[str]:
    (folder / "main.php").write_text(SNIPPETS["php"] + PHP)
    return ["php", "main.php"]


LANGUAGES = {"python": python, "javascript": node, "go": go, "php": php}
ABSENT = {
    language: f"{runtime} is not on this machine"
    for language, runtime, there in (
        ("javascript", "node", shutil.which("node")),
        ("go", "go", GO_BINARY),
        ("php", "php", shutil.which("php")),
    )
    if not there
}
"""The only reasons for which a snippet may go unproved."""


def cases() -> list[tuple[bool, dict[str, object]]]:
    """Make up deliveries; a slow compiler may take a minute until it is their turn."""

    def case(*, body: bytes = BODY, at: int = 0, secret: str = SECRET, **headers: str):
        moment = int(time.time()) + at
        signature = sign([SECRET], event_id=EVENT_ID, timestamp=moment, body=BODY)
        given = {
            "webhook-id": EVENT_ID,
            "webhook-timestamp": str(moment),
            "webhook-signature": signature,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return {
            "body": base64.b64encode(body).decode(),
            "headers": {name: value for name, value in given.items() if value != "absent"},
            "secret": receiver_secret(secret),
        }

    good = case()["headers"]["webhook-signature"]
    return [
        (True, case()),
        (True, case(webhook_signature=f"v1,c29tZXRoaW5nIGVsc2U= {good}")),
        (True, case(at=-150)),
        (False, case(at=-310)),
        (False, case(at=450)),
        (False, case(body=BODY + b" ")),
        (False, case(secret="another secret of 24+ bytes...")),
        (False, case(webhook_id="evt_2")),
        (False, case(webhook_timestamp="nonsense")),
        (False, case(webhook_timestamp="absent")),
        (False, case(webhook_signature="absent")),
        (False, case(webhook_signature="")),
        (False, case(webhook_signature="v1,")),
        (False, case(webhook_signature="v1,não")),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_snippet_tells_what_we_signed_from_anything_else(language, tmp_path):
    if language in ABSENT:
        pytest.skip(ABSENT[language])
    told = cases()
    result = subprocess.run(
        LANGUAGES[language](tmp_path),
        input=json.dumps([case for _, case in told]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [str(expected) for expected, _ in told]


def test_every_snippet_of_the_page_has_a_language_we_run():
    assert set(SNIPPETS) - {"console"} == set(LANGUAGES)
