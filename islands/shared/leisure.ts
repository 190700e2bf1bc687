// When a region may be taken over: at idle after load, and never in the middle of what somebody does in it.

const PATIENCE = 3_000; // ms that a field may be edited before it is taken over under the typing hand
const PAUSE = 120;

let isPressed = false;
let isComposing = false;
addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => setTimeout(() => { isPressed = false; }, 100), true); // the click comes after it
}
addEventListener("compositionstart", () => { isComposing = true; }, true);
addEventListener("compositionend", () => { isComposing = false; }, true);

const idle = (work: () => void): void => {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 2_000 });
  else setTimeout(work, 50); // Safari
};

/** Calls `mount` once for the region, which may be swapped by htmx until then. */
export function atLeisure(find: () => HTMLElement | null, mount: (region: HTMLElement) => void): void {
  let editedSince = 0;
  const attempt = (): void => {
    const region = find();
    if (!region || region.dataset.mounted !== undefined || region.dataset.failed !== undefined) return;
    if (!isEdited(region)) editedSince = 0;
    else editedSince ||= performance.now();
    const isPatient = editedSince > 0 && performance.now() - editedSince < PATIENCE;
    if (isPressed || isComposing || isPatient || isBusy(region) || isSelected(region)) setTimeout(() => idle(attempt), PAUSE);
    else mount(region);
  };
  if (document.readyState === "complete") idle(attempt);
  else addEventListener("load", () => idle(attempt), { once: true });
}

function isBusy(region: HTMLElement): boolean {
  return region.closest("[aria-busy=true]") !== null || region.querySelector("[aria-busy=true]") !== null;
}

function isEdited(region: HTMLElement): boolean {
  const field = document.activeElement;
  if (!field || !region.contains(field)) return false;
  return field instanceof HTMLSelectElement || (field instanceof HTMLInputElement && field.value !== field.defaultValue);
}

/** Words in the region are marked, maybe to be copied: they would be marked no more. */
function isSelected(region: HTMLElement): boolean {
  const selection = getSelection();
  if (!selection || selection.rangeCount === 0) return false;
  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
  if (anchorNode === focusNode && anchorOffset === focusOffset) return false;
  return selection.getRangeAt(0).intersectsNode(region);
}
