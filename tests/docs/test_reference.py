"""The reference pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import apsw
import pytest
import typer
from typer.main import get_command

from fakes.gateway import gateway
from hookgram.cli.reference import logs
from hookgram.cli.reference.commands import commands, section, walk
from hookgram.cli.reference.payloads import headers
from hookgram.cli.reference.places import PRINTED, places, printed_anew
from hookgram.core import facts
from hookgram.core.formats.event import Payload
from hookgram.store.sqlite import open_sqlite

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_what_is_printed_from_code_is_not_stale(page):
    text = page.read_text()
    assert text == printed_anew(text), "run: make docs"


def test_everything_that_can_be_printed_stands_in_one_page():
    found = [name for page in PAGES for name in places(page.read_text())]
    assert sorted(found) == sorted(PRINTED)


def test_a_place_that_nobody_knows_is_an_error():
    with pytest.raises(KeyError):
        printed_anew("<!-- printed: nonsense -->\n<!-- end -->")


def test_every_begun_place_is_ended():
    for page in PAGES:
        text = page.read_text()
        assert text.count("<!-- printed:") == text.count("<!-- end -->") == len(places(text)), page


def test_every_command_and_option_is_printed():
    printed = commands()
    assert {"## hookgram", "## hookgram serve", "## hookgram config"} <= set(printed.splitlines())
    for option in ("--version", "--host HOST", "--port PORT", "--receiver", "--json"):
        assert f"`{option}`" in printed


def test_every_fact_is_printed():
    kinds = set(logs.kinds())
    assert kinds == set(facts.Fact.__subclasses__())
    assert all(logs.samples(kind) for kind in kinds)


def first_cells(page: str, heading: str) -> list[str]:
    """Return the names in the first column of the first table below a heading."""
    below = (REFERENCE / page).read_text().partition(f"\n{heading}\n")[2]
    names: list[str] = []
    for line in below.splitlines():
        if line.startswith("| `"):
            names += re.findall(r"`([^`]+)`", line.split("|")[1])
        elif names:
            break
    return names


def test_the_payloads_fields_are_told_each():
    assert sorted(first_cells("payload.md", "## Body")) == sorted(Payload.__struct_fields__)


def test_the_headers_are_told_each():
    sent = re.findall(r"^([A-Za-z-]+): ", headers(), re.MULTILINE)
    assert sorted(first_cells("payload.md", "## Headers")) == sorted(sent)


async def test_the_stores_tables_and_columns_are_told_each(tmp_path):
    store = await open_sqlite(tmp_path / "events.db", clock=lambda: 1)
    await store.close()
    db = apsw.Connection(str(tmp_path / "events.db"))
    query = (
        "SELECT t.name, group_concat(c.name) FROM pragma_table_list AS t, "
        "pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' "
        "GROUP BY 1"
    )
    there = {name: columns.split(",") for name, columns in db.execute(query)}
    page = (REFERENCE / "store.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", page, re.MULTILINE)
    assert {name: re.findall(r"`(\w+)`", columns) for name, columns in rows} == there
    db.close()


async def test_our_routes_answer_what_the_page_says(tmp_path):
    page = (REFERENCE / "http.md").read_text()
    async with gateway(tmp_path) as process:
        schema = await process.get("/openapi.json")
        routes = set(re.findall(r"`(?:GET|POST) (/[^`]*)`", page))
        assert routes == {*schema[1]["paths"], "/docs", "/openapi.json"}
        for route, answer in re.findall(r"\| `GET (\S+)` \| (?:200 )?`(\{.*?\})`", page):
            status, body = await process.get(route)
            assert status == 200
            told = answer.replace('"public_mode":false', '"public_mode":true')
            assert str(body).replace("'", '"').replace(" ", "").lower() == told.replace(" ", "")
        assert set((await process.get("/stats"))[1]) == set(
            first_cells("metrics.md", "## What `/stats` shows")
        )
        posted = schema[1]["paths"]["/telegram/webhook"]["post"]["responses"]
        assert set(posted) <= set(re.findall(r"^\| (\d{3}) ", page, re.MULTILINE))
        assert await process.post(b"{}", secret="wrong") == 403
        assert await process.post(b"{}") == 200
        assert await process.post(b"x" * 600_000) == 413
        assert (await process.get("/telegram/webhook"))[0] == 405
        missing = await process.get("/nowhere")
        assert f'"code": "{missing[1]["code"]}"' in page


def test_a_commands_help_is_printed_with_its_examples_as_commands():
    app = typer.Typer(add_completion=False)

    @app.callback(epilog="hookgram one --fast\n\nhookgram two")
    def _root(*, fast: Annotated[bool, typer.Option("--fast/--slow", help="How.")] = True) -> None:
        """Do it.

        In two lines
        of text. For example: hookgram one 5
        """

    @app.command()
    def one(number: Annotated[int, typer.Argument(help="Which.")]) -> None:
        """Do one."""

    @app.command(hidden=True)
    def two() -> None:
        """Do two, in secret."""

    printed = "\n\n".join(section(*each) for each in walk("hookgram", get_command(app)))
    assert "In two lines of text. For example:\n\n```console\nhookgram one 5\n```" in printed
    assert "```console\nhookgram one --fast\nhookgram two\n```" in printed
    assert "| `--fast, --slow` | How. Default: `--fast`. |" in printed
    assert "## hookgram one\n\nDo one.\n\n| argument" in printed
    assert "| `NUMBER` | Which. Must be given. |" in printed
    assert "secret" not in printed
