"""The import command on bad input: every nasty file has its message and exit code, and nothing at all is kept."""

from __future__ import annotations

import asyncio
import os
import stat
import tomllib
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hypermart.cli import main
from hypermart.domain.imports.mapping import RESERVED
from hypermart.services import opened
from hypermart.settings import Settings
from tests.parts import catalogue

pytestmark = pytest.mark.slow  # a folder of files

DATA = Path(__file__).parents[1] / "imports" / "data"
NASTY = DATA / "nasty"
EXPECTED = tomllib.loads((NASTY / "expected.toml").read_text())["file"]
Command = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `hypermart import shopify ...` and gives its exit code and what it said on stderr, progress left out."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("DATA_DIR", str(settings.data))
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)
    monkeypatch.delenv("CURRENCY", raising=False)

    def run(*arguments: Any) -> tuple[int, list[str]]:
        code = main(["import", "shopify", *map(str, arguments)])
        said = capsys.readouterr().err.splitlines()
        return code, [line for line in said if not line.endswith(" %")]

    return run


def rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    async def work() -> dict[str, list[dict[str, Any]]]:
        async with opened(settings) as services:
            return await catalogue.rows(services.db)

    return asyncio.run(work())


def test_each_nasty_file_is_expected() -> None:
    assert sorted(each["name"] for each in EXPECTED) == sorted(path.name for path in NASTY.glob("*.csv"))


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: each["name"])
def test_a_nasty_file_is_refused(expected: dict[str, Any], command: Command, settings: Settings) -> None:
    file = NASTY / expected["name"]
    code, said = command(file)
    assert code == expected["exit"], said
    if code == 1:
        wanted = [f"{file}:{line}" if line[0].isdigit() else line for line in expected["says"]]
        assert said[-1 - len(wanted) : -1] == wanted
        assert said[-1].endswith("nothing was imported. Mend the file and run the command again")
    else:
        assert len(said) == 1
        assert said[0].startswith(f"hypermart: {file}")
        assert expected["says"][0] in said[0]
    assert not any(rows(settings).values())


def test_good_rows_before_a_bad_one_are_not_kept(command: Command, settings: Settings) -> None:
    assert command(DATA / "odd" / "plain.csv")[0] == 0
    before = rows(settings)
    code, said = command(NASTY / "sku-twice.csv")
    assert (code, rows(settings)) == (1, before), said


