"""The secret in an order's link: an HMAC of its number, so that a wrong one is refused without any look-up."""

from __future__ import annotations

import base64
import hashlib
import hmac


def order_token(secret: bytes, number: int) -> str:
    """192 bits in 32 letters."""
    digest = hmac.new(secret, f"order:{number}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def is_order_token(token: str, secret: bytes, number: int) -> bool:
    return hmac.compare_digest(token.encode(), order_token(secret, number).encode())
