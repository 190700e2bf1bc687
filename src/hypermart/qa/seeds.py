"""Seeds by name: seed.product("sold-out") is a state of the table in states.py, and how a browser gets there."""

from __future__ import annotations

from playwright.async_api import Page

from hypermart.qa.states import STATES, Kind, State

ELSEWHERE = ("sick", "unpaid", "unsold")
"""Seeds of shops that lack a service, or any order: no healthy shop can show these states."""


class Seeds:
    """Every state of the table that a shop in QA mode can show, by what kind of page it is of."""

    def product(self, name: str) -> State:
        return _named(name, Kind.PRODUCT)

    def list(self, name: str) -> State:
        """Of a category, a collection or a search."""
        return _named(name, Kind.LIST)

    def content(self, name: str) -> State:
        return _named(name, Kind.CONTENT)

    def cart(self, name: str) -> State:
        """seed.cart("sold-out"): the cart of a visitor in hypermart.demo.carts."""
        return _named(f"cart-{name}", Kind.PRIVATE)

    def checkout(self, name: str) -> State:
        """A page on the way: address, delivery-step, payment, review and their states."""
        return _named(name, Kind.PRIVATE)

    def payment(self, name: str) -> State:
        """Back from the bank: declined, not-finished, voided, paying, waiting."""
        return _named(f"attempt-{name}", Kind.PRIVATE)

    def order(self, name: str) -> State:
        return _named(f"order-{name}", Kind.PRIVATE)

    def account(self, name: str) -> State:
        """A page of an account, of signing in or of staff: sign-in, account, addresses, staff."""
        return _named(name, Kind.PRIVATE)

    def mail(self, name: str) -> State:
        return _named(f"mail-{name}", Kind.PRIVATE)

    def error(self, name: str) -> State:
        return _named(name, Kind.ERROR)


def _named(name: str, kind: Kind) -> State:
    known = {state.name: state for state in STATES if state.kind is kind and state.seed not in ELSEWHERE}
    assert name in known, f"no {kind} state is called {name!r}; there are: {', '.join(known)}"
    return known[name]


async def arrive(page: Page, state: State, base: str) -> None:
    """As the state's visitor, after what is typed was sent."""
    if state.cookie:
        await page.context.add_cookies(
            [{"name": name, "value": value, "url": base} for name, value in state.cookie.items()]
        )
    path = state.path
    if state.found:
        path = state.found_in(await (await page.request.get(path)).text())
    await page.goto(path, wait_until="load")
    if state.sends:
        await _send(page, state)
    elif state.typed:
        ((name, value),) = state.typed.items()
        field = page.locator(f"main [name^='{name}']").first
        await field.fill(value)
        await field.press("Enter")
        await page.wait_for_selector("[aria-invalid=true]")


async def mounted(page: Page) -> None:
    """The islands of the page, if it has any, are at work."""
    if await page.locator("[data-island]").count():
        await page.wait_for_selector("html[data-ready]", state="attached")


TYPE = """(field, value) => {
  if (field.type === 'checkbox') field.checked = true;
  else field.value = value;
}"""


async def _send(page: Page, state: State) -> None:
    """By the form's first button, as Enter does it."""
    form = page.locator(f"form[action*='{state.sends}']").first
    for name, value in state.typed.items():
        await form.locator(f"[name^='{name}']").first.evaluate(TYPE, value)
    async with page.expect_navigation():
        await form.evaluate("(form) => form.requestSubmit(form.querySelector('button'))")
