import { describe, expect, test } from "vitest";
import { isOneSlipAway, withoutSlip } from "./mail.ts";
import { isPostcode } from "./postcode.ts";

const known = ["gmail.com", "hotmail.com", "mail.com", "gmx.de", "gmx.net", "me.com"];

test.each([
  ["ada@gmial.com", "ada@gmail.com"],
  ["ada@gmail.con", "ada@gmail.com"],
  ["ada@gmai.com", "ada@gmail.com"],
  ["ada@gmaill.com", "ada@gmail.com"],
  [" Ada.B@GMAIL.CM ", "Ada.B@gmail.com"],
  ["ada@hotmial.com", "ada@hotmail.com"],
  ["ada@gmail.com", null],
  ["ada@mail.com", null],
  ["ada@gmx.de", null],
  ["ada@gmy.de", null], // too short to be sure
  ["ada@example.com", null],
  ["ada@gmaal.cam", null],
  ["ada", null],
  ["ada@", null],
  ["a b@gmial.com", null],
])("%j: did you mean %j", (typed, meant) => {
  expect(withoutSlip(typed, known)).toBe(meant);
});

test.each([["abc", "abc", false], ["ab", "abc", true], ["abcd", "abc", true], ["axc", "abc", true], ["acb", "abc", true], ["cba", "abc", false], ["", "ab", false]])(
  "%s and %s are one slip apart: %s", (typed, meant, is) => expect(isOneSlipAway(typed, meant)).toBe(is));

describe("postcodes, as leniently as the server has it", () => {
  const poland = { examples: ["00-950"], prefix: "", patterns: ["\\d{2}-\\d{3}"] };
  const any = { examples: [], prefix: "", patterns: [] };
  test.each([["00-950", true], ["00950", true], ["00 950", true], ["0095", false], ["００９５０", true], ["", false]])("%j: %s", (value, is) => {
    expect(isPostcode(value, poland)).toBe(is);
  });
  test("where nothing is known everything is one", () => expect(isPostcode("x", any)).toBe(true));
});
