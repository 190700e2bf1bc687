"""The one Jinja environment, used by pages and by mails: strict about names, escaping all but plain text."""

from __future__ import annotations

import hashlib
import shutil
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path

import msgspec
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from hypermart import addresses
from hypermart.domain.browse.pages import PictureView
from hypermart.domain.cart.totals import TaxLine
from hypermart.domain.customers.address_rules import address_lines
from hypermart.money import Money
from hypermart.settings import Settings

#: Page numbers shown on each side of the present one.
NEIGHBOURS = 1
#: Why a tax is 0 %, in words.
UNTAXED = {"export": "export", "exempt": "exempt", "zero": "zero-rated"}
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
#: They turn round what follows them, also on later lines.
_DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def environment(settings: Settings) -> Environment:
    env = Environment(
        loader=FileSystemLoader(settings.root / "templates"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )

    def money(amount: Money) -> str:
        return amount.format(settings.locale)

    def minor(amount: int) -> Money:
        return Money(amount, settings.currency)

    def day(at: datetime) -> str:
        return format_date(at.date(), "long", locale=settings.locale)

    def moment(at: datetime) -> str:
        return f"{format_datetime(at, 'd MMM y, HH:mm:ss', locale=settings.locale)} UTC"

    env.filters.update(
        address_lines=partial(address_lines, locale=settings.locale),
        ago=ago,
        day=day,
        moment=moment,
        stretch=stretch,
        line=one_line,
        tax_words=partial(tax_words, locale=settings.locale),
        money=money,
        minor=minor,
        option_rows=option_rows,
        major=partial(addresses.major, currency=settings.currency),
        srcset=srcset,
        smallest=smallest,
        stance=stance,
        image=image,
        seed=seed,
        tax_label=partial(tax_label, locale=settings.locale),
    )
    env.globals.update(
        shop=settings,
        static=f"/static/{static_digest(settings.root)}",
        product_url=addresses.product_url,
        category_url=addresses.category_url,
        collection_url=addresses.collection_url,
        content_url=addresses.content_url,
        search_url=addresses.search_url,
        media_url=addresses.media_url,
        list_url=partial(addresses.list_url, currency=settings.currency),
        queue_url=addresses.queue_url,
        list_url_without=partial(addresses.list_url_without, currency=settings.currency),
        is_filtered=addresses.is_filtered,
        is_indexable=addresses.is_indexable,
        page_numbers=page_numbers,
        qa=mark,
    )
    return env


def ago(at: datetime, now: datetime) -> str:
    """4 minutes ago; in 2 days."""
    if abs(seconds := int((at - now).total_seconds())) < 1:
        return "just now"
    return format_timedelta(timedelta(seconds=seconds), add_direction=True, threshold=1, locale="en")


def stretch(of_time: timedelta) -> str:
    return format_timedelta(of_time, threshold=1, locale="en")


def mark(name: str, id_: str = "", value: int | None = None) -> Markup:
    """Attributes by which tests find what repeats, and read values exactly (docs/qa.md)."""
    id_part = Markup(' data-qa-id="{}"').format(id_) if id_ else ""
    value_part = Markup(' data-value="{}"').format(value) if value is not None else ""
    return Markup(' data-qa="{}"{}{}').format(name, id_part, value_part)


@lru_cache(maxsize=256)
def option_rows(choices: tuple[tuple[str, str], ...], chosen: str) -> Markup:
    """The rows of a select. Made once: a template takes half a millisecond for the countries of the world."""
    row = Markup('<option value="{}"{}>{}</option>\n')
    return Markup("").join(row.format(key, " selected" if key == chosen else "", words) for key, words in choices)


def one_line(text: str) -> str:
    """`text` for one line of plain text: without line breaks, control characters and marks of direction."""
    return " ".join(str(text).translate(_CONTROLS | _DIRECTIONS).split())


def tax_words(tax: TaxLine, locale: str) -> str:
    """19 % VAT; or, where nothing is due, with the reason: 0 % VAT (export)."""
    rate = tax.rate
    why = f" ({UNTAXED[rate.reason]})" if rate.reason else ""
    return f"{format_decimal(Decimal(rate.rate) / 100, locale=locale)} % {rate.title}{why}"


def tax_label(tax: TaxLine, locale: str) -> str:
    """What stands before the tax in a table of totals: how it is contained, or why there is none."""
    return f"Export, no {tax.rate.title}" if tax.rate.reason == "export" else f"of which {tax_words(tax, locale)}"


def seed(view: msgspec.Struct) -> Markup:
    """The struct that a region was made of, for the script that takes it over. No `<` ends its element early."""
    return Markup(msgspec.json.encode(view).decode().replace("<", "\\u003c"))  # noqa: S704  (nothing in it is markup)


class ImageView(msgspec.Struct, frozen=True):
    """A picture as its element names it."""

    src: str
    srcset: str
    width: int
    height: int
    stance: str


@lru_cache(maxsize=4096)
def image(picture: PictureView) -> ImageView:
    return ImageView(smallest(picture, 640), srcset(picture), picture.width, picture.height, stance(picture))


@lru_cache(maxsize=4096)
def srcset(picture: PictureView) -> str:
    """Empty until the renditions are made; then `src` alone is shown."""
    return ", ".join(f"{addresses.media_url(picture.key, width)} {width}w" for width in picture.widths)


def smallest(picture: PictureView, width: int) -> str:
    """The address of the smallest rendition that is at least `width` px wide, else of the original."""
    return addresses.media_url(picture.key, min((each for each in picture.widths if each >= width), default=None))


def stance(picture: PictureView) -> str:
    """How a picture hangs: a `room` (framed mock-up) fills its 8:9 box; others get a mat and are bound by one side."""
    ratio = picture.width / picture.height
    if abs(ratio - 8 / 9) < 0.01:
        return "room"
    return "tall" if ratio < 0.84 else "wide"


def page_numbers(page: int, last: int) -> list[int | None]:
    """First, last and the neighbours of `page`; None where numbers are left out."""
    near = {1, last, *range(max(1, page - NEIGHBOURS), min(last, page + NEIGHBOURS) + 1)}
    numbers: list[int | None] = []
    for number in sorted(near):
        before = numbers[-1] if numbers else 0
        if before is not None and number - before == 2:
            numbers.append(number - 1)
        elif before is not None and number - before > 2:
            numbers.append(None)
        numbers.append(number)
    return numbers


def static_digest(root: Path) -> str:
    """A name for the present state of static/: part of every asset's address, so that it may be cached forever."""
    digest = hashlib.sha256()
    for path in sorted((root / "static").rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def lay_out_files(root: Path, folder: Path) -> None:
    """What the gateway serves of this release without asking an app (deploy/caddy): static/DIGEST and errors."""
    shutil.copytree(root / "static", folder / "static" / static_digest(root), dirs_exist_ok=True)
    shutil.copytree(root / "static" / "errors", folder / "errors", dirs_exist_ok=True)
