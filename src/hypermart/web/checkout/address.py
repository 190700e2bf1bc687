"""The first step: to whom and where, and where the bill goes. A country that changes shows its own fields."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import set_address
from hypermart.domain.cart.pages import CartView
from hypermart.domain.customers.address_rules import country_choices, fields_for, fitted
from hypermart.domain.customers.queries import CustomerView, addresses
from hypermart.domain.orders.checkout import checkout_view
from hypermart.domain.orders.pages import CheckoutView
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.domain.shipping.queries import countries
from hypermart.metrics import CHECKOUTS
from hypermart.web.checkout.address_form import AddressForm, of_cart, posted, problems_of
from hypermart.web.checkout.address_help import address_help
from hypermart.web.checkout.steps import CART_URL, first_before, next_after, step_page
from hypermart.web.forms import Form
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

PAGE = Template("checkout/address.html", "checkout/_address_form.html")


@get("/checkout/address")
async def show_address(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return await _page(visit, shop)


@post("/checkout/address")
async def save_address(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """Saves what was typed and goes on; or shows it again, with the fields that it now needs or what is wrong."""
    form = await visit.form()
    typed = posted(form)
    if visit.is_partial or _asks_for_other_fields(form, typed):
        return await _page(visit, shop, typed)
    async with shop.db.fresh() as db:
        found = form.problems | problems_of(typed, await countries(db), shop.settings.locale)
    unseen = set() if form.text("billing_fields_of") else {name for name in found if name.startswith("billing-")}
    if found:
        said = {name: sentence for name, sentence in found.items() if name not in unseen}
        return await _page(visit, shop, typed, said, focus="" if said else "billing")
    after = await shop.db.retried(lambda db: _save(db, visit, shop, typed))
    if after:
        visit.renew()
        CHECKOUTS.inc(after.lacks("delivery"))
    return visit.leave(next_after(after))


async def _save(db: WriteSession, visit: Visit, shop: Shop, typed: AddressForm) -> CheckoutView | None:
    await set_address(
        db,
        visit.token_hash,
        now=shop.now(),
        email=typed.email,
        address=fitted(typed.address),
        billing=typed.billing_kept,
        wants_news=typed.wants_news,
    )
    return await checkout_view(db, visit.token_hash, shop.till.selling, shop.now())


async def _page(
    visit: Visit,
    shop: Shop,
    typed: AddressForm | None = None,
    found: dict[str, str] | None = None,
    focus: str = "",
) -> Answer:
    async with shop.db.fresh() as db:
        codes = await countries(db)
        country = typed.address.country if typed and typed.address.country in codes else ""
        view = await checkout_view(db, visit.token_hash, shop.till.selling, shop.now(), country=country)
    if view is None or first_before(view, "address"):
        return visit.leave(CART_URL)
    customer = await visit.customer()
    typed = typed or await _known(customer, shop, view.cart)
    return visit.page(
        PAGE,
        step_page(view, "address", shop, found),
        status=422 if found else 200,
        typed=typed,
        help=address_help(typed, shop.settings.locale),
        fields=fields_for(typed.address.country),
        billing_fields=fields_for(typed.billing.country),
        countries=country_choices(shop.settings.locale, codes),
        billing_countries=country_choices(shop.settings.locale, ISO_3166),
        focus=focus,
        is_guest=customer is None,
    )


async def _known(customer: CustomerView | None, shop: Shop, cart: CartView) -> AddressForm:
    """What the cart has; where that is nothing yet, what the account of the customer has."""
    typed = of_cart(cart)
    if typed.email or customer is None:
        return typed
    async with shop.db.fresh() as db:
        saved = await addresses(db, customer.id)
    address = saved[0].address if saved and saved[0].is_default else typed.address
    return msgspec.structs.replace(typed, email=customer.email, address=address)


def _asks_for_other_fields(form: Form, typed: AddressForm) -> bool:
    """By a button beside a country. Enter in any field presses the first button of the form, which is that of the
    country of delivery: there it only counts where the country is another one than the fields are of.
    """
    op = form.text("op")
    return op == "billing-country" or (op == "country" and typed.address.country != form.text("fields_of"))
