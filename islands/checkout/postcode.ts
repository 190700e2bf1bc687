// Whether a text is a postcode of a country: as domain/customers/postcodes.py decides it, which is as lenient. Pure.
import type { PostcodeShape } from "../shared/wire.ts";

const BETWEEN = /[\s.\-\u2010-\u2015\u2212]/g;

export function isPostcode(value: string, { examples, prefix, patterns }: PostcodeShape): boolean {
  const text = value.normalize("NFKC").toUpperCase().split(/\s+/).filter(Boolean).join(" ");
  const typed = [text, without(text, prefix), without(text, prefix.replace(/[ -]+$/, "")).replace(/^[ -]+/, "")];
  const bare = typed.map((each) => each.replace(BETWEEN, ""));
  const forms = [...typed, ...bare, ...bare.flatMap((each) => examples.map((like) => shaped(each, like)))];
  return patterns.every((pattern) => {
    const whole = new RegExp(`^(?:${pattern})$`);
    return forms.some((form) => whole.test(form));
  });
}

function without(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** `bare` with blanks and dashes where `like` has them: 00950, like 00-950. */
function shaped(bare: string, like: string): string {
  const left = [...bare];
  return [...like].map((each) => (each === " " || each === "-" ? each : (left.shift() ?? ""))).join("") + left.join("");
}
