// Amounts as the server writes them. The pattern comes from it: browsers' own tables differ from Babel's in details.
import type { Money, MoneyPattern } from "./wire.ts";

export function written(amount: Money | number, pattern: MoneyPattern): string {
  const minor = typeof amount === "number" ? amount : amount.minor;
  const digits = String(minor).padStart(pattern.exponent + 1, "0");
  const cut = digits.length - pattern.exponent;
  const decimals = shortened(digits.slice(cut), pattern.least);
  const number = grouped(digits.slice(0, cut), pattern) + (decimals && pattern.decimal + decimals);
  return pattern.prefix + number + pattern.suffix;
}

function shortened(decimals: string, least: number): string {
  let end = decimals.length;
  while (end > least && decimals[end - 1] === "0") end -= 1;
  return decimals.slice(0, end);
}

function grouped(whole: string, { group, groups: [last, before] }: MoneyPattern): string {
  if (!group) return whole;
  const parts = [whole.slice(-last)];
  for (let end = whole.length - last; end > 0; end -= before) parts.unshift(whole.slice(Math.max(0, end - before), end));
  return parts.join(group);
}
