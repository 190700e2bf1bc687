"""The types of islands/shared/wire.ts, made of the structs that the shop sends; run as a module it writes them."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from hypermart.domain.cart.pages import Added
from hypermart.settings import ROOT
from hypermart.web.checkout.address_help import AddressHelp
from hypermart.web.checkout.cart_page import CartPage
from hypermart.web.checkout.order_summary import OrderSummary
from hypermart.web.visit import CartNews

STRUCTS = (CartPage, OrderSummary, AddressHelp, Added, CartNews)
FILE = ROOT / "islands" / "shared" / "wire.ts"
HEAD = "// Made by `make islands` of the structs that the shop sends. Not to be edited: a test compares.\n"
PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}

Schema = dict[str, Any]


def written() -> str:
    _, named = msgspec.json.schema_components(STRUCTS, ref_template="{name}")
    return HEAD + "".join(_interface(name, schema) for name, schema in sorted(named.items()))


def _interface(name: str, schema: Schema) -> str:
    fields = (f"  {field}: {_type(of)};\n" for field, of in schema["properties"].items())
    return f"\nexport interface {name} {{\n{''.join(fields)}}}\n"


def _type(schema: Schema) -> str:
    """Every field is always sent, so none is optional. What the schema has that this does not know is an error."""
    match schema:
        case {"$ref": name}:
            return str(name)
        case {"anyOf": choices}:
            return " | ".join(map(_type, choices))
        case {"type": "array", "prefixItems": parts}:
            return f"[{', '.join(map(_type, parts))}]"
        case {"type": "array", "items": of}:
            return f"({_type(of)})[]" if "anyOf" in of else f"{_type(of)}[]"
        case {"type": "object", "additionalProperties": of}:
            return f"Record<string, {_type(of)}>"
        case {"type": kind}:
            return PLAIN[kind]
    raise ValueError(f"no type for {schema}")


if __name__ == "__main__":
    FILE.write_text(written())
    sys.exit(0)
