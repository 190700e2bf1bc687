import { describe, expect, test } from "vitest";
import { foreseen, quantityIn, queued, type Edit } from "./edits.ts";
import { cart, row } from "./samples.ts";

const two = cart([row(1, 2, 2400), row(2, 1, 9300)]);
const set = (line: number, quantity: number): Edit => ({ kind: "quantity", line, quantity });
const press = (op: string, line: number, fields: [string, string][] = []): Edit => ({ kind: "press", op, line, fields });

test.each([["3", 3], [" 03 ", 3], ["0", 0], ["999", 999], ["1000", null], ["", null], ["1.5", null], ["-1", null], ["1e3", null], ["٣", null]])(
  "%j is %j pieces", (text, quantity) => expect(quantityIn(text)).toBe(quantity));

describe("what the cart will be", () => {
  test("a quantity changes its line, the count, the goods and the total with its delivery", () => {
    const page = foreseen(two, [set(1, 5)], {});
    expect(page.lines[0]?.total.minor).toBe(5 * 2400);
    expect(page.count).toBe(6);
    expect(page.totals.subtotal.minor).toBe(5 * 2400 + 9300);
    expect(page.totals.total.minor).toBe(5 * 2400 + 9300 + 390);
  });

  test("without a chosen delivery the total is of the goods", () => {
    const page = foreseen({ ...two, totals: { ...two.totals, delivery: null } }, [set(2, 2)], {});
    expect(page.totals.total.minor).toBe(2 * 2400 + 2 * 9300);
  });

  test("edits are foreseen in their order, on top of whatever the server said last", () => {
    const newer = cart([row(1, 9, 2400), row(3, 1, 100)]);
    const page = foreseen(newer, [set(1, 4), press("remove", 3), set(2, 7)], {});
    expect(page.lines.map((each) => [each.id, each.quantity])).toEqual([[1, 4]]);
  });

  test("what is being typed counts, unless it is no quantity or would remove the line", () => {
    expect(foreseen(two, [], { "q-1": "7" }).count).toBe(8);
    expect(foreseen(two, [], { "q-1": "0", "q-2": "x" })).toBe(two);
  });

  test("a button takes all fields along; one that will be refused changes nothing", () => {
    expect(foreseen(two, [press("update", 0, [["q-1", "3"], ["q-2", "0"]])], {}).lines).toHaveLength(1);
    expect(foreseen(two, [press("update", 0, [["q-1", "3"], ["q-2", "x"]])], {}).count).toBe(3);
    expect(foreseen(two, [press("remove", 2, [["q-1", "3"], ["q-2", "x"]])], {}).count).toBe(3);
  });

  test("a line is set aside and comes back, into the line that has the same variant", () => {
    const aside = foreseen(two, [press("save", 1)], {});
    expect([aside.lines.length, aside.saved.map((each) => each.id), aside.count]).toEqual([1, [1], 1]);
    const both = { ...two, saved: [row(7, 3, 2400, { variant_id: 10 })] };
    expect(foreseen(both, [press("unsave", 7)], {}).lines[0]?.quantity).toBe(5);
  });

  test("what was removed comes back", () => {
    expect(foreseen(foreseen(two, [press("remove", 1)], {}), [{ kind: "undo", row: two.lines[0]! }], {}).count).toBe(3);
  });
});

describe("the queue", () => {
  test("of several quantities of a line the latest is sent", () => {
    expect(queued([set(1, 2)], false, set(1, 3))).toEqual([set(1, 3)]);
  });
  test("what is on its way is not changed any more", () => {
    expect(queued([set(1, 2)], true, set(1, 3))).toEqual([set(1, 2), set(1, 3)]);
    expect(queued([set(1, 2), set(1, 3)], true, set(1, 4))).toEqual([set(1, 2), set(1, 4)]);
  });
  test("other lines and buttons keep their order", () => {
    const edits = [set(1, 2), press("remove", 2)];
    expect(queued(edits, true, set(1, 3))).toEqual([...edits, set(1, 3)]);
  });
});
