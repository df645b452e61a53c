// What there is, and what it costs: the setting `menu`, such as `tea 3.50, cake 4.20`.

import * as settings from "signalbox:messaging/settings@0.1.0";
import { reject } from "../../../js-kit/errors.ts";

const ITEM = /^\s*([\p{L}][\p{L} -]*?)\s+(\d{1,5})(?:\.(\d{2}))?\s*$/u;

/** The prices by name, in hundredths: sums of fractions don't come out even. */
export function menu(): Map<string, number> {
  const items = new Map<string, number>();
  for (const part of (settings.get("menu") ?? "").split(",")) {
    const [, name, whole, hundredths] = ITEM.exec(part) ?? [];
    if (!name || !whole) throw reject(`the setting menu has "${part.trim()}": write items as "tea 3.50, cake 4.20"`);
    items.set(name.toLowerCase(), Number(whole) * 100 + Number(hundredths ?? "0"));
  }
  return items;
}

/** The menu for people. */
export function menuText(): string {
  return [...menu()].map(([name, price]) => `${name} ${amount(price)}`).join(", ");
}

/** `11.20 USD` */
export function money(hundredths: number): string {
  return `${amount(hundredths)} ${currency()}`;
}

/** The currency's code. */
export function currency(): string {
  return settings.get("currency") ?? "USD";
}

function amount(hundredths: number): string {
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`;
}
