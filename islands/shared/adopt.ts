// Takes over a region that the server has rendered, in place: the same markup, the focus and what is typed are kept.
// The server's own nodes are kept too, with the listeners that htmx has on them: after an error they are put back.
import type { ReactNode } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

export interface Held {
  /** What the fields show now, by id: for the server's fields, if they must come back. */
  fields: () => Record<string, string>;
  /** After the server's nodes have come back. */
  gaveBack?: () => void;
}

export function adopt(region: HTMLElement, render: () => ReactNode, held: Held): void {
  const nodes = [...region.childNodes];
  const refocus = focusOf(region);
  const giveBack = (error: unknown): void => {
    if (region.dataset.failed !== undefined) return;
    region.dataset.failed = "";
    delete region.dataset.mounted;
    reportError(error);
    queueMicrotask(() => {
      const fields = attempt(held.fields) ?? {};
      const again = focusOf(region) ?? refocus;
      root.unmount();
      region.replaceChildren(...nodes);
      for (const [id, value] of Object.entries(fields)) {
        const field = document.getElementById(id);
        if (field instanceof HTMLInputElement) field.value = value;
      }
      again?.();
      held.gaveBack?.();
    });
  };
  const root = createRoot(region, { onUncaughtError: giveBack });
  try {
    const content = render();
    const chosen = [...region.querySelectorAll("select")].map((each) => [each.id, each.value] as const);
    region.replaceChildren();
    flushSync(() => root.render(content));
    for (const [id, value] of chosen) {
      const select = document.getElementById(id);
      if (select instanceof HTMLSelectElement) select.value = value;
    }
  } catch (error) {
    giveBack(error);
  }
  if (region.dataset.failed !== undefined) return;
  region.dataset.mounted = "";
  refocus?.();
}

/** The JSON in the region; throws where there is none. */
export function seedOf<T>(region: HTMLElement): T {
  const script = region.querySelector('script[type="application/json"]');
  if (!script) throw new Error(`#${region.id} has no seed`);
  return JSON.parse(script.textContent ?? "") as T;
}

/** Puts the focus and the selection where they are now in the region; null while they are elsewhere. */
function focusOf(region: HTMLElement): (() => void) | null {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || !region.contains(element)) return null;
  const place = stops(region).indexOf(element);
  const isText = element instanceof HTMLInputElement && element.selectionStart !== null;
  const [start, end, direction] = isText
    ? [element.selectionStart, element.selectionEnd, element.selectionDirection ?? "none"]
    : [null, null, "none" as const];
  return () => {
    const again = (element.id && document.getElementById(element.id)) || stops(region)[place];
    again?.focus({ preventScroll: true });
    if (isText && again instanceof HTMLInputElement) again.setSelectionRange(start, end, direction);
  };
}

/** What can hold the focus in the server's markup and in ours, in the same order: ours has steppers besides. */
function stops(region: HTMLElement): HTMLElement[] {
  return [...region.querySelectorAll<HTMLElement>("a[href], button:not(.stepper), input, select, [tabindex]")];
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
