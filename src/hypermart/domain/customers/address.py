"""A postal address as people write it. What each country needs of one is checked in address_rules.py."""

from __future__ import annotations

import msgspec


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Every field is text as typed, cleaned of outer blanks; empty where there is nothing."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    """State, province or county; only some countries have one in their addresses."""
    country: str = ""
    """ISO 3166 alpha-2, like DE."""
    phone: str = ""
