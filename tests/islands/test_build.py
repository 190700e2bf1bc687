"""The islands' types are those of the shop, their tests pass, and what is committed is what their source makes."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from hypermart.domain.customers.postcodes import is_postcode, rules_of, shape_of
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.money import Money, money_pattern
from hypermart.qa.tools import islands, need
from hypermart.settings import ROOT
from tests.islands import wire
from tests.parts import databases

DIST = ROOT / "static" / "dist"
FILES = {"cart.js", "checkout.js", "react.js", "LICENSES.md"}
#: Of the scripts of one page, gzip -9.
ISLAND_BYTES, OTHER_BYTES = 80_000, 18_000
LONGEST = 200


def run(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A tool of the islands; its output where it fails."""
    if databases.is_mysql():
        pytest.skip("runs on SQLite: the islands' source knows no database")
    command = [need("node"), *argv]
    done = subprocess.run(command, cwd=islands(), capture_output=True, text=True, timeout=110, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_types_are_those_of_the_structs() -> None:
    assert wire.FILE.read_text() == wire.written(), "run make islands"


def test_a_struct_that_has_no_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="no type for"):
        wire._type({"const": 1})


def test_files_are_short() -> None:
    files = [path for path in islands().rglob("*.ts*") if "node_modules" not in path.parts]
    assert len(files) > 20
    assert [path.name for path in files if path != wire.FILE and path.read_text().count("\n") > LONGEST] == []


def test_the_lock_names_no_registry() -> None:
    lock = (islands() / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    packages = json.loads(lock)["packages"]
    assert all("integrity" in row for name, row in packages.items() if name)
    named = json.loads((islands() / "package.json").read_text())
    assert all(re.fullmatch(r"[\d.]+", v) for v in (named["dependencies"] | named["devDependencies"]).values())


@pytest.mark.node
@pytest.mark.slow
def test_typescript_has_no_complaint() -> None:
    run("node_modules/typescript/bin/tsc", "--noEmit")


@pytest.mark.node
@pytest.mark.slow
def test_the_islands_own_tests_pass() -> None:
    done = run("node_modules/vitest/vitest.mjs", "run", "--no-color")
    passed = re.search(r"Tests +(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 70


@pytest.mark.node
@pytest.mark.slow
def test_the_build_is_what_the_source_makes_byte_for_byte(tmp_path: Path) -> None:
    run("node_modules/vite/bin/vite.js", "build", "--outDir", str(tmp_path), "--logLevel", "warn")
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(made) == FILES
    committed = {path.name: path.read_bytes() for path in DIST.iterdir()}
    assert made == committed, "run make islands"


def test_licences_come_along() -> None:
    text = (DIST / "LICENSES.md").read_text()
    for name in ("react", "react-dom", "scheduler"):
        assert re.search(rf"^## {name} ", text, re.MULTILINE), name
    assert text.count("MIT License") >= 1


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 9))


@pytest.mark.parametrize("path", ["/cart", "/checkout/address"])
async def test_a_page_with_an_island_stays_in_its_budget(shopper: httpx.AsyncClient, path: str) -> None:
    product = await shopper.get("/p/full-moon")
    variant = re.search(r'name="variant" value="(\d+)"', product.text)
    assert variant
    assert "/dist/" not in product.text, "only cart and checkout have islands"
    await shopper.post("/cart/lines", data={"variant": variant[1], "quantity": "1"})
    page = (await shopper.get(path)).text
    scripts = set(re.findall(r'(?:src|href)="(/static/[^"]+\.js)"', page))
    sizes = {url: packed((await shopper.get(url)).content) for url in scripts}
    island = sum(size for url, size in sizes.items() if "/dist/" in url)
    assert 0 < island <= ISLAND_BYTES
    assert sum(sizes.values()) - island <= OTHER_BYTES
    imported = re.findall(r'from"\./([\w.]+)"', (DIST / f"{'cart' if path == '/cart' else 'checkout'}.js").read_text())
    assert {name.strip("./") for name in imported} == {"react.js"}, "all that is loaded is counted"


CURRENCIES = "EUR USD GBP JPY CHF KWD IQD HUF INR ISK CLF PLN".split()
LOCALES = "en de de_CH de_AT fr fr_CH ja es pl sv pt_BR en_IN nl it cs hi".split()
AMOUNTS = (0, 1, 9, 10, 99, 100, 1_000, 1_500, 12_345, 99_999, 100_000, 1_234_567, 123_456_789, 99_999_999_999)
WRITE = """
import { written } from "./shared/money.ts";
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([minor, pattern]) => written(minor, pattern))));
"""


@pytest.mark.node
@pytest.mark.slow
def test_amounts_are_written_as_the_server_writes_them() -> None:
    cases = [(minor, currency, locale) for currency in CURRENCIES for locale in LOCALES for minor in AMOUNTS]
    sent = [(minor, _plain(money_pattern(currency, locale))) for minor, currency, locale in cases]
    done = run("--input-type=module", "-e", WRITE, input=json.dumps(sent))
    written = json.loads(done.stdout)
    wrong = [
        (case, theirs)
        for case, theirs in zip(cases, written, strict=True)
        if theirs != Money(case[0], case[1]).format(case[2])
    ]
    assert wrong == []


JUDGE = """
import { isPostcode } from "./checkout/postcode.ts";
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([value, shape]) => isPostcode(value, shape))));
"""


@pytest.mark.node
@pytest.mark.slow
def test_postcodes_are_judged_as_the_server_judges_them() -> None:
    cases = []
    for country in sorted(ISO_3166):
        for example in rules_of(country).postal_code_examples[:2]:
            bare = example.replace(" ", "").replace("-", "")
            written = (example, example.lower(), f" {example} ", bare, f"{bare[:2]} {bare[2:]}", f"{country}-{example}")
            odd = (example[:-1], f"{example}0", "1", "ABC", "１０１１９")
            cases += [(country, each) for each in (*written, *odd)]
    assert len(cases) > 1_500
    sent = [(value, _plain(shape_of(country))) for country, value in cases]
    judged = json.loads(run("--input-type=module", "-e", JUDGE, input=json.dumps(sent)).stdout)
    theirs = dict(zip(cases, judged, strict=True))
    assert {case: is_postcode(case[1], case[0]) for case in cases} == theirs
    assert len({*judged}) == 2


def _plain(struct: Any) -> Any:
    return msgspec.to_builtins(struct)
