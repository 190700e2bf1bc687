// What an answer to an edit means for the page: which notice, which typed texts are done with, what is said. Pure.
import { written } from "../shared/money.ts";
import type { CartPage, CartRow } from "../shared/wire.ts";
import { quantityIn, type Edit } from "./edits.ts";

export interface Notice {
  said: string;
  /** The line that can be brought back. */
  undo: CartRow | null;
}

/** A stepper is pressed again and again: no notice may push it away. It is said aloud all the same. */
export function noticeOf(edit: Edit, answer: CartPage, before: CartPage, shown: Notice): Notice {
  if (edit.kind === "quantity" || edit.kind === "look") return shown;
  if (edit.kind === "undo") {
    const isBack = answer.lines.some((row) => row.variant_id === edit.row.variant_id);
    return { said: `${edit.row.title} ${isBack ? "is back in your cart" : "cannot be had any more"}.`, undo: null };
  }
  const removed = edit.op === "remove" ? before.lines.find((row) => row.id === edit.line) : undefined;
  return { said: answer.said, undo: answer.said && removed?.variant_id && removed.url ? removed : null };
}

/** Texts that were saved stand in the quantities now; others stay in their fields. */
export function typedAfter(edit: Edit, typed: Record<string, string>): Record<string, string> {
  const sent = new Map<string, string>();
  if (edit.kind === "press") for (const [name, text] of edit.fields) sent.set(name, text);
  const isDone = ([name, text]: [string, string]): boolean =>
    edit.kind === "quantity" ? name === `q-${edit.line}` && quantityIn(text) === edit.quantity : sent.get(name) === text;
  return Object.fromEntries(Object.entries(typed).filter((entry) => !isDone(entry)));
}

/** For the live region: one message an edit; '' for none. */
export function spoken(edit: Edit, answer: CartPage, notice: Notice): string {
  if (edit.kind === "look") return "";
  const words = edit.kind === "quantity" ? answer.said : notice.said;
  return words && withTotal(words, answer);
}

export function withTotal(words: string, page: CartPage): string {
  return page.lines.length ? `${words} Total ${written(page.totals.total, page.money)}.` : words;
}
