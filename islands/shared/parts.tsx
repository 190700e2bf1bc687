// Parts of templates/components, in the same markup: picture.html, totals.html, ways.html, the notices of lines.
import type { CartRow, DeliveryOption, ImageView, MoneyPattern, NoticeRow, Sums } from "./wire.ts";
import { written } from "./money.ts";

/** Decoded at once: the same picture was there a moment ago, and must not blink. */
export function Picture({ image, sizes }: { image: ImageView | null; sizes: string }) {
  if (!image) return <span className="none">No picture yet</span>;
  const { src, srcset, stance, width, height } = image;
  const wide = srcset ? { srcSet: srcset, sizes } : {};
  return <img className={stance} src={src} {...wide} width={width} height={height} alt="" loading="lazy" decoding="sync" />;
}

export function Notices({ row, money, isNow }: { row: CartRow; money: MoneyPattern; isNow: boolean }) {
  const was = (notice: NoticeRow): string =>
    notice.was ? ` It was ${written(notice.was, money)}${isNow ? ` and is ${written(row.unit_price, money)} now` : ""}.` : "";
  return row.notices.map((notice, place) => (
    <p key={place} className={notice.blocks ? "notice bad" : "notice"}>
      {notice.text + was(notice)}
    </p>
  ));
}

export function Totals({ sums, money, later }: { sums: Sums; money: MoneyPattern; later: string }) {
  const { delivery } = sums;
  return (
    <table className="totals">
      <caption className="unseen">What it costs</caption>
      <tbody>
        <tr><th scope="row">Goods</th><td data-qa="subtotal" data-value={sums.subtotal.minor}>{written(sums.subtotal, money)}</td></tr>
        <tr>
          <th scope="row">Delivery{sums.delivery_title && <span className="note">{` ${sums.delivery_title}`}</span>}</th>
          <td {...(delivery ? { "data-qa": "delivery", "data-value": delivery.minor } : {})}>{!delivery ? <span className="note">{later}</span> : delivery.minor ? written(delivery, money) : "free"}</td>
        </tr>
        <tr className="total">
          <th scope="row">Total{!delivery && <span className="note"> without delivery</span>}</th>
          <td data-qa="total" data-value={sums.total.minor}>{written(sums.total, money)}</td>
        </tr>
        {sums.taxes.map((tax) => (
          <tr key={tax.label} className="tax"><th scope="row">{tax.label}</th><td>{written(tax.amount, money)}</td></tr>
        ))}
      </tbody>
    </table>
  );
}

export function Ways({ options, money }: { options: DeliveryOption[]; money: MoneyPattern }) {
  if (!options.length) return <p>We have no way to deliver this there.</p>;
  return (
    <ul className="ways" role="list">
      {options.map((option) => <li key={option.code}>{inWords(option, money)}</li>)}
    </ul>
  );
}

function inWords(option: DeliveryOption, money: MoneyPattern): string {
  const price = option.price.minor ? written(option.price, money) : "free";
  const days = option.max_days ? `, ${option.min_days} to ${option.max_days} working days` : "";
  const free = option.free_from ? `; free from ${written(option.free_from, money)} on` : "";
  return `${option.title}: ${price}${days}${free}`;
}
