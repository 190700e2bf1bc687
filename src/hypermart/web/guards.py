"""Who may come in: asked before a handler runs."""

from __future__ import annotations

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope

from hypermart.web import csrf


def same_origin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuses what another site's page makes a browser send. Browsers that say nothing need a token (Visit.form)."""
    base_url = connection.app.state.shop.settings.base_url
    method = cast("HTTPScope", connection.scope)["method"]
    if method not in csrf.SAFE and csrf.origin(connection.headers, base_url) == "foreign":
        raise PermissionDeniedException("This form was sent by another site.")
