// Where an order lies between messages.

import { forget, recall, remember } from "../../../js-kit/memory.ts";
import { empty, type Order } from "./order.ts";

const KEY = "order";
/** Longer than any order takes; the timers end one long before. */
const KEPT_MS = 2 * 24 * 60 * 60 * 1_000;

/** The order of this conversation. */
export function load(): Order {
  return { ...empty(), ...recall<Partial<Order>>("conversation", KEY) };
}

/** Keeps it. */
export function save(order: Order): void {
  remember("conversation", KEY, order, KEPT_MS);
}

/** Lets it go. */
export function lose(): void {
  forget("conversation", KEY);
}
