// The payment slot: what happens next with the chosen method. A gateway's own element would stand in here.
import { useSyncExternalStore } from "react";
import { afterwards } from "./order.ts";
import { shown, type OrderStore } from "./store.ts";

export function Payment({ store }: { store: OrderStore }) {
  const order = shown(useSyncExternalStore(store.subscribe, store.get));
  return <p>{afterwards(order)}</p>;
}
