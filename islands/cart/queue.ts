// Sends the edits, one at a time, to the addresses of the forms. An older answer never replaces a newer one.
import { complain, complainNoMore, say, tell, type News } from "../shared/bus.ts";
import { ask, isNewer, submitAs, type Answer } from "../shared/send.ts";
import type { Added, CartPage, CartRow } from "../shared/wire.ts";
import { queued, type Edit, type Fields } from "./edits.ts";
import { noticeOf, spoken, typedAfter } from "./outcome.ts";
import type { CartStore } from "./store.ts";

export class Queue {
  private isSending = false;
  private asked = 0;
  private shownSince = 0;
  /** What was heard of in other tabs last. */
  private heard: { cart: number; version: number } | null = null;

  /** `country`: the one asked about by the page's address, '' for none. */
  constructor(
    private readonly store: CartStore,
    private readonly region: HTMLElement,
    private readonly formToken: string,
    private country: string,
  ) {
    store.send = (edit) => this.add(edit);
  }

  look(): void {
    this.add({ kind: "look" });
  }

  /** Another tab has changed the cart. */
  hear(news: News): void {
    if (this.heard?.cart === news.cart && this.heard.version > news.version) return;
    this.heard = news;
    if (!this.isSending && this.isBehind()) this.look();
  }

  private isBehind(): boolean {
    const { base } = this.store.state;
    const { heard } = this;
    return heard !== null && (heard.cart !== base.cart || heard.version > base.version);
  }

  private add(edit: Edit): void {
    if (edit.kind === "look" && edit.country !== undefined) this.country = edit.country;
    this.store.set({ edits: queued(this.store.state.edits, this.isSending, edit) });
    if (!this.isSending) void this.run();
  }

  private async run(): Promise<void> {
    this.isSending = true;
    this.region.dataset.sending = "";
    for (let edit = this.store.state.edits[0]; edit; edit = this.store.state.edits[0]) {
      this.asked += 1;
      const turn = this.asked;
      const answer = await this.sent(edit).catch(() => ({ status: 0, body: null }));
      if (!this.took(edit, answer, turn)) {
        this.rest();
        return this.giveUp(edit, answer.status);
      }
      if (edit.kind === "look") this.heard = null;
      if (!this.store.state.edits.length && this.isBehind()) this.store.set({ edits: [{ kind: "look" }] });
    }
    this.rest();
  }

  private rest(): void {
    this.isSending = false;
    delete this.region.dataset.sending;
  }

  private async sent(edit: Edit): Promise<Answer<CartPage>> {
    const url = this.country ? `/cart?country=${encodeURIComponent(this.country)}` : "/cart";
    if (edit.kind === "look") return ask(url);
    if (edit.kind === "undo") {
      // Refused, where it was sold out meanwhile: then the cart shows that it is not there.
      await ask<Added>("/cart/lines", [["variant", `${edit.row.variant_id}`], ["quantity", `${edit.row.quantity}`]]);
      return ask(url);
    }
    return ask(url, this.fieldsOf(edit));
  }

  private fieldsOf(edit: Edit): Fields {
    const token: Fields = [["form_token", this.formToken]];
    if (edit.kind === "press") return [...token, ...edit.fields.filter(([name]) => name !== "form_token")];
    return edit.kind === "quantity" ? [...token, [`q-${edit.line}`, String(edit.quantity)], ["op", "one"]] : token;
  }

  /** Whether it was an answer: 200, or 422 with what is wrong. */
  private took(edit: Edit, { status, body }: Answer<CartPage>, turn: number): boolean {
    if (!body || (status !== 200 && status !== 422)) return false;
    const { base, edits, typed, said, undo } = this.store.state;
    const rest = edits.slice(1);
    if (!isNewer(body, base, turn > this.shownSince)) {
      const again: Edit[] = rest.length || edit.kind === "look" ? rest : [{ kind: "look" }];
      this.store.set({ edits: again });
      return true;
    }
    this.shownSince = turn;
    if (status === 422) {
      const texts = { ...typed, ...body.typed };
      this.store.set({ base: body, edits: rest, typed: texts, quiet: new Set(Object.keys(texts)), said: "", undo: null });
      const problems = document.getElementById("problems");
      problems?.focus({ preventScroll: true });
      problems?.scrollIntoView({ block: "nearest" });
      return true;
    }
    const notice = noticeOf(edit, body, base, { said, undo });
    this.store.set({ base: body, edits: rest, typed: typedAfter(edit, typed), ...notice });
    complainNoMore(this.region);
    if (edit.kind === "undo") this.focusOn(edit.row);
    this.tell(body, base);
    if (!rest.length) say(edit.kind === "look" ? this.waysOf(edit.country) : spoken(edit, body, notice));
    return true;
  }

  private tell({ cart, version, count, totals }: CartPage, before: CartPage): void {
    if (cart !== before.cart || version !== before.version) tell({ cart, version, count, total: totals.subtotal.minor });
  }

  /** Words of the estimate, if one was asked for. */
  private waysOf(country: string | undefined): string {
    return country === undefined ? "" : (document.getElementById("options")?.innerText.replace(/\s+/g, " ").trim() ?? "");
  }

  private focusOn(row: CartRow): void {
    const line = this.store.state.base.lines.find((each) => each.variant_id === row.variant_id);
    const place = (line && document.getElementById(`line-${line.id}`)) ?? document.getElementById("cart-title");
    place?.focus({ preventScroll: true });
  }

  /** Nothing was saved, as far as we know: what was typed stays. What was refused is sent as the form would, and shown. */
  private giveUp(edit: Edit, status: number): void {
    this.store.set({ edits: [], quiet: new Set(Object.keys(this.store.state.typed)) });
    if (edit.kind === "look") {
      if (edit.country !== undefined) location.assign(`/cart?country=${encodeURIComponent(edit.country)}`);
    } else if (status >= 400 && status < 500) submitAs("/cart", this.fieldsOf(edit));
    else complain(this.region.querySelector("form.basket") ?? this.region);
  }
}
