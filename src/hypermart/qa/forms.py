"""The forms of an HTML page as a browser without scripting would send them."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx


class Form:
    """`fields` are what would be sent as the page stands; `buttons` the submits, which count when pressed."""

    def __init__(self, action: str, method: str) -> None:
        self.action, self.method = action, method
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []
        self.choices: dict[str, list[str]] = {}
        """Every value that a radio group or a select offers."""

    def named(self, beginning: str) -> str:
        """The name of the first field whose name begins so; '' if there is none."""
        return next((name for name, _ in self.fields if name.startswith(beginning)), "")

    def filled(self, values: Mapping[str, str], press: tuple[str, str] | None = None) -> list[tuple[str, str]]:
        """The fields with `values` typed in; a value for a box that is not ticked ticks it."""
        sent = [(name, values.get(name, value)) for name, value in self.fields]
        known = {name for name, _ in self.fields}
        sent += [(name, value) for name, value in values.items() if name not in known]
        return sent + ([press] if press and press[0] else [])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.texts: list[str] = []
        self.titles: list[str] = []
        self._form: Form | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._in_title = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in ("script", "style"):
            self._silent += 1
        elif tag == "title":
            self._in_title = True
        elif self._form is not None:
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        form, name = self._form, given.get("name", "")
        assert form is not None
        if tag == "option" and self._select:
            self._select[1].append((given.get("value", ""), "selected" in given))
        elif "disabled" in given:
            return
        elif tag == "button" or given.get("type") == "submit":
            form.buttons.append((name, given.get("value", "")))
        elif not name:
            return
        elif tag == "select":
            self._select = (name, [])
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "input" and given.get("type") in ("radio", "checkbox"):
            value = given.get("value", "on")
            form.choices.setdefault(name, []).append(value)
            if "checked" in given:
                form.fields.append((name, value))
        elif tag == "input":
            form.fields.append((name, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag in ("script", "style"):
            self._silent -= 1
        elif tag == "title":
            self._in_title = False
        elif tag == "select" and self._select and self._form is not None:
            name, options = self._select
            self._form.choices[name] = [value for value, _ in options]
            if options:
                chosen = next((value for value, is_selected in options if is_selected), options[0][0])
                self._form.fields.append((name, chosen))
            self._select = None
        elif tag == "textarea" and self._area and self._form is not None:
            self._form.fields.append((self._area[0], "".join(self._area[1])))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.titles.append(data)
        elif self._area:
            self._area[1].append(data)
        elif not self._silent:
            self.texts.append(data)


class Page:
    """An answer as somebody without scripting sees it."""

    def __init__(self, answer: httpx.Response) -> None:
        parsed = _Page()
        parsed.feed(answer.text)
        self.answer, self.status, self.url = answer, answer.status_code, str(answer.url)
        self.forms = parsed.forms
        self.text = " ".join(" ".join(parsed.texts).split())
        self.title = " ".join(parsed.titles).strip()

    def form(self, action: str) -> Form:
        """The form that sends to an address with `action` in it."""
        for form in self.forms:
            if action in (form.action or self.url):
                return form
        raise AssertionError(f"no form for {action} on {self.url} ({self.status}): {self.text[:300]}")

    def target(self, form: Form) -> str:
        return urljoin(self.url, form.action)


class Buyer:
    """Walks through a shop with links and forms alone, like a text browser: no Origin, no Sec-Fetch, no htmx."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def visit(self, url: str) -> Page:
        return Page(await self.client.get(url, follow_redirects=True))

    async def send(self, page: Page, action: str, press: Any = None, *, follow: Any = True, **values: Any) -> Page:
        """Fills the form for `action` on `page` and sends it. A name with a dash is written with two underscores."""
        form = page.form(action)
        typed = {name.replace("__", "-"): str(value) for name, value in values.items()}
        data = urlencode(form.filled(typed, press))
        if form.method == "get":
            return await self.visit(f"{page.target(form)}?{data}")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self.client.post(page.target(form), content=data, headers=headers, follow_redirects=follow)
        return Page(answer)
