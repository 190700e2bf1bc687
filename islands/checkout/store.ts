// The order of this step as the page knows it. The inputs are the form's: this hears of them, and saves what is chosen.
import { flushSync } from "react-dom";
import { complain, complainNoMore, say, tell, type News } from "../shared/bus.ts";
import { written } from "../shared/money.ts";
import { ask, isNewer, type Answer } from "../shared/send.ts";
import type { CartPage, OrderSummary } from "../shared/wire.ts";
import { afterwards, inCountry, isOutdated, withChoice } from "./order.ts";

export interface State {
  order: OrderSummary;
  /** Chosen and not saved yet. */
  choice: string | null;
  isBusy: boolean;
  /** The form shows what cannot be chosen any more. */
  isStale: boolean;
}

export class OrderStore {
  state: State;
  private listeners = new Set<() => void>();
  private turn = 0;
  private isSaving = false;
  /** The country that was asked about last, and its name. */
  private place: [string, string];

  constructor(private readonly seed: OrderSummary) {
    this.place = [seed.country, seed.country_name];
    this.state = { order: seed, choice: null, isBusy: false, isStale: false };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = (): State => this.state;

  /** A radio of this step: shown at once, then saved. Of several in a row the last one is saved last. */
  async choose(form: HTMLFormElement, code: string): Promise<void> {
    this.set({ choice: code });
    complainNoMore(form);
    if (this.isSaving) return; // the one on its way is followed by this one
    this.isSaving = true;
    const token = form.querySelector<HTMLInputElement>("[name=form_token]")?.value ?? "";
    const { step } = this.seed;
    let answer: Answer<OrderSummary> | null;
    let saved: string;
    do {
      saved = this.state.choice ?? code;
      answer = await this.latest<OrderSummary>(`/checkout/${step}`, [["form_token", token], [step, saved]]);
    } while (this.state.choice !== saved);
    this.isSaving = false;
    this.set({ choice: null });
    if (answer?.status === 200 && answer.body) {
      this.show(answer.body);
      say(step === "payment" ? afterwards(answer.body) : `Total ${written(answer.body.totals.total, answer.body.money)}`);
    } else if (answer && answer.status >= 400 && answer.status < 500) {
      this.set({ isStale: true });
    } else {
      complain(form); // it is not saved; "Continue" sends it again
    }
  }

  /** Another country in the address form: what delivery would cost there. A hint, so a failure is passed over. */
  async visit(country: string, name: string): Promise<void> {
    this.place = [country, name];
    const answer = await this.latest<CartPage>(`/cart?country=${encodeURIComponent(country)}`);
    if (!answer?.body || answer.status !== 200) return;
    this.set({ order: inCountry(this.state.order, answer.body, name) });
    say(document.querySelector<HTMLElement>("#order .to")?.innerText.replace(/\s+/g, " ").trim() ?? "");
  }

  /** Another tab has changed the cart. What is being saved here brings the news along. */
  async hear(news: News): Promise<void> {
    const { order } = this.state;
    if (this.isSaving || (news.cart === order.cart && news.version <= order.version)) return;
    if (order.step === "address") return this.visit(...this.place);
    const answer = await this.latest<OrderSummary>(`/checkout/${order.step}`);
    if (answer?.status === 200 && answer.body) this.show(answer.body);
    else if (answer?.status === 409) this.set({ isStale: true });
  }

  private show(order: OrderSummary): void {
    const before = this.state.order;
    if (!isNewer(order, before, true)) return;
    this.set({ order, isStale: isOutdated(this.seed, order) });
    const { cart, version, count, totals } = order;
    if (cart !== before.cart || version !== before.version) tell({ cart, version, count, total: totals.subtotal.minor });
  }

  /** Null for an answer that a later question has overtaken. */
  private async latest<T>(url: string, fields?: [string, string][]): Promise<Answer<T> | null> {
    const turn = ++this.turn;
    this.set({ isBusy: true });
    const answer = await ask<T>(url, fields).catch(() => ({ status: 0, body: null }));
    if (turn !== this.turn) return null;
    this.set({ isBusy: false });
    return answer;
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    flushSync(() => this.listeners.forEach((listener) => listener()));
  }
}

/** What the page shows: it runs ahead of the server. */
export function shown({ order, choice }: State): OrderSummary {
  return choice === null ? order : withChoice(order, choice);
}
