"""An address in a form, whoever asks for one."""

from __future__ import annotations

import re

from hypermart.domain.customers.address import Address
from hypermart.web.forms import Form

#: The least that the fields keep of what was typed; each field's own limit is said by its problem.
LONGEST = 20_000
_BREAKS = re.compile(r"[\t\r\n]+")


def posted_address(form: Form, prefix: str = "") -> Address:
    values = {name: posted_line(form, prefix + name) for name in Address.__struct_fields__}
    return Address(**values | {"country": values["country"][:2]})  # a code; whatever else was sent is none


def posted_line(form: Form, name: str) -> str:
    """One line: what is pasted into a field may have more."""
    return _BREAKS.sub(" ", form.text(name, limit=LONGEST))
