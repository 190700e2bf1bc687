"""A customer's saved addresses: the list, and one of them in its form."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.customers import actions
from hypermart.domain.customers.address import Address
from hypermart.domain.customers.address_rules import country_choices, fields_for, fitted, problems
from hypermart.domain.customers.queries import CustomerView, address, addresses
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.errors import Refused
from hypermart.web.account.shown import shown
from hypermart.web.address_fields import posted_address
from hypermart.web.forms import Form
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Visit

LIST = "/account/addresses"
PAGE, FORM = "account/addresses.html", "account/address.html"


class AddressPage(msgspec.Struct, frozen=True):
    address: Address
    action: str
    """Where its form is sent."""
    title: str


@get("/account/addresses")
async def show_addresses(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], customer: NamedDependency[CustomerView]
) -> Answer:
    return await _list(visit, shop, customer)


@get("/account/addresses/new")
async def show_new_address(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], customer: NamedDependency[CustomerView]
) -> Answer:
    blank = Address(name=customer.name, country=shop.settings.shop_country)
    return await _form(visit, shop, AddressPage(blank, LIST, "Add an address"))


@post("/account/addresses")
async def add_address(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], customer: NamedDependency[CustomerView]
) -> Answer:
    form = await visit.form()
    page = AddressPage(posted_address(form), LIST, "Add an address")
    if again := await _again(visit, shop, page, form):
        return again
    try:
        await shop.db.retried(lambda db: actions.add_address(db, customer.id, fitted(page.address), shop.now()))
    except Refused as refusal:
        return await _form(visit, shop, page, {"": str(refusal)}, status=409)
    return visit.leave(LIST)


@get("/account/addresses/{id_:int}")
async def show_address(
    id_: FromPath[int],
    visit: NamedDependency[Visit],
    shop: NamedDependency[Shop],
    customer: NamedDependency[CustomerView],
) -> Answer:
    async with shop.db.fresh() as db:
        row = await address(db, customer.id, id_)
    return await _form(visit, shop, AddressPage(row.address, f"{LIST}/{id_}", "Change an address"))


@post("/account/addresses/{id_:int}")
async def change_address(
    id_: FromPath[int],
    visit: NamedDependency[Visit],
    shop: NamedDependency[Shop],
    customer: NamedDependency[CustomerView],
) -> Answer:
    form = await visit.form()
    page = AddressPage(posted_address(form), f"{LIST}/{id_}", "Change an address")
    if again := await _again(visit, shop, page, form):
        return again
    await shop.db.retried(lambda db: actions.change_address(db, customer.id, id_, fitted(page.address)))
    return visit.leave(LIST)


@post("/account/addresses/{id_:int}/choices")
async def choose_address(
    id_: FromPath[int],
    visit: NamedDependency[Visit],
    shop: NamedDependency[Shop],
    customer: NamedDependency[CustomerView],
) -> Answer:
    """By the button beside it: it is the default, or gone."""
    form = await visit.form()
    if form.problems:
        return await _list(visit, shop, customer, form)
    act = {"default": actions.make_default, "remove": actions.remove_address}.get(form.text("op"))
    if act:
        await shop.db.retried(lambda db: act(db, customer.id, id_))
    return visit.leave(LIST)


async def _list(visit: Visit, shop: Shop, customer: CustomerView, form: Form | None = None) -> Answer:
    async with shop.db.fresh() as db:
        saved = await addresses(db, customer.id)
    said = form.problems if form else {}
    return await shown(visit, PAGE, saved, status=422 if said else 200, problems=said, customer=customer)


async def _again(visit: Visit, shop: Shop, page: AddressPage, form: Form) -> Answer | None:
    """The form, where something is wrong with it, or where it has another country than its fields are of."""
    if form.text("op") == "country" and page.address.country != form.text("fields_of"):
        return await _form(visit, shop, page, form.problems)
    found = form.problems | problems(page.address)
    if page.address.country not in ISO_3166:
        found["country"] = "Select a country"
    return await _form(visit, shop, page, found, status=422) if found else None


async def _form(
    visit: Visit, shop: Shop, page: AddressPage, found: dict[str, str] | None = None, status: int = 200
) -> Answer:
    choices = country_choices(shop.settings.locale, ISO_3166)
    fields = fields_for(page.address.country)
    return await shown(visit, FORM, page, status=status, problems=found or {}, fields=fields, countries=choices)
