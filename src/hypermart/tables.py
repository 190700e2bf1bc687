"""Imports every models.py, so that the metadata is whole for migrations and tests."""

from hypermart.db import outbox
from hypermart.db.base import Base
from hypermart.domain.browse import models as browse
from hypermart.domain.catalog import models as catalog
from hypermart.domain.content import models as content
from hypermart.domain.stock import models as stock

metadata = Base.metadata

__all__ = ["browse", "catalog", "content", "metadata", "outbox", "stock"]
