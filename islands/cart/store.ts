// The cart as this page knows it: what the server said last, and what was done since. Sending is queue.ts's.
import { flushSync } from "react-dom";
import type { CartPage, CartRow } from "../shared/wire.ts";
import { fieldOf, foreseen, quantityIn, type Edit, type Fields } from "./edits.ts";
import type { Notice } from "./outcome.ts";

export interface State extends Notice {
  base: CartPage;
  /** Oldest first; while one is being sent it is the first. */
  edits: readonly Edit[];
  /** Text of fields that is not saved. */
  typed: Record<string, string>;
  /** Fields whose text no sum counts: it was refused, could not be sent, or was there before us. */
  quiet: ReadonlySet<string>;
}

export function stateOf(seed: CartPage, typed: Record<string, string>): State {
  const texts = { ...seed.typed, ...typed };
  return { base: seed, edits: [], typed: texts, quiet: new Set(Object.keys(texts)), said: seed.said, undo: null };
}

/** What the page shows: it runs ahead of the server. */
export function shown({ base, edits, typed, quiet }: State): CartPage {
  return foreseen(base, edits, Object.fromEntries(Object.entries(typed).filter(([name]) => !quiet.has(name))));
}

export class CartStore {
  private listeners = new Set<() => void>();
  /** Takes an edit to the server. */
  send: (edit: Edit) => void = () => {};

  /** The last state that is known to be on the page: with the present one something may be wrong. */
  before: State;

  constructor(public state: State) {
    this.before = state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = (): State => this.state;

  /** What is set is on the page when this returns, so that the focus can be moved there. */
  set(change: Partial<State>): void {
    this.before = this.state;
    this.state = { ...this.state, ...change };
    flushSync(() => this.listeners.forEach((listener) => listener()));
  }

  type(name: string, text: string): void {
    const quiet = new Set(this.state.quiet);
    quiet.delete(name);
    this.set({ typed: { ...this.state.typed, [name]: text }, quiet });
  }

  /** A field was left: a quantity in it is saved. Anything else stays until the form is sent, which says what is wrong. */
  leave(row: CartRow): void {
    const quantity = quantityIn(this.state.typed[fieldOf(row)] ?? "");
    if (quantity === null) return;
    const known = foreseen(this.state.base, this.state.edits, {}).lines.find((each) => each.id === row.id);
    if (quantity === 0) this.press([["op", `remove-${row.id}`]], `remove-${row.id}`);
    else if (quantity === known?.quantity) this.forget(fieldOf(row));
    else this.send({ kind: "quantity", line: row.id, quantity });
  }

  step(row: CartRow, quantity: number): void {
    this.forget(fieldOf(row));
    this.send({ kind: "quantity", line: row.id, quantity });
  }

  /** A button of the form, by its value: remove-12. */
  press(fields: Fields, value: string): void {
    const [op = "", line = "0"] = value.split("-");
    const isTwice = this.state.edits.some((edit) => edit.kind === "press" && edit.op === op && edit.line === Number(line));
    if (!isTwice) this.send({ kind: "press", op, line: Number(line), fields });
  }

  undo(): void {
    const row = this.state.undo;
    this.set({ undo: null });
    if (row) this.send({ kind: "undo", row });
  }

  private forget(name: string): void {
    const { [name]: _, ...typed } = this.state.typed;
    this.set({ typed });
  }
}
