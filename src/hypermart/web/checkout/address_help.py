"""What helps with typing an address, for scripts: a hint is never an error, and the server judges by its own rules."""

from __future__ import annotations

import msgspec

from hypermart.domain.customers.address_rules import country_name
from hypermart.domain.customers.postcodes import PostcodeShape, shape_of
from hypermart.web.checkout.address_form import AddressForm

#: Where most people have their mail. What is one slip away from one of these is asked about.
DOMAINS = tuple(
    """
    gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com msn.com
    proton.me protonmail.com mail.com comcast.net
    gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de posteo.de mailbox.org hotmail.de outlook.de yahoo.de
    hotmail.co.uk yahoo.co.uk outlook.fr hotmail.fr orange.fr wanadoo.fr free.fr laposte.net libero.it ziggo.nl
    kpnmail.nl wp.pl seznam.cz bluewin.ch
    """.split()
)


class PostcodeHelp(msgspec.Struct, frozen=True):
    country: str
    """Its name."""
    shape: PostcodeShape


class AddressHelp(msgspec.Struct, frozen=True):
    domains: tuple[str, ...]
    postcodes: dict[str, PostcodeHelp]
    """By id of the field."""


def address_help(typed: AddressForm, locale: str) -> AddressHelp:
    fields = {"postcode": typed.address.country}
    if typed.has_billing:
        fields["billing-postcode"] = typed.billing.country
    return AddressHelp(
        DOMAINS, {field: PostcodeHelp(country_name(locale, code), shape_of(code)) for field, code in fields.items()}
    )
