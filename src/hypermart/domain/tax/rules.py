"""Which rate a line bears. Pure; how much that is in a total is computed by the cart's totals."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hypermart.domain.tax.models import STANDARD

EXPORT, EXEMPT, ZERO = "export", "exempt", "zero"
"""Why a rate is 0: the goods leave the tax area; they are not taxable; their class is taxed at 0 % there."""
UNTAXED = "VAT"
"""What the tax is called where a country has no rates, and so no name for it."""


class Rate(msgspec.Struct, frozen=True):
    """A rate as it stands on a tax line: in hundredths of a per cent, and for 0 % why."""

    title: str
    rate: int
    reason: str = ""


def rate_of(rates: Mapping[str, Rate], tax_code: str, *, is_taxable: bool) -> Rate:
    """The rate of a variant where `rates` (by tax class) apply. Without any rates it is an export.

    A code that is no class of that country is taxed as standard, and where not even that is known, at the highest
    rate: the shop would have to pay what it did not charge.
    """
    if not rates:
        return Rate(UNTAXED, 0, EXPORT)
    standard = rates.get(STANDARD) or max(rates.values(), key=lambda rate: rate.rate)
    if not is_taxable:
        return Rate(standard.title, 0, EXEMPT)
    return rates.get(tax_code, standard)
