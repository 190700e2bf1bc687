// The event shop:cart: raised by islands and by htmx answers (HX-Trigger), carried to other tabs by site.js.
import type { CartNews } from "./wire.ts";

export interface News extends CartNews {
  /** It happened in another tab. */
  elsewhere?: boolean;
}

export function tell(news: CartNews): void {
  document.dispatchEvent(new CustomEvent("shop:cart", { detail: news }));
}

export function hear(listener: (news: News) => void): void {
  document.addEventListener("shop:cart", (event) => listener((event as CustomEvent<News>).detail));
}

/** Said aloud, by site.js: one message at a time. */
export function say(words: string): void {
  document.dispatchEvent(new CustomEvent("shop:say", { detail: words }));
}

/** "Not saved", in the words and at the place that site.js has for it. */
export function complain(form: Element | null): void {
  form?.dispatchEvent(new CustomEvent("shop:not-saved", { bubbles: true }));
}

export function complainNoMore(region: Element): void {
  region.querySelector(".not-saved")?.remove();
}
