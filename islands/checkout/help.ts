// Hints below the fields of the address, when they are left: never errors, and in room that is kept free, so nothing moves.
// The form is htmx's to swap, so all listeners are on the document, and hints are given again after a swap.
import { say } from "../shared/bus.ts";
import type { AddressHelp } from "../shared/wire.ts";
import { withoutSlip } from "./mail.ts";
import { isPostcode } from "./postcode.ts";

/** Ids of fields that were left: only these are looked at again. */
const left = new Set<string>();

export function startHelp(): void {
  document.addEventListener("focusout", ({ target }) => {
    if (!(target instanceof HTMLInputElement) || !target.closest(".helped")) return;
    left.add(target.id);
    const words = hint(target);
    if (words) say(words);
  });
  document.addEventListener("input", ({ target }) => target instanceof HTMLInputElement && clear(target));
  document.addEventListener("htmx:after:swap", () => {
    for (const id of left) {
      const field = document.getElementById(id);
      if (field instanceof HTMLInputElement && field !== document.activeElement) hint(field);
    }
  });
}

/** Gives the hint, if there is one; returns its words. */
function hint(field: HTMLInputElement): string {
  clear(field);
  const help = JSON.parse(document.getElementById("address-help")?.textContent ?? "null") as AddressHelp | null;
  const value = field.value.trim();
  if (!help || !value) return "";
  if (field.type === "email") {
    const meant = withoutSlip(value, help.domains);
    return meant ? show(field, `Did you mean ${meant}?`, () => take(field, meant)) : "";
  }
  const known = help.postcodes[field.id];
  const like = known?.shape.examples[0];
  if (!known || !like || isPostcode(value, known.shape)) return "";
  return show(field, `Postcodes in ${known.country} look like ${like}`);
}

function show(field: HTMLInputElement, words: string, press?: () => void): string {
  const line = document.createElement(press ? "button" : "p");
  Object.assign(line, { id: `${field.id}-help`, className: press ? "help link" : "help note", textContent: words });
  if (line instanceof HTMLButtonElement && press) {
    line.type = "button";
    line.addEventListener("click", press);
  }
  field.closest(".helped")?.append(line);
  field.setAttribute("aria-describedby", [...described(field), line.id].join(" "));
  return words;
}

function take(field: HTMLInputElement, value: string): void {
  field.value = value;
  clear(field);
  field.focus();
}

function clear(field: HTMLInputElement): void {
  const id = `${field.id}-help`;
  if (!document.getElementById(id)) return;
  document.getElementById(id)?.remove();
  const others = described(field).filter((each) => each !== id);
  if (others.length) field.setAttribute("aria-describedby", others.join(" "));
  else field.removeAttribute("aria-describedby");
}

const described = (field: HTMLInputElement): string[] => (field.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);
