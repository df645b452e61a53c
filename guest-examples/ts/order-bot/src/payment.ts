// The payment provider. Its key is put into the requests by the host.

import * as log from "signalbox:messaging/log@0.1.0";
import * as settings from "signalbox:messaging/settings@0.1.0";
import { reject } from "../../../js-kit/errors.ts";
import { ask } from "../../../js-kit/web.ts";
import { currency } from "./menu.ts";
import { type Link, type Order, total } from "./order.ts";

/** Half of what an event may take: the answer has to be sent too. */
const TIMEOUT_MS = 1_500;

/**
 * A link to pay for an order, or null if there is none to be had. The message that said YES names the payment: an
 * attempt that is made again gets the same link.
 */
export function makeLink(order: Order, reference: string): Link | null {
  const json = { amount: total(order), currency: currency(), items: order.cart, reference };
  const answer = ask({ method: "POST", url: base(), json, timeoutMs: TIMEOUT_MS });
  if (!answer.ok) {
    log.write("warn", `no payment link: ${answer.why} (${answer.detail})`);
    return null;
  }
  const link = linkIn(answer.json);
  if (!link) log.write("error", "no payment link: the answer has none that leads to the provider");
  return link;
}

/** Whether a link was paid. Who can't be asked hasn't said yes. */
export function isPaid(id: string): boolean {
  const answer = ask({ method: "GET", url: `${base()}/${encodeURIComponent(id)}`, timeoutMs: TIMEOUT_MS });
  if (!answer.ok) log.write("warn", `the payment can't be asked after: ${answer.why} (${answer.detail})`);
  return answer.ok && (answer.json as { status?: unknown } | null)?.status === "paid";
}

/** People pay where this link leads, so it has to lead to the provider. */
function linkIn(json: unknown): Link | null {
  const { id, url } = (json ?? {}) as Partial<Record<keyof Link, unknown>>;
  if (typeof id !== "string" || typeof url !== "string") return null;
  return /^[\w-]{1,64}$/.test(id) && /^[\x21-\x7e]{1,200}$/.test(url) && url.startsWith(`${origin()}/`) ? { id, url } : null;
}

function origin(): string {
  const found = /^https:\/\/[^/?#@]+/.exec(base())?.[0];
  if (!found) throw reject("the setting links has to be an https:// address");
  return found;
}

function base(): string {
  return settings.get("links") ?? "";
}
