"""Which pictures lack their renditions, and are owed them. Making them is jobs/pictures.py."""

from __future__ import annotations

from sqlalchemy import select

from hypermart.db.outbox import Outbox, later
from hypermart.db.session import WriteSession
from hypermart.domain.catalog.models import Picture


async def owe_renditions(db: WriteSession, limit: int = 500) -> int:
    """Pictures that have none, and whose making is neither owed nor given up, are owed them. Gives how many.

    None while others are being made: those may be among them, and the rest has its turn after that.
    """
    unfinished = Outbox.job == "make_renditions", Outbox.done_at.is_(None)
    if await db.scalar(select(Outbox.id).where(*unfinished, Outbox.dead_at.is_(None)).limit(1)):
        return 0
    given_up = {args["picture_id"] for args in await db.scalars(select(Outbox.args).where(*unfinished))}
    bare = select(Picture.id).where(Picture.widths == "").order_by(Picture.id).limit(limit + len(given_up))
    ids = [id_ for id_ in await db.scalars(bare) if id_ not in given_up][:limit]
    for id_ in ids:
        later(db, "make_renditions", picture_id=id_)
    return len(ids)
