// A line of the cart, as templates/components/cart_line.html has it, and the steppers that only scripts need.
import type { FocusEvent, ReactNode } from "react";
import { written } from "../shared/money.ts";
import { Notices, Picture } from "../shared/parts.tsx";
import type { CartRow, MoneyPattern } from "../shared/wire.ts";
import { fieldOf, MOST, quantityIn } from "./edits.ts";
import type { CartStore } from "./store.ts";

interface Props {
  row: CartRow;
  money: MoneyPattern;
}

function Line({ row, money, children }: Props & { children: ReactNode }) {
  return (
    <li className="line" data-qa="cart-line" data-qa-id={row.sku || undefined}>
      <div className="mat"><Picture image={row.picture} sizes="6rem" /></div>
      <div className="what">
        <h3 dir="auto">
          {row.url ? <a id={`line-${row.id}`} href={row.url}>{row.title}</a> : <span id={`line-${row.id}`}>{row.title}</span>}
        </h3>
        {row.options && <p className="byline">{row.options}</p>}
        <p>{`${written(row.unit_price, money)} each`}</p>
        <Notices row={row} money={money} isNow />
      </div>
      {children}
    </li>
  );
}

export function Bought({ row, money, store, text, problem }: Props & { store: CartStore; text: string | undefined; problem: string | undefined }) {
  return (
    <Line row={row} money={money}>
      <div className="amount">
        <Quantity row={row} store={store} text={text} problem={problem} />
        <p className="sum"><span className="unseen">Together </span>{written(row.total, money)}</p>
      </div>
      <div className="acts">
        <Act op="remove" label="Remove" row={row} />
        {row.url && <Act op="save" label="Save for later" row={row} />}
      </div>
    </Line>
  );
}

export function Saved({ row, money }: Props) {
  return (
    <Line row={row} money={money}>
      <div className="amount"><p>{`${row.quantity} saved`}</p></div>
      <div className="acts">
        {row.url && row.left !== 0 && <Act op="unsave" label="Move to cart" row={row} />}
        <Act op="remove" label="Remove" row={row} />
      </div>
    </Line>
  );
}

function Act({ op, label, row }: { op: string; label: string; row: CartRow }) {
  const name = `${op}-${row.id}`;
  return (
    <button className="link" type="submit" id={name} name="op" value={name}>
      {label}<span className="unseen">{` ${row.title}`}</span>
    </button>
  );
}

/** As components/quantity.html, with room for the steppers that CSS keeps free. */
function Quantity({ row, store, text, problem }: { row: CartRow; store: CartStore; text: string | undefined; problem: string | undefined }) {
  const name = fieldOf(row);
  // A button of the form sends the field along; nothing needs to be sent before it.
  const leave = ({ relatedTarget: to }: FocusEvent): void => {
    if (!(to instanceof HTMLButtonElement && to.type === "submit" && to.form?.matches(".basket"))) store.leave(row);
  };
  const wrong = problem ? { "aria-invalid": true, "aria-describedby": `${name}-error` } : {};
  const now = quantityIn(text ?? "") ?? row.quantity;
  return (
    <div className={problem ? "quantity wrong" : "quantity"}>
      <label className="label" htmlFor={name}>Quantity<span className="unseen">{` of ${row.title}`}</span></label>
      {problem && <p className="error" id={`${name}-error`}><span className="unseen">Error: </span>{problem}</p>}
      <input className="field" type="text" inputMode="numeric" id={name} name={name} value={text ?? row.quantity}
        autoComplete="off" {...wrong} onChange={(event) => store.type(name, event.target.value)} onBlur={leave} />
      <Stepper sign="−" words="One fewer of" row={row} isOff={now <= 1} press={() => store.step(row, now - 1)} />
      <Stepper sign="+" words="One more of" row={row} isOff={now >= Math.min(MOST, row.left ?? MOST)} press={() => store.step(row, now + 1)} />
    </div>
  );
}

/** Not `disabled` at its end: that would take the focus away. */
function Stepper({ sign, words, row, isOff, press }: { sign: string; words: string; row: CartRow; isOff: boolean; press: () => void }) {
  return (
    <button className="stepper" type="button" aria-disabled={isOff || undefined} onClick={() => isOff || press()}>
      <span aria-hidden="true">{sign}</span><span className="unseen">{`${words} ${row.title}`}</span>
    </button>
  );
}
