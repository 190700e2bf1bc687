// One slip in the domain of an e-mail address: gmial.com. Pure. A hint, so it must be right nearly always.

const SHORTEST = 7; // shorter domains are one slip away from too many others

/** The address without the slip, or null. */
export function withoutSlip(address: string, domains: readonly string[]): string | null {
  const [, name, typed] = /^([^@\s]+)@([^@\s]+)$/.exec(address.trim()) ?? [];
  const domain = typed?.toLowerCase();
  if (!name || !domain || domains.includes(domain)) return null;
  const meant = domains.find((known) => known.length >= SHORTEST && isOneSlipAway(domain, known));
  return meant ? `${name}@${meant}` : null;
}

/** A letter too many, missing, wrong, or two in the wrong order. */
export function isOneSlipAway(typed: string, meant: string): boolean {
  const [short, long] = typed.length <= meant.length ? [typed, meant] : [meant, typed];
  if (long.length - short.length > 1 || typed === meant) return false;
  let start = 0;
  while (start < short.length && short[start] === long[start]) start += 1;
  if (short.length < long.length) return short.slice(start) === long.slice(start + 1);
  if (short.slice(start + 1) === long.slice(start + 1)) return true;
  const isTurned = short[start] === long[start + 1] && short[start + 1] === long[start];
  return isTurned && short.slice(start + 2) === long.slice(start + 2);
}
