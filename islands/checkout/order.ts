// The order beside the form of a step, and what becomes of it by a choice. Pure; the server has the last word.
import type { CartPage, OrderSummary } from "../shared/wire.ts";

/** With the way of delivery, or of payment, that was just chosen. Taxes wait for the server. */
export function withChoice(order: OrderSummary, code: string): OrderSummary {
  const option = order.step === "delivery" ? order.options.find((each) => each.code === code) : undefined;
  if (!option) return { ...order, chosen: code };
  const { subtotal } = order.totals;
  const total = { ...subtotal, minor: subtotal.minor + option.price.minor };
  return { ...order, chosen: code, totals: { ...order.totals, delivery: option.price, delivery_title: option.title, total } };
}

/** As it would be delivered to another country, which the cart was asked about. */
export function inCountry(order: OrderSummary, cart: CartPage, countryName: string): OrderSummary {
  const { version, count, country, lines, totals } = cart;
  const options = cart.is_unknown_country ? [] : cart.options;
  return { ...order, cart: cart.cart, version, count, country, country_name: countryName, lines, totals, options };
}

/** What happens next with the payment that is chosen. */
export function afterwards({ payments, chosen }: OrderSummary): string {
  return payments.find((each) => each.code === chosen)?.after ?? "You pay nothing yet: first you see your whole order.";
}

/** Whether the form, which is the server's, offers other choices than there are now. */
export function isOutdated(form: OrderSummary, now: OrderSummary): boolean {
  const offered = ({ step, options, payments }: OrderSummary): string =>
    JSON.stringify(step === "delivery" ? options : step === "payment" ? payments : []);
  return offered(form) !== offered(now);
}
