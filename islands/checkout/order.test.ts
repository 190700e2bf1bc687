import { expect, test } from "vitest";
import { cart, row } from "../cart/samples.ts";
import type { DeliveryOption, OrderSummary } from "../shared/wire.ts";
import { afterwards, inCountry, isOutdated, withChoice } from "./order.ts";

const money = (minor: number) => ({ minor, currency: "EUR" });
const option = (code: string, price: number): DeliveryOption => ({
  code, title: code, carrier: "", kind: "ship", note: "", price: money(price), min_days: 1, max_days: 2, free_from: null,
});
const { totals, money: pattern, lines } = cart([row(1, 2, 2400)]);
const order: OrderSummary = {
  step: "delivery", cart: 1, version: 3, count: 2, country: "DE", country_name: "Germany", lines,
  totals: { ...totals, delivery: null, delivery_title: "", total: totals.subtotal },
  options: [option("standard", 390), option("express", 1990)],
  payments: [{ code: "card", title: "Card", note: "", is_offline: false, after: "The bank opens." }],
  chosen: "", problems: {}, money: pattern,
};

test("a way of delivery makes the total", () => {
  const after = withChoice(order, "express");
  expect([after.totals.delivery?.minor, after.totals.delivery_title, after.totals.total.minor]).toEqual([1990, "express", 4800 + 1990]);
});

test("what is no option changes no sum", () => expect(withChoice(order, "nothing").totals).toEqual(order.totals));

test("a payment says what happens next, and changes no sum", () => {
  const paying = { ...order, step: "payment" };
  expect(afterwards(paying)).toMatch(/^You pay nothing yet/);
  expect(afterwards(withChoice(paying, "card"))).toBe("The bank opens.");
  expect(withChoice(paying, "card").totals).toEqual(order.totals);
});

test("another country has ways and sums of its own; an unknown one has none", () => {
  const asked = cart([row(1, 2, 2400)], { country: "US", options: [option("air", 1990)] });
  expect(inCountry(order, asked, "United States")).toMatchObject({ country_name: "United States", options: [{ code: "air" }] });
  expect(inCountry(order, { ...asked, is_unknown_country: true }, "Nowhere").options).toEqual([]);
});

test("the form is outdated when it offers other choices than there are", () => {
  expect(isOutdated(order, { ...order, version: 9 })).toBe(false);
  expect(isOutdated(order, { ...order, options: [option("standard", 490)] })).toBe(true);
  expect(isOutdated({ ...order, step: "payment" }, { ...order, step: "payment", options: [] })).toBe(false);
});
