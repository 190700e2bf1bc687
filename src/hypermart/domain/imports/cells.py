"""What one cell means: amounts, weights, quantities, yes and no, words. Each refuses with BadCell and a reason."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

from hypermart.domain.imports.problems import BadCell
from hypermart.money import Money, exponent

MOST = 10**12
"""Minor units: far above any price, far below the edge of the column."""
_PLAIN = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"([0-9]+)([.,])([0-9]+)")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(,[0-9]{3})+(?:\.([0-9]+))?|(\.[0-9]{3})+(?:,([0-9]+))?)")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "lb": Decimal("453.59237"), "oz": Decimal("28.349523125")}


def amount(text: str, currency: str) -> int | None:
    """Minor units: '24.00', '24,00', '1.234,56' and '1,234.56'. None for an empty cell.

    A single separator before three digits could group or divide, so it is refused; except a point in a currency of
    three decimal digits, as Shopify writes it. Zeros beyond the currency's digits lose nothing: '24.00' is 24 yen.
    """
    text = text.strip(" \t\r\n")
    if not text:
        return None
    if text.startswith("-"):
        raise BadCell(f"{_quoted(text)} is negative")
    value = _decimal(text, exponent(currency))
    try:
        minor = Money.parse(value, currency).minor
    except ValueError:
        digits = exponent(currency)
        raise BadCell(f"{_quoted(text)} has more decimal digits than {currency} has ({digits})") from None
    if minor > MOST:
        raise BadCell(f"{_quoted(text)} is too large")
    return minor


def _decimal(text: str, digits: int) -> Decimal:
    if len(text) > 30:
        raise BadCell(f"{_quoted(text)} is not an amount like 24.00")
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if found := _DECIMAL.fullmatch(text):
        whole, separator, fraction = found.groups()
        could_group = len(fraction) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0")
        if could_group and not (digits == 3 and separator == "."):
            raise BadCell(f"{_quoted(text)} is ambiguous: write {whole}{fraction}.00 or {whole}.{fraction[:2]}")
        return Decimal(f"{whole}.{fraction}")
    if found := _GROUPED.fullmatch(text):
        fraction = found[2] or found[4] or "0"
        point = "." if found[1] else ","
        return Decimal(re.sub(r"[.,]", "", text.partition(point)[0]) + "." + fraction)
    raise BadCell(f"{_quoted(text)} is not an amount like 24.00")


def whole(text: str) -> int:
    """A count such as '22' or '-3'; an empty cell is 0."""
    text = text.strip()
    if not text:
        return 0
    if not _WHOLE.fullmatch(text):
        raise BadCell(f"{_quoted(text)} is not a whole number")
    return int(text)


def grams(text: str, unit: str = "g") -> int:
    """A weight in whole grams, rounded half up."""
    factor = GRAMS.get(unit.strip().casefold() or "g")
    if factor is None:
        raise BadCell(f"{_quoted(unit)} is not a weight unit: g, kg, lb or oz")
    text = text.strip().removeprefix("'")
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,6})?", text):
        raise BadCell(f"{_quoted(text)} is not a weight")
    weight = int((Decimal(text.replace(",", ".")) * factor).quantize(Decimal(1), ROUND_HALF_UP))
    if weight > 2_000_000_000:
        raise BadCell(f"{_quoted(text)} is too heavy")
    return weight


def yes(text: str, default: bool) -> bool:
    word = text.strip().casefold()
    if word in ("true", "false"):
        return word == "true"
    if word:
        raise BadCell(f"{_quoted(text)} is neither TRUE nor FALSE")
    return default


def one_of(text: str, allowed: tuple[str, ...], default: str) -> str:
    word = text.strip().casefold() or default
    if word not in allowed:
        raise BadCell(f"{_quoted(text)} is not {', '.join(allowed[:-1])} or {allowed[-1]}")
    return word


def words(text: str, limit: int) -> str:
    """One line of text, in the composed form that both databases compare alike."""
    text = " ".join(unicodedata.normalize("NFC", _printable(text)).split())
    if len(text) > limit:
        raise BadCell(f"{len(text):,} characters are over the limit of {limit}")
    return text


def lines(text: str, limit: int) -> str:
    text = unicodedata.normalize("NFC", _printable(text)).replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > limit:
        raise BadCell(f"{len(text):,} characters are over the limit of {limit:,}")
    return text


def code(text: str, limit: int) -> str:
    """A SKU or barcode. Shopify writes a leading ' to keep spreadsheets from reading it as a number."""
    text = words(text, limit + 1).removeprefix("'")
    if re.fullmatch(r"[0-9][.,]?[0-9]*E\+[0-9]+", text):
        raise BadCell(f"{_quoted(text)} was spoiled by a spreadsheet: format the column as text")
    return words(text, limit)


def _printable(text: str) -> str:
    for char in text:
        if (char < " " and char not in "\t\r\n") or "\x7f" <= char <= "\x9f":
            raise BadCell(f"control character U+{ord(char):04X}: remove it")
    return text


def _quoted(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return '"' + "".join(char if char.isprintable() else "?" for char in shown) + '"'