def test_a_bad_row_after_hundreds_of_good_ones_takes_all_back(
    command: Command, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "long.csv"
    good = "".join(f"p{number},P,P-{number},1,Kind\n" for number in range(450))
    file.write_text(f"Handle,Title,SKU,Price,Type\n{good}bad,Bad,B-1,x,Kind\n")
    code, said = command(file)
    assert (code, said[0]) == (1, f'{file}:452: Price: "x" is not an amount like 24.00')
    assert not any(rows(settings).values())


def test_what_the_shop_already_has_can_refuse_a_row(command: Command, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "first.csv"
    metafield = "Pages (product.metafields.book.pages)"
    file.write_text(f"Handle,Title,SKU,Price,{metafield}\nmoon,Moon,M-1,1,12\n")
    assert command(file)[0] == 0
    before = rows(settings)
    other = tmp_path / "second.csv"
    other.write_text(f"Handle,Title,SKU,Price,{metafield}\nsun,Sun,M-1,1,13\nstar,Star,S-1,1,many\n")
    code, said = command(other)
    assert (code, said[:2]) == (
        1,
        [
            f'{other}:2: SKU: "M-1" belongs to the product moon',
            f'{other}:3: {metafield}: "many" is not a number, as book.pages is in this shop',
        ],
    )
    assert rows(settings) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Handle,Title,Price\nmoon,Moon," + b"1" * 10_000_000, "the line is longer than 1,048,576 characters"),
        (b'Handle,Title,Price\nmoon,"' + b"word\n" * 2_000_000 + b'",1\n', "a cell is longer than 131,072 characters"),
        (b"\xff\xfe" + b"\x00\xd8" * 100, "is not UTF-8 text"),
        (b"\0" * 100_000, "no column"),
    ],
    ids=["10 MB line", "10 MB cell", "half a surrogate", "zeros"],
)
def test_a_monstrous_file_is_one_line(command: Command, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "monster.csv"
    file.write_bytes(content)
    code, said = command(file)
    assert (code, len(said)) == (2, 1)
    assert reason in said[0]


def test_what_is_no_file_is_one_line(command: Command, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for path, reason in (
        (tmp_path, "is a folder: give the CSV file that Shopify exported"),
        (tmp_path / "none.csv", "does not exist: give the CSV file that Shopify exported"),
        (pipe, "is not a plain file: give the CSV file that Shopify exported"),
    ):
        assert command(path) == (2, [f"hypermart: {path} {reason}"])


def test_a_wrong_catalogue_file_is_one_line(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    for text, reason in (
        ("[[facets]]\ncode='a'\nname='A'\nsource='wish:b'\n", "facet a: source is attribute:NS.KEY"),
        ("[[categories]]\ntitle='A'\n[[categories]]\ntitle='a'\n", "two categories have the address a"),
        ("[[categories]]\ntitle='A'\n[[categories.children]]\ntitle='a'\n", "two categories have the address a"),
        ("[[collections]]\ntitle='A'\n[[collections]]\ntitle='a'\n", "two collections have the address a"),
        ("[[collections]]\ntitle='A'\nslug='New In'\n", "New In is no slug: new-in is one"),
        ("[[categories]]\ntitle='A'\nslug='\u00e4'\n", "is no slug: a is one"),
        (f"[[categories]]\ntitle='{'A' * 256}'\n", "title is over the limit of 255"),
        (f"[[collections]]\ntitle='A'\nseo_title='{'A' * 256}'\n", "seo_title is over the limit of 255"),
        (f"[[facets]]\ncode='a'\nname='{'A' * 256}'\nsource='option:A'\n", "name is over the limit of 255"),
        (f"[[facets]]\ncode='{'a' * 61}'\nname='A'\nsource='option:A'\n", "code is over the limit of 60"),
        (f"[[facets]]\ncode='a'\nname='A'\nsource='option:{'A' * 190}'\n", "source is over the limit of 190"),
        ("[[facets]]\ncode='a'\nname='A'\nsource='option:A'\n" * 2, "two facets have the code a"),
        *(
            (f"[[facets]]\ncode='{code}'\nname='A'\nsource='option:A'\n", f"facet {code}: the code means something")
            for code in RESERVED
        ),
        ("[[categories]]\ntitel='A'\n", "titel"),
        ("[[", "Invalid"),
    ):
        file.write_text(text)
        code, said = command(DATA / "odd" / "plain.csv", "--catalogue", file)
        assert (code, len(said)) == (2, 1)
        assert reason in said[0]


def jpeg(width: int = 40, height: int = 50) -> bytes:
    content = BytesIO()
    Image.new("RGB", (width, height), "navy").save(content, "JPEG")
    return content.getvalue()


def products(tmp_path: Path, *sources: str) -> Path:
    file = tmp_path / "products.csv"
    lines = [f'p{number},P,P-{number},1,"{source}"\n' for number, source in enumerate(sources)]
    file.write_text("Handle,Title,SKU,Price,Image Src\n" + "".join(lines))
    return file


def test_pictures_come_from_the_folder_only(command: Command, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "outside.jpg").write_bytes(jpeg())
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "text.jpg").write_text("not a picture")
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    (folder / "cut.jpg").write_bytes(jpeg(400, 500)[:-200])
    (folder / "empty.jpg").touch()
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    bomb = BytesIO()
    Image.new("1", (15_000, 15_000)).save(bomb, "PNG")
    (folder / "bomb.png").write_bytes(bomb.getvalue())
    leaves, names = "the path leaves the folder of pictures", {}
    for source in ("../outside.jpg", "/srv/outside.jpg", "a/../../outside.jpg", "..\\outside.jpg", "link.jpg"):
        names[source] = leaves
    names |= {
        "C:/outside.jpg": leaves,
        "none.jpg": f"no picture none.jpg in {folder}",
        "https://shop.example/files/none.jpg?v=1": f"no picture none.jpg in {folder}",
        "file:///etc/passwd": "file: is not fetched; name a picture of the folder",
        "text.jpg": "not a picture: JPEG, PNG, WebP, GIF and AVIF are accepted",
        "drawing.svg": "not a picture: JPEG, PNG, WebP, GIF and AVIF are accepted",
        "cut.jpg": "truncated: the end of the picture is missing",
        "empty.jpg": "empty file",
        "folder.jpg": "is not a plain file",
        "pipe.jpg": "is not a plain file",
        "bomb.png": "15000 x 15000 pixels is over the limit of 50 megapixels",
    }
    file = products(tmp_path, *names, "loop.jpg")
    code, said = command(file, "--pictures", folder)
    wanted = [
        f'{file}:{line}: Image Src: "{source}": {reason}'
        for line, (source, reason) in enumerate(names.items(), start=2)
    ]
    assert code == 1
    assert said[: len(wanted)] == wanted
    assert said[len(wanted)].startswith(f'{file}:{len(wanted) + 2}: Image Src: "loop.jpg": ')
    assert not any(rows(settings).values())
    assert not (settings.data / "blobs").exists()


def test_a_url_stands_for_its_file_name(command: Command, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "blue moon.jpg").write_bytes(jpeg())
    file = products(tmp_path, "https://cdn.shop.example/s/files/1/blue%20moon.jpg?v=17")
    assert command(file, "--pictures", folder)[0] == 0
    picture = rows(settings)["pictures"][0]
    assert (picture["source_name"], picture["width"], picture["height"]) == ("blue moon.jpg", 40, 50)
    assert picture["blob_key"].endswith("/blue-moon.jpg")


def test_pictures_come_from_a_zip_of_bounded_size(command: Command, settings: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("shop/moon.jpg", jpeg())
        zipped.writestr("a/twice.jpg", jpeg())
        zipped.writestr("b/twice.jpg", jpeg())
        zipped.writestr("bomb.jpg", jpeg()[:-2] + bytes(200_000_000))
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(link, "/etc/passwd")
    file = products(tmp_path, "moon.jpg", "twice.jpg", "bomb.jpg", "link.jpg", "../moon.jpg")
    code, said = command(file, "--pictures", archive)
    assert (code, said[:-1]) == (
        1,
        [
            f'{file}:3: Image Src: "twice.jpg": 2 pictures in {archive} are called twice.jpg',
            f'{file}:4: Image Src: "bomb.jpg": 20.0 MB is over the limit of 20 MB',
            f'{file}:5: Image Src: "link.jpg": is a link, not a picture',
            f'{file}:6: Image Src: "../moon.jpg": the path leaves the folder of pictures',
        ],
    )
    assert command(products(tmp_path, "moon.jpg", "b/twice.jpg"), "--pictures", archive)[0] == 0
    assert len(rows(settings)["pictures"]) == 2


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.jpg", "/etc/x.jpg", "a\\..\\x.jpg"])
def test_a_zip_that_reaches_out_is_refused_whole(command: Command, tmp_path: Path, name: str) -> None:
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo(name), jpeg())
    code, said = command(products(tmp_path, "x.jpg"), "--pictures", archive)
    assert (code, len(said)) == (2, 1)
    assert "leaves the archive: pack the pictures again" in said[0]


def test_pictures_that_are_neither_folder_nor_zip(command: Command, tmp_path: Path) -> None:
    file = products(tmp_path, "x.jpg")
    assert command(file, "--pictures", tmp_path / "none")[1] == [
        f"hypermart: {tmp_path / 'none'} does not exist: give a folder or a ZIP file of pictures"
    ]
    code, said = command(file, "--pictures", file)
    assert (code, len(said)) == (2, 1)
    assert "is neither a folder nor a readable ZIP file" in said[0]
