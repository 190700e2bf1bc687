"""Pure rules of the catalogue: slugs, sort keys, centuries, prices. No session, no clock."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from hypermart.errors import Refused

SLUG_LENGTH = 190
SORT_LENGTH = 255


def slugify(text: str) -> str:
    """An address in ASCII: 'Vincent van Gogh' -> vincent-van-gogh. Never empty: without an ASCII letter, a digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", _plain(text.replace("ß", "ss"))).strip("-")[:SLUG_LENGTH].strip("-")
    return slug or f"x-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def sort_key(title: str) -> str:
    """A title without case and accents, so that both dialects sort alike."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", title).casefold())
    words = "".join(char for char in plain if not unicodedata.combining(char)).split()
    return " ".join(words)[:SORT_LENGTH]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.replace("×", "x")).casefold()
    return unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()


_YEAR = re.compile(r"(?<!\d)(\d{3,4})s?(?!\d)")
_ORDINAL = re.compile(r"(?<!\d)(\d{1,2})(st|nd|rd|th) century", re.IGNORECASE)
_BEFORE_CHRIST = re.compile(r"\b(bc|bce|v\. ?chr)\b", re.IGNORECASE)


def century(year: str) -> int | None:
    """The century that a date as people write it begins in: '1850–55' and '1850s' -> 19; None if it cannot be read."""
    if _BEFORE_CHRIST.search(year):
        return None
    if named := _ORDINAL.search(year):
        return int(named[1]) or None
    if dated := _YEAR.search(year):
        number = int(dated[1])
        # '1800s' means the century; 1800 itself is the last year of the 18th.
        is_whole = dated[0].endswith("00s")
        return number // 100 + 1 if is_whole else (number + 99) // 100
    return None


def century_label(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending} century"


def ancestors(parents: dict[int, int | None], category_id: int) -> list[int]:
    """From the parent of `category_id` up to the root."""
    above: list[int] = []
    node = parents.get(category_id)
    while node is not None and node not in above:
        above.append(node)
        node = parents.get(node)
    return above


def check_sale(
    price: int, regular: int, window: tuple[datetime, datetime], others: Iterable[tuple[datetime, datetime]]
) -> None:
    """Refuses a sale price that is no lower than the regular one, an empty window, and one that overlaps another."""
    starts_at, ends_at = window
    if price < 0 or price >= regular:
        raise Refused("A sale price must be lower than the regular price.")
    if starts_at >= ends_at:
        raise Refused("A sale must start before it ends.")
    if any(starts_at < other_end and other_start < ends_at for other_start, other_end in others):
        raise Refused("Another sale of this variant runs at that time.")
