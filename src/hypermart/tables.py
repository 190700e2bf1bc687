"""Imports every models.py, so that the metadata is whole for migrations and tests."""

from hypermart.db import chores, outbox
from hypermart.db.base import Base
from hypermart.domain.browse import models as browse
from hypermart.domain.cart import models as cart
from hypermart.domain.catalog import models as catalog
from hypermart.domain.content import models as content
from hypermart.domain.customers import models as customers
from hypermart.domain.orders import models as orders
from hypermart.domain.payments import models as payments
from hypermart.domain.shipping import models as shipping
from hypermart.domain.staff import models as staff
from hypermart.domain.stock import models as stock
from hypermart.domain.tax import models as tax

metadata = Base.metadata

__all__ = [
    "browse",
    "cart",
    "catalog",
    "chores",
    "content",
    "customers",
    "metadata",
    "orders",
    "outbox",
    "payments",
    "shipping",
    "staff",
    "stock",
    "tax",
]
