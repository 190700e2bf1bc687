// Carts for tests.
import type { CartPage, CartRow } from "../shared/wire.ts";

const money = (minor: number) => ({ minor, currency: "EUR" });

export function row(id: number, quantity: number, price: number, more: Partial<CartRow> = {}): CartRow {
  return {
    id, variant_id: id * 10, url: `/p/thing-${id}`, title: `Thing ${id}`, options: "", picture: null, quantity, left: null,
    sku: `SKU-${id}`, unit_price: money(price), total: money(price * quantity), notices: [], ...more,
  };
}

export function cart(lines: CartRow[], more: Partial<CartPage> = {}): CartPage {
  const goods = lines.reduce((sum, each) => sum + each.total.minor, 0);
  return {
    cart: 1, version: 3, count: lines.reduce((sum, each) => sum + each.quantity, 0), lines, saved: [], is_blocked: false,
    country: "DE", is_unknown_country: false, options: [],
    totals: { subtotal: money(goods), delivery: money(390), delivery_title: "Standard", total: money(goods + 390), taxes: [] },
    said: "", added: null, is_limited: false, errors: [], problems: {}, typed: {}, countries: [], ways: [],
    money: { prefix: "€", suffix: "", decimal: ".", group: ",", groups: [3, 3], exponent: 2, least: 2 },
    ...more,
  };
}
