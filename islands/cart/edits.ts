// What a shopper does to the cart, and what the cart will be by it. Pure; the server has the last word.
import type { CartPage, CartRow } from "../shared/wire.ts";

export type Fields = [string, string][];

export type Edit =
  /** One quantity, by a stepper or by leaving its field. */
  | { kind: "quantity"; line: number; quantity: number }
  /** A button of the form: update, or remove, save or unsave a line. All fields go with it. */
  | { kind: "press"; op: string; line: number; fields: Fields }
  /** A line that was removed comes back. */
  | { kind: "undo"; row: CartRow }
  /** The cart as it is now, in another country if one is named. */
  | { kind: "look"; country?: string };

export const MOST = 999; // cart/rules.py
const WHOLE = /^\s*[0-9]{1,9}\s*$/;

/** The quantity in `text`; null for what the server would refuse. */
export function quantityIn(text: string): number | null {
  if (!WHOLE.test(text)) return null;
  const number = Number(text);
  return number <= MOST ? number : null;
}

export function fieldOf(row: CartRow): string {
  return `q-${row.id}`;
}

/** `page` with the edits that are on their way, and with what is being typed. */
export function foreseen(page: CartPage, edits: readonly Edit[], typed: Record<string, string>): CartPage {
  const after = edits.reduce(applied, page);
  const quantities = new Map<number, number>();
  for (const row of after.lines) {
    const quantity = quantityIn(typed[fieldOf(row)] ?? "");
    if (quantity) quantities.set(row.id, quantity); // 0 removes the line, but not while it is being typed
  }
  return quantities.size ? withQuantities(after, quantities) : after;
}

function applied(page: CartPage, edit: Edit): CartPage {
  if (edit.kind === "quantity") return withQuantities(page, new Map([[edit.line, edit.quantity]]));
  if (edit.kind === "undo") return summed({ ...page, lines: merged(page.lines, edit.row) });
  if (edit.kind === "look") return page;
  const named = edit.fields.filter(([name]) => name.startsWith("q-"));
  const quantities = named.map(([name, value]) => [Number(name.slice(2)), quantityIn(value)] as const);
  const valid = quantities.filter((pair): pair is readonly [number, number] => pair[1] !== null);
  if (edit.op === "update" && valid.length < named.length) return page; // will be refused as a whole
  return pressed(withQuantities(page, new Map(valid)), edit.op, edit.line);
}

function pressed(page: CartPage, op: string, line: number): CartPage {
  const from = op === "save" ? page.lines : page.saved;
  const row = from.find((each) => each.id === line);
  const without = (rows: CartRow[]): CartRow[] => rows.filter((each) => each.id !== line);
  if (op === "remove") return summed({ ...page, lines: without(page.lines), saved: without(page.saved) });
  if (op === "save" && row) return summed({ ...page, lines: without(page.lines), saved: merged(page.saved, row) });
  if (op === "unsave" && row) return summed({ ...page, lines: merged(page.lines, row), saved: without(page.saved) });
  return page;
}

/** With `row` in its place by id, or in the row that has the same variant already. */
function merged(rows: CartRow[], row: CartRow): CartRow[] {
  const twin = row.variant_id !== null && rows.find((each) => each.variant_id === row.variant_id);
  if (!twin) return [...rows, row].sort((one, other) => one.id - other.id);
  const quantity = Math.min(twin.quantity + row.quantity, MOST);
  return rows.map((each) => (each === twin ? { ...each, quantity } : each));
}

function withQuantities(page: CartPage, quantities: Map<number, number>): CartPage {
  const lines = page.lines.map((row) => ({ ...row, quantity: quantities.get(row.id) ?? row.quantity }));
  return summed({ ...page, lines: lines.filter((row) => row.quantity > 0) });
}

/** Sums of lines, goods and the whole, and the count. Delivery and taxes wait for the server: their rules are its own. */
function summed(page: CartPage): CartPage {
  const lines = page.lines.map((row) => ({
    ...row,
    total: { ...row.total, minor: row.unit_price.minor * row.quantity },
  }));
  const goods = lines.reduce((sum, row) => sum + row.total.minor, 0);
  const { subtotal, delivery, total } = page.totals;
  return {
    ...page,
    lines,
    count: lines.reduce((sum, row) => sum + row.quantity, 0),
    totals: {
      ...page.totals,
      subtotal: { ...subtotal, minor: goods },
      total: { ...total, minor: goods + (delivery?.minor ?? 0) },
    },
  };
}

/** `edits` and one more. Of several quantities of one line only the latest is sent; what is on its way (first) is not touched. */
export function queued(edits: readonly Edit[], isSending: boolean, edit: Edit): Edit[] {
  const fixed = isSending ? edits.slice(0, 1) : [];
  const waiting = isSending ? edits.slice(1) : [...edits];
  const last = waiting.at(-1);
  const isSame = edit.kind === "quantity" && last?.kind === "quantity" && last.line === edit.line;
  const isKnown = edit.kind === "look" && last?.kind === "look" && last.country === edit.country;
  return [...fixed, ...(isSame || isKnown ? waiting.slice(0, -1) : waiting), edit];
}
