// What is said.

import * as settings from "signalbox:messaging/settings@0.1.0";

/** What the shop calls itself. */
export function shop(): string {
  return settings.get("shop") ?? "the shop";
}

/** The sentences. */
export const say = {
  menu: (shop: string, menu: string) => `${shop}: ${menu}. What would you like?`,
  empty: (menu: string) => `Your cart is empty. There is ${menu}.`,
  cart: (summary: string) => `In your cart: ${summary}. Add more, or write PAY.`,
  confirm: (summary: string) => `${summary}. Shall we go ahead? YES for a link to pay, or change your order.`,
  link: (summary: string, url: string) => `${summary}. Pay here: ${url} Then we start at once.`,
  noLink: () => "We can't make a link to pay right now. Your order is kept: write YES in a few minutes to try again.",
  waiting: (summary: string, url: string) => `We wait for your payment of ${summary}. ${url} Write PAID or CLEAR.`,
  notYet: () => "The payment hasn't come in yet. It may take a minute.",
  paid: (shop: string) => `Thank you, it's paid. ${shop} is on it.`,
  lapsed: () => "Your link to pay has lapsed, and the order with it. Write MENU to begin anew.",
  cleared: () => "Your order is cleared. Nothing was charged.",
  stillThere: (summary: string) => `Your cart is still here: ${summary}. Write PAY to order, CLEAR to let it go.`,
  help: (menu: string) => `Tell us what you'd like: ${menu}. Or write CART, PAY or CLEAR.`,
};
