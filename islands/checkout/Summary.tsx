// The order beside the form, as templates/components/order_summary.html has it.
import { useSyncExternalStore } from "react";
import { written } from "../shared/money.ts";
import { Notices, Picture, Totals, Ways } from "../shared/parts.tsx";
import type { CartRow, MoneyPattern } from "../shared/wire.ts";
import { shown, type OrderStore } from "./store.ts";

export function Summary({ store }: { store: OrderStore }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  const order = shown(state);
  return (
    <>
      <h2 id="bought">Your order</h2>
      {state.isStale && (
        <p className="notice" role="status">
          Your order has changed meanwhile. <a href={`/checkout/${order.step}`}>Show this page anew</a>
        </p>
      )}
      <ul className="bought-lines" role="list">
        {order.lines.map((row) => <Row key={row.id} row={row} money={order.money} />)}
      </ul>
      <div aria-busy={state.isBusy || undefined}>
        <Totals sums={order.totals} money={order.money} later="not yet chosen" />
      </div>
      {order.step === "address" && (
        <div className="to">
          <h3>{`Delivery to ${order.country_name}`}</h3>
          <Ways options={order.options} money={order.money} />
        </div>
      )}
      <p><a href="/cart">Change your cart</a></p>
    </>
  );
}

function Row({ row, money }: { row: CartRow; money: MoneyPattern }) {
  return (
    <li data-qa="order-line" data-qa-id={row.sku || undefined}>
      {row.picture && <div className="mat"><Picture image={row.picture} sizes="4rem" /></div>}
      <div>
        <p className="name" dir="auto">{row.title}</p>
        {row.options && <p className="byline">{row.options}</p>}
        <p className="byline">{`${row.quantity} × ${written(row.unit_price, money)}`}</p>
        <Notices row={row} money={money} isNow={false} />
      </div>
      <p className="cost">{written(row.total, money)}</p>
    </li>
  );
}
