"""The domain's ways to say no. What each one means in HTTP is known to web/errors.py alone."""

from __future__ import annotations


class NotFound(Exception):
    """Nothing for the public stands under this address."""


class Gone(NotFound):
    """Something stood here and was withdrawn for good."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.title = title


class Moved(Exception):
    """The same thing lives under another slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class PageBeyondEnd(NotFound):
    """A list was asked for a page after its last one."""

    def __init__(self, last: int) -> None:
        super().__init__(last)
        self.last = last


class Refused(Exception):
    """A rule of the shop says no; the message says which, in words for whoever asked."""
