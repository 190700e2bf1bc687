"""Who may come in, and how often."""

from __future__ import annotations

import ipaddress
from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope

from hypermart.domain.payments.actions import TooManyAttempts
from hypermart.web import csrf
from hypermart.web.render import AnyRequest, Shop


async def same_origin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuses what another site's page makes a browser send. Browsers that say nothing need a token (Visit.form).

    Async though it waits for nothing: Litestar calls other guards in a thread, which costs more than all of this.
    """
    base_url = connection.app.state.shop.settings.base_url
    method = cast("HTTPScope", connection.scope)["method"]
    if method not in csrf.SAFE and csrf.origin(connection.headers, base_url) == "foreign":
        raise PermissionDeniedException("This form was sent by another site.")


async def count_try(request: AnyRequest, shop: Shop) -> None:
    """Placing orders is how stolen cards are tried out. Raises TooManyAttempts."""
    who = network(request.client.host if request.client else "")
    if who and (seconds := await shop.limiter.wait(f"place:{who}")):
        raise TooManyAttempts(seconds)


def network(host: str) -> str:
    """Whom a limit counts: an IPv4 address, or the /64 that one IPv6 customer has. '' for a socket: nobody."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
