// The cart's island: takes the region #cart over, from its seed and from what is typed in it.
import { adopt, seedOf } from "../shared/adopt.ts";
import { hear, tell } from "../shared/bus.ts";
import { atLeisure } from "../shared/leisure.ts";
import type { CartPage } from "../shared/wire.ts";
import { Cart } from "./Cart.tsx";
import { fieldOf } from "./edits.ts";
import { Queue } from "./queue.ts";
import { CartStore, shown, stateOf } from "./store.ts";

const find = (): HTMLElement | null => document.querySelector("[data-island=cart]");

atLeisure(find, mount);

function mount(region: HTMLElement): void {
  let store: CartStore | undefined;
  const held = {
    fields: () => (store ? fieldsOf(store) : {}),
    gaveBack: () => store && tell(newsOf(store.before.base)), // what was saved meanwhile is not in the server's nodes
  };
  const token = region.querySelector<HTMLInputElement>("[name=form_token]")?.value ?? "";
  const country = new URLSearchParams(location.search).get("country") ?? "";
  adopt(
    region,
    () => {
      store = new CartStore(stateOf(seedOf<CartPage>(region), typedIn(region)));
      const queue = new Queue(store, region, token, country);
      hear((news) => region.dataset.failed === undefined && queue.hear(news));
      addEventListener("pageshow", (event) => event.persisted && queue.look());
      return <Cart store={store} formToken={token} />;
    },
    held,
  );
}

/** What is typed and not sent yet. */
function typedIn(region: HTMLElement): Record<string, string> {
  const fields = [...region.querySelectorAll<HTMLInputElement>("input[name^=q-]")];
  return Object.fromEntries(fields.filter((each) => each.value !== each.defaultValue).map((each) => [each.name, each.value]));
}

function fieldsOf(store: CartStore): Record<string, string> {
  const rows = shown(store.before).lines.map((row) => [fieldOf(row), String(row.quantity)]);
  return { ...Object.fromEntries(rows), ...store.before.typed };
}

function newsOf({ cart, version, count, totals }: CartPage) {
  return { cart, version, count, total: totals.subtotal.minor };
}
