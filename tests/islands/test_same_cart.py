"""Plain form, htmx and island's JSON: whatever is done to a cart, in any order, it becomes the same cart."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypermart.db.session import Database
from hypermart.demo import carts
from hypermart.qa.forms import Page
from tests.parts.shopping import BROWSER, FORM, JSON, PARTIAL, another, put, variant_of

pytestmark = [pytest.mark.slow]
WAYS: dict[str, dict[str, str]] = {"plain": {}, "htmx": PARTIAL, "island": JSON}
SKUS = (carts.MOON, carts.FLOWERS, carts.WIDE)
#: Places in the cart: of a line that may not be there.
PLACES = st.integers(0, 3)
QUANTITIES = st.one_of(st.integers(0, 5).map(str), st.sampled_from(["999", "1000", "1.5", "", "two", " 3 "]))
EDITS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(SKUS), st.sampled_from(["1", "3", "998", "0", "x"])),
    st.tuples(st.just("update"), PLACES, QUANTITIES),
    st.tuples(st.sampled_from(["remove", "save", "unsave"]), PLACES, QUANTITIES),
    st.tuples(st.just("one"), PLACES, QUANTITIES),
)


async def edit(client: httpx.AsyncClient, db: Database, way: str, step: tuple[str, Any, str]) -> int:
    """Does the step in its way, by the form as it stands then; gives the status, 200 for a redirect."""
    op, what, quantity = step
    headers = FORM | BROWSER | WAYS[way]
    if op == "put":
        fields = {"variant": str(await variant_of(db, what)), "quantity": quantity}
        answer = await client.post("/cart/lines", content=urlencode(fields), headers=headers)
    else:
        page = Page(await client.get("/cart"))
        form = next((form for form in page.forms if form.action == "/cart" and form.method == "post"), None)
        if form is None:
            return 200
        names = [name for name, _ in form.fields if name.startswith("q-")]
        buttons = [value for _, value in form.buttons if value.startswith(f"{op}-")]
        if op in ("update", "one"):
            press, typed = ("op", op), {names[what]: quantity} if what < len(names) else {}
        else:
            press, typed = ("op", buttons[what] if what < len(buttons) else f"{op}-0"), {}
            if names:
                typed = {names[0]: quantity}
        body = form.filled(typed, press)
        if op == "one":  # as the island sends a single quantity
            body = [pair for pair in body if not pair[0].startswith("q-") or pair[0] in typed]
        answer = await client.post("/cart", content=urlencode(body), headers=headers)
    return 200 if answer.status_code == 303 else answer.status_code


async def contents(client: httpx.AsyncClient) -> dict[str, Any]:
    """What the cart holds and costs, without ids, which differ from cart to cart."""
    page = (await client.get("/cart", headers=JSON)).json()
    rows = {kind: [(row["url"], row["quantity"], row["notices"]) for row in page[kind]] for kind in ("lines", "saved")}
    return rows | {key: page[key] for key in ("count", "totals", "is_blocked", "options")}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(EDITS, min_size=1, max_size=8))
async def test_three_ways_lead_to_one_cart(
    steps: list[tuple[str, Any, str]], shopper: httpx.AsyncClient, db: Database
) -> None:
    """Three visitors of one shop, each with a way of its own; new ones for every sequence."""
    visitors = {way: another(shopper) for way in WAYS}
    for client in visitors.values():
        await put(client, db, carts.MOON, "2")
    for step in steps:
        statuses = {way: await edit(client, db, way, step) for way, client in visitors.items()}
        assert len(set(statuses.values())) == 1, (step, statuses)
        found = {way: await contents(client) for way, client in visitors.items()}
        assert found["htmx"] == found["plain"], step
        assert found["island"] == found["plain"], step
        badges = {client.cookies.get("cart_n", "0") for client in visitors.values()}
        assert badges == {str(found["plain"]["count"])}
    for client in visitors.values():
        await client.aclose()
