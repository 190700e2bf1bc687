"""What stands in the fields of the address step: read from a form or from the cart, and what is wrong with it."""

from __future__ import annotations

import msgspec

from hypermart.domain.cart.pages import CartView
from hypermart.domain.customers.address import Address
from hypermart.domain.customers.address_rules import country_name, fitted, problems
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.emails import is_email
from hypermart.web.address_fields import posted_address, posted_line
from hypermart.web.forms import Form


class AddressForm(msgspec.Struct, frozen=True):
    email: str
    wants_news: bool
    address: Address
    has_billing: bool
    """The bill goes elsewhere."""
    billing: Address

    @property
    def billing_kept(self) -> Address | None:
        return fitted(self.billing) if self.has_billing else None


def of_cart(cart: CartView) -> AddressForm:
    address = cart.address if cart.address.country else Address(country=cart.country)
    billing = cart.billing or Address(country=address.country)
    return AddressForm(cart.email, cart.wants_news, address, cart.billing is not None, billing)


def posted(form: Form) -> AddressForm:
    return AddressForm(
        email=posted_line(form, "email"),
        wants_news=form.is_ticked("wants_news"),
        address=posted_address(form),
        has_billing=form.is_ticked("has_billing"),
        billing=posted_address(form, "billing-"),
    )


def problems_of(typed: AddressForm, countries: tuple[str, ...], locale: str) -> dict[str, str]:
    """A sentence by field, in the order of the form. `countries`: those delivered to."""
    found = {}
    if not is_email(typed.email):
        found["email"] = "Enter an e-mail address, like name@example.com"
    country = typed.address.country
    if country and country not in countries:
        found["country"] = f"We do not deliver to {country_name(locale, country)}. Select another country"
    found |= problems(typed.address)
    if typed.has_billing and typed.billing.country not in ISO_3166:
        found["billing-country"] = "Select a country"
    elif typed.has_billing:
        found |= {f"billing-{name}": sentence for name, sentence in problems(typed.billing).items()}
    return found
