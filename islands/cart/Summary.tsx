// What the cart costs and where it would go, as templates/checkout/_summary.html has it.
import type { FormEvent } from "react";
import { Totals, Ways } from "../shared/parts.tsx";
import type { CartPage } from "../shared/wire.ts";
import type { CartStore } from "./store.ts";

export function Summary({ page, store, isBusy }: { page: CartPage; store: CartStore; isBusy: boolean }) {
  const estimate = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const country = String(new FormData(event.currentTarget).get("country") ?? "");
    history.replaceState(history.state, "", `/cart?country=${encodeURIComponent(country)}`);
    store.send({ kind: "look", country });
  };
  return (
    <section className="summary" id="summary" aria-labelledby="summary-title" aria-busy={isBusy || undefined}>
      <h2 id="summary-title">Summary</h2>
      <Totals sums={page.totals} money={page.money} later="at checkout" />
      {page.is_blocked ? <Blocked page={page} /> : <p><a className="button primary wide" href="/checkout/address">Check out</a></p>}
      <form className="estimate" action="/cart" method="get" onSubmit={estimate}>
        <label className="label" htmlFor="country">Delivery to</label>
        {/* Chosen anew where the server has another country than before; otherwise the select is the shopper's. */}
        <select key={page.country} className="field" id="country" name="country" autoComplete="country" defaultValue={page.country}>
          {page.countries.map(([code, name]) => <option key={code} value={code}>{name}</option>)}
        </select>
        <button className="button" type="submit" id="estimate">Show delivery</button>
      </form>
      {page.is_unknown_country && <p className="notice">That is no country that we deliver to.</p>}
      <div id="options"><Ways options={page.options} money={page.money} /></div>
      <p className="note">30 days to change your mind.</p>
    </section>
  );
}

function Blocked({ page }: { page: CartPage }) {
  const found = page.lines.flatMap((row) => row.notices.filter((notice) => notice.blocks).map((notice) => ({ row, notice })));
  return (
    <div className="notice bad" id="blocked">
      <p>Before you can check out:</p>
      <ul role="list">
        {found.map(({ row, notice }) => (
          <li key={`${row.id} ${notice.text}`}><a href={`#line-${row.id}`}>{row.title}{row.options && `, ${row.options}`}</a>{`: ${notice.text}`}</li>
        ))}
      </ul>
    </div>
  );
}
