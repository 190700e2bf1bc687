// The island of checkout. HTML owns the inputs; it fills the slots beside them, and hears what is chosen.
import { adopt, seedOf } from "../shared/adopt.ts";
import { hear } from "../shared/bus.ts";
import { atLeisure } from "../shared/leisure.ts";
import type { OrderSummary } from "../shared/wire.ts";
import { startHelp } from "./help.ts";
import { Payment } from "./Payment.tsx";
import { OrderStore } from "./store.ts";
import { Summary } from "./Summary.tsx";

const slot = (name: string): HTMLElement | null => document.querySelector(`[data-island=checkout][data-slot=${name}]`);

startHelp();
atLeisure(() => slot("summary"), mount);

function mount(region: HTMLElement): void {
  let store: OrderStore | undefined;
  const held = { fields: () => ({}) }; // no slot has inputs
  adopt(region, () => <Summary store={(store = new OrderStore(seedOf<OrderSummary>(region)))} />, held);
  const order = store;
  const payment = slot("payment");
  if (payment && order) adopt(payment, () => <Payment store={order} />, held);
  else if (payment) payment.dataset.failed = "";
  if (order && region.dataset.failed === undefined) listen(order);
}

function listen(store: OrderStore): void {
  const { step, chosen, country } = store.state.order;
  const isOver = (): boolean => document.querySelector("[data-island][data-failed]") !== null;
  const heed = (input: EventTarget | null): void => {
    if (isOver()) return;
    if (input instanceof HTMLInputElement && input.name === step && input.form) void store.choose(input.form, input.value);
    if (input instanceof HTMLSelectElement && input.id === "country") {
      void store.visit(input.value, input.selectedOptions[0]?.text ?? input.value);
    }
  };
  document.addEventListener("change", ({ target }) => heed(target));
  hear((news) => isOver() || void store.hear(news));
  // What was chosen before we came.
  const radio = document.querySelector<HTMLInputElement>(`input[name=${step}]:checked`);
  if (radio && radio.value !== chosen) heed(radio);
  const select = document.querySelector<HTMLSelectElement>("select#country");
  if (select?.value && select.value !== country) heed(select);
}
