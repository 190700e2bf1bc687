"""Money: whole minor units of one ISO 4217 currency. Rounding and tax rules live in the domain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import msgspec
from babel.numbers import format_currency, get_currency_name

#: Minor-unit exponents that are not 2. Source: ISO 4217 list one (CLDR, and so Babel, differs for some).
EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """How many decimal digits the minor unit of `currency` has. Raises ValueError for an unknown code."""
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise ValueError(f"{currency!r} is not a currency code")
    if currency not in EXPONENTS and get_currency_name(currency, locale="en") == currency:
        raise ValueError(f"{currency!r} is not a known currency")
    return EXPONENTS.get(currency, 2)


class Money(msgspec.Struct, frozen=True, order=True):
    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact: 1900 EUR -> 19.00."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @classmethod
    def parse(cls, amount: Decimal, currency: str) -> Money:
        """Money from major units. Raises ValueError for no number, or more digits than the currency has."""
        if not amount.is_finite():
            raise ValueError(f"{amount} is not an amount")
        minor = amount.scaleb(exponent(currency))
        if minor != minor.to_integral_value():
            raise ValueError(f"{amount} has more digits than {currency} allows")
        return cls(int(minor), currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split by `weights` so that the parts sum to the whole: largest remainder, ties to the first."""
        total = sum(weights)
        if total <= 0:
            raise ValueError("weights must have a positive sum")
        shares = [divmod(self.minor * weight, total) for weight in weights]
        left = self.minor - sum(share for share, _ in shares)
        order = sorted(range(len(shares)), key=lambda i: -shares[i][1])
        extra = set(order[:left])
        return [Money(share + (i in extra), self.currency) for i, (share, _) in enumerate(shares)]

    def format(self, locale: str) -> str:
        return _formatted(self.minor, self.currency, locale)


@lru_cache(maxsize=4096)
def _formatted(minor: int, currency: str, locale: str) -> str:
    return format_currency(Money(minor, currency).decimal, currency, locale=locale, decimal_quantization=False)


class MoneyPattern(msgspec.Struct, frozen=True):
    """How amounts are written, for scripts that write some too. Browsers' own tables differ from ours in details."""

    prefix: str
    suffix: str
    decimal: str
    group: str
    groups: tuple[int, int]
    """Digits in the last group, and in those before it."""
    exponent: int
    least: int
    """Decimals that are shown even where they are 0."""


@lru_cache(maxsize=16)
def money_pattern(currency: str, locale: str) -> MoneyPattern:
    """Read off what format() makes, so that it is right for any currency and locale."""
    digits = exponent(currency)
    written = re.fullmatch(r"(\D*)(\d.*\d)(\D*)", _formatted(int("1234567890" + "1" * digits), currency, locale))
    if written is None:
        raise ValueError(f"{currency} in {locale} is written without digits")
    prefix, number, suffix = written.groups()
    whole, decimal = (number[: -digits - 1], number[-digits - 1]) if digits else (number, "")
    groups = [len(group) for group in re.findall(r"\d+", whole)]
    least = re.sub(rf"^{re.escape(prefix)}1", "", _formatted(10**digits, currency, locale))
    return MoneyPattern(
        prefix=prefix,
        suffix=suffix,
        decimal=decimal,
        group=next(iter(re.findall(r"\D", whole)), ""),
        groups=(groups[-1], groups[-2] if len(groups) > 1 else groups[-1]),
        exponent=digits,
        least=sum(each.isdigit() for each in least),
    )
