// An order: what is in the cart, and how far it has come.

import { menu, money } from "./menu.ts";

/** How far an order has come. */
export type Stage = "open" | "confirming" | "paying";

/** Where an order is paid. */
export interface Link {
  id: string;
  url: string;
}

/** An order, as it is kept between messages. */
export interface Order {
  stage: Stage;
  /** How many of each item, by its name. */
  cart: Record<string, number>;
  link: Link | null;
  /** How often the payment was asked after. */
  looks: number;
}

/** Nobody wants more of one thing by text message; who does has mistyped. */
const MOST_OF_ONE = 20;

/** An order with nothing in it. */
export function empty(): Order {
  return { stage: "open", cart: {}, link: null, looks: 0 };
}

/** Whether there is anything in it. */
export function isEmpty(order: Order): boolean {
  return Object.keys(order.cart).length === 0;
}

/** Puts so many of an item into the cart. */
export function add(order: Order, item: string, count: number): void {
  if (count > 0) order.cart[item] = Math.min((order.cart[item] ?? 0) + count, MOST_OF_ONE);
}

/** Takes so many of an item out of the cart: all of them, if no number was said. */
export function take(order: Order, item: string, count: number | null): void {
  const left = count === null ? 0 : (order.cart[item] ?? 0) - count;
  if (left > 0) order.cart[item] = left;
  else delete order.cart[item];
}

/** What it costs, in the currency's hundredths. What is no longer on the menu costs nothing and isn't delivered. */
export function total(order: Order): number {
  return Object.entries(order.cart).reduce((sum, [item, count]) => sum + count * (menu().get(item) ?? 0), 0);
}

/** `2 tea, 1 cake: 11.20 USD` */
export function summary(order: Order): string {
  const items = Object.entries(order.cart).map(([item, count]) => `${count} ${item}`);
  return `${items.join(", ")}: ${money(total(order))}`;
}
