// The cart, as templates/checkout/_cart.html has it.
import { Fragment, useSyncExternalStore, type FormEvent } from "react";
import type { CartPage } from "../shared/wire.ts";
import type { Fields } from "./edits.ts";
import { fieldOf } from "./edits.ts";
import { Bought, Saved } from "./Line.tsx";
import { withTotal } from "./outcome.ts";
import { shown, type CartStore } from "./store.ts";
import { Summary } from "./Summary.tsx";

export function Cart({ store, formToken }: { store: CartStore; formToken: string }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  const page = shown(state);
  return (
    <>
      <Errors rows={page.errors} />
      <div className="page-head">
        <h1 id="cart-title" tabIndex={-1}>Your cart</h1>
        <Notice page={page} said={state.said} title={state.undo?.title} undo={() => store.undo()} />
        {!page.lines.length && <Empty page={page} />}
      </div>
      {(page.lines.length > 0 || page.saved.length > 0) && (
        <form className="basket" action="/cart" method="post" noValidate onSubmit={(event) => press(event, store)}>
          <input type="hidden" name="form_token" value={formToken} readOnly />
          {page.lines.length > 0 && (
            <>
              <div className="basket-head">
                <h2>{`${page.count} ${page.count === 1 ? "piece" : "pieces"}`}</h2>
                <button className="button" type="submit" id="update" name="op" value="update">Update cart</button>
              </div>
              <ul className="lines" role="list">
                {page.lines.map((row) => (
                  <Bought key={row.id} row={row} money={page.money} store={store} text={state.typed[fieldOf(row)]} problem={page.problems[fieldOf(row)]} />
                ))}
              </ul>
            </>
          )}
          {page.saved.length > 0 && (
            <section aria-labelledby="saved">
              <h2 id="saved">Saved for later</h2>
              <ul className="lines" role="list">
                {page.saved.map((row) => <Saved key={row.id} row={row} money={page.money} />)}
              </ul>
            </section>
          )}
        </form>
      )}
      {page.lines.length > 0 && <Summary page={page} store={store} isBusy={state.edits.length > 0} />}
    </>
  );
}

/** The focus goes on before the used button goes with its line: to the next product that stays, else to the heading. */
function press(event: FormEvent<HTMLFormElement>, store: CartStore): void {
  const button = (event.nativeEvent as SubmitEvent).submitter;
  const fields = [...new FormData(event.currentTarget, button)] as Fields;
  event.preventDefault();
  const region = event.currentTarget.closest<HTMLElement>("[data-island]") ?? document.body;
  const focused = document.activeElement;
  const used = focused && region.contains(focused) ? focused : (button ?? region);
  const follows = (link: Element): boolean => (used.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING) > 0;
  const next = [...region.querySelectorAll("a[id]")].filter(follows).map((link) => link.id);
  store.press(fields, fields.find(([name]) => name === "op")?.[1] ?? "update");
  if (used.isConnected) return;
  const stays = next.map((id) => document.getElementById(id)).find(Boolean);
  (stays ?? document.getElementById("cart-title"))?.focus({ preventScroll: true });
}

function Errors({ rows }: { rows: [string, string][] }) {
  if (!rows.length) return null;
  return (
    <div className="problems" id="problems" role="alert" tabIndex={-1} aria-labelledby="problems-title">
      <h2 id="problems-title">There is a problem</h2>
      <ul role="list">
        {rows.map(([field, sentence]) => (
          <li key={field}>{field ? <a href={`#${field}`}>{sentence}</a> : sentence}</li>
        ))}
      </ul>
    </div>
  );
}

function Notice({ page, said, title, undo }: { page: CartPage; said: string; title: string | undefined; undo: () => void }) {
  if (said) {
    return (
      <p className="notice" id="said">
        {withTotal(said, page)}
        {title && <>{" "}<button className="link" type="button" id="undo" onClick={undo}>Undo<span className="unseen"> removing {title}</span></button></>}
      </p>
    );
  }
  const { added } = page;
  if (!added) return null;
  const most = added.left !== null && added.left <= added.quantity
    ? ` Only ${added.left} left, all of them in your cart now.`
    : ` ${added.quantity} is the most that one order may hold.`;
  return (
    <div className="notice good" id="added">
      <p>{`${added.title}${added.options && `, ${added.options},`} is in your cart.${page.is_limited ? most : ""}`}</p>
      <p className="links">
        {!page.is_blocked && <Fragment><a href="/checkout/address">Check out</a>{" "}</Fragment>}
        {added.url && <a href={added.url}>Continue shopping</a>}
      </p>
    </div>
  );
}

function Empty({ page }: { page: CartPage }) {
  return (
    <>
      <p className="intro">
        {page.saved.length
          ? "Nothing is in your cart but what you saved for later. Move it here, or look round:"
          : "Nothing is in your cart. Look round:"}
      </p>
      {page.ways.length > 0 && (
        <ul className="links" role="list">
          {page.ways.map((way) => <li key={way.url}><a href={way.url}>{way.title}</a></li>)}
        </ul>
      )}
    </>
  );
}
