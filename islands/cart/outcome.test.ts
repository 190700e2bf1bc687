import { expect, test } from "vitest";
import { noticeOf, spoken, typedAfter } from "./outcome.ts";
import { cart, row } from "./samples.ts";
import { shown, stateOf } from "./store.ts";

const before = cart([row(1, 2, 2400), row(2, 1, 9300)]);
const none = { said: "", undo: null };

test("only a line that was removed and can be had again may come back", () => {
  const removed = (line: number, page = before) => {
    const answer = cart([], { said: "Thing removed." });
    return noticeOf({ kind: "press", op: "remove", line, fields: [] }, answer, page, none).undo?.id;
  };
  expect(removed(1)).toBe(1);
  expect(removed(9)).toBeUndefined();
  expect(removed(1, cart([row(1, 2, 2400, { url: "" })]))).toBeUndefined();
});

test("a stepper leaves the notice alone, and says what happened", () => {
  const shownNow = { said: "Thing 9 removed.", undo: row(9, 1, 1) };
  const answer = cart([row(1, 3, 2400)], { said: "Cart updated." });
  const edit = { kind: "quantity", line: 1, quantity: 3 } as const;
  expect(noticeOf(edit, answer, before, shownNow)).toBe(shownNow);
  expect(spoken(edit, answer, shownNow)).toBe("Cart updated. Total €75.90.");
});

test("texts that were saved are forgotten, later ones are not", () => {
  expect(typedAfter({ kind: "quantity", line: 1, quantity: 3 }, { "q-1": " 3", "q-2": "x" })).toEqual({ "q-2": "x" });
  expect(typedAfter({ kind: "quantity", line: 1, quantity: 3 }, { "q-1": "34" })).toEqual({ "q-1": "34" });
  expect(typedAfter({ kind: "press", op: "update", line: 0, fields: [["q-1", "3"]] }, { "q-1": "3" })).toEqual({});
});

test("the seed and the live form become one: what was typed is shown, and no sum counts it", () => {
  const state = stateOf(cart(before.lines, { typed: { "q-1": "1.5" } }), { "q-2": "7" });
  expect(state.typed).toEqual({ "q-1": "1.5", "q-2": "7" });
  expect(shown(state).totals).toEqual(before.totals);
});
