import { expect, test } from "vitest";
import { written } from "./money.ts";
import type { MoneyPattern } from "./wire.ts";

const euro: MoneyPattern = { prefix: "€", suffix: "", decimal: ".", group: ",", groups: [3, 3], exponent: 2, least: 2 };
const yen: MoneyPattern = { prefix: "¥", suffix: "", decimal: "", group: ",", groups: [3, 3], exponent: 0, least: 0 };
const dinar: MoneyPattern = { prefix: "", suffix: " IQD", decimal: ",", group: ".", groups: [3, 3], exponent: 3, least: 0 };
const rupee: MoneyPattern = { ...euro, prefix: "₹", groups: [3, 2] };

// That these patterns are what the server writes is asked by tests/islands/test_money.py, for many currencies and locales.
test.each([
  [0, euro, "€0.00"],
  [5, euro, "€0.05"],
  [2400, euro, "€24.00"],
  [123456789, euro, "€1,234,567.89"],
  [2400, yen, "¥2,400"],
  [0, yen, "¥0"],
  [1500, dinar, "1,5 IQD"],
  [1000, dinar, "1 IQD"],
  [1523, dinar, "1,523 IQD"],
  [1234567890, rupee, "₹1,23,45,678.90"],
])("%i is written %s", (minor, pattern, words) => {
  expect(written(minor, pattern)).toBe(words);
});
