// What islands ask of the shop: the same addresses as the forms, answered by the struct that the page is made of.

const PATIENCE = 10_000; // as htmx's defaultTimeout

export interface Answer<T> {
  status: number;
  /** Present where the answer is a struct: of 200 and 422. */
  body: T | null;
}

/** Rejects where nothing was heard: no connection, or no answer in time. */
export async function ask<T>(url: string, fields?: Iterable<[string, string]>): Promise<Answer<T>> {
  const request: RequestInit = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) };
  if (fields) Object.assign(request, { method: "POST", body: new URLSearchParams([...fields]) });
  const response = await fetch(url, request);
  const isStruct = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return { status: response.status, body: isStruct ? ((await response.json()) as T) : null };
}

/** Whether an answer may replace what is shown: never an older state of the same cart. */
export function isNewer(
  answer: { cart: number; version: number },
  shown: { cart: number; version: number },
  wasAskedLater: boolean,
): boolean {
  return answer.cart === shown.cart ? answer.version >= shown.version : wasAskedLater;
}

/** As a form would: the browser leaves, and shows the answer as the page that it is. */
export function submitAs(action: string, fields: Iterable<[string, string]>): void {
  const form = Object.assign(document.createElement("form"), { method: "post", action, hidden: true });
  for (const [name, value] of fields) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}
