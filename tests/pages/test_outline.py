"""Every HTML state without a browser: fields have their labels, errors and buttons, headings skip no level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import httpx
import pytest

from hypermart.qa.states import HTML_STATES, Kind, State

Shops = Callable[[str], httpx.Client]
#: Mails have no outline of their own, and the plain files of a sick shop no forms.
PAGES = [state for state in HTML_STATES if state.kind is not Kind.MAIL]
FIELDS = ("input", "select", "textarea")
REFERENCES = ("aria-describedby", "aria-labelledby", "for")
VOID = ("input", "img", "link", "meta", "br", "hr", "source")

Attributes = dict[str, str]


class Outline(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.fields: list[Attributes] = []
        self.headings: list[int] = []
        self.buttonless: list[str] = []
        self.labelled: set[str] = set()
        """Ids of fields that a label names or holds."""
        self.named: list[tuple[str, str]] = []
        """Ids that something refers to, and by what."""
        self._open: list[str] = []
        self._form = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        self.named += [(id_, f"{tag} {name}") for name in REFERENCES for id_ in given.get(name, "").split()]
        if tag == "a" and len(given.get("href", "")) > 1 and given["href"].startswith("#"):
            self.named.append((given["href"][1:], "a link"))
        if tag == "label":
            self.labelled.add(given.get("for", ""))
        if tag in FIELDS and given.get("type") not in ("hidden", "submit"):
            self._field(given)
        if tag == "form":
            self._form = given.get("action", "here")
            self.buttonless.append(self._form)
        if tag == "button" and self._form in self.buttonless:
            self.buttonless.remove(self._form)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append(tag)

    def _field(self, given: Attributes) -> None:
        self.fields.append(given)
        if "label" in self._open or "aria-label" in given:
            self.labelled.add(given.get("id", ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        self._form = "" if tag == "form" else self._form


def complaints(page: str) -> Iterator[str]:
    outline = Outline(page)
    yield from (f"{by} names #{id_}, which is not there" for id_, by in outline.named if id_ not in outline.ids)
    yield from (f"the form for {action} has no button" for action in outline.buttonless)
    for field in outline.fields:
        id_ = field.get("id", "")
        if id_ not in outline.labelled:
            yield f"the field {field.get('name')} has no label"
        is_said = f"{id_}-error" in field.get("aria-describedby", "").split()
        if f"{id_}-error" in outline.ids and not is_said and field.get("type") != "radio":  # their group says it
            yield f"the error of {id_} is not read with it"
    for before, level in zip([1, *outline.headings], outline.headings, strict=False):
        if level > before + 1:
            yield f"a heading of level {level} follows one of level {before}"


@pytest.mark.parametrize("state", PAGES, ids=lambda state: state.name)
def test_labels_errors_buttons_and_headings_are_whole(state: State, shops: Shops) -> None:
    assert list(complaints(state.answer(shops(state.seed)).text)) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ('<h1>A</h1><form><label for="b">B</label><input id="a" name="a"><button>x</button></form>', 2),
        ("<h1>A</h1><h3>B</h3>", 1),
        ("<h3>A</h3>", 1),
        ('<h1>A</h1><form><label>B <select id="b"></select></label></form>', 1),
        ('<h1>A</h1><a href="#there">B</a>', 1),
        ('<h1>A</h1><p id="a-error"></p><label for="a">A</label><input id="a" aria-describedby="a-hint">', 2),
        ('<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2><input type="hidden" name="x"><a href="#">up</a>', 0),
    ],
)
def test_what_is_not_whole_is_seen(planted: str, found: int) -> None:
    assert len(list(complaints(planted))) == found
