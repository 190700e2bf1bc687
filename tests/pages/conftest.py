"""Fixtures of the page tests: shops on a real port, and a browser (tests/parts/visits.py)."""

from tests.parts.visits import browser, shop, shops, sick, site, unpaid, unsold

__all__ = ["browser", "shop", "shops", "sick", "site", "unpaid", "unsold"]
