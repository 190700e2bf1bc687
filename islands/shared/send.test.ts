import { expect, test } from "vitest";
import { isNewer } from "./send.ts";

test.each([
  ["a newer state of the same cart", { cart: 1, version: 4 }, false, true],
  ["the same state, of another country maybe", { cart: 1, version: 3 }, false, true],
  ["an older state that comes late", { cart: 1, version: 2 }, true, false],
  ["another cart, asked for later", { cart: 2, version: 1 }, true, true],
  ["another cart, of an answer that comes late", { cart: 2, version: 9 }, false, false],
  ["no cart any more", { cart: 0, version: 0 }, true, true],
])("%s", (_, answer, wasAskedLater, is) => {
  expect(isNewer(answer, { cart: 1, version: 3 }, wasAskedLater)).toBe(is);
});
