"""Shops of a test's own, as the tests of pages have them."""

from __future__ import annotations

from tests.account.conftest import valkey, valkey_server
from tests.web.conftest import selling

__all__ = ["selling", "valkey", "valkey_server"]
