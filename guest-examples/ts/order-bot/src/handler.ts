// One turn of the talk: what was understood, what it makes of the order, what is said, and which timer runs then.

import * as notes from "signalbox:messaging/notes@0.1.0";
import * as outbox from "signalbox:messaging/outbox@0.1.0";
import * as timers from "signalbox:messaging/timers@0.1.0";
import type { InboundMessage } from "signalbox:messaging/types@0.1.0";
import type { MessageHandler, TimerHandler } from "../../../js-kit/contract.ts";
import { add, isEmpty, type Order, summary, take } from "./order.ts";
import { load, lose, save } from "./desk.ts";
import { menu, menuText } from "./menu.ts";
import { isPaid, makeLink } from "./payment.ts";
import { say, shop } from "./phrases.ts";
import { type Intent, understand } from "./understand.ts";

const MINUTE_MS = 60 * 1_000;
/** A cart that nobody touches: one reminder, then it is let go. */
const NUDGE = { name: "nudge", afterMs: 30 * MINUTE_MS };
const LET_GO = { name: "let-go", afterMs: 120 * MINUTE_MS };
/** A link that nobody pays: looked at now and then, until it lapses. */
const CHECK = { name: "check-payment", afterMs: 10 * MINUTE_MS, times: 6 };

const NOTHING = new Uint8Array();

export const messageHandler: MessageHandler = {
  onMessage(message) {
    const order = load();
    const intent = understand(message.text, order.stage, menu());
    notes.label(intent.kind);
    answer(order, intent, message);
  },
};

export const timerHandler: TimerHandler = {
  onTimer(timer) {
    const order = load();
    if (timer.name === NUDGE.name && !isEmpty(order) && order.stage !== "paying") {
      outbox.reply(say.stillThere(summary(order)));
    } else if (timer.name === LET_GO.name && order.stage !== "paying") {
      lose();
      notes.label("cart-abandoned");
    } else if (timer.name === CHECK.name && order.stage === "paying") {
      look(order, false);
    }
  },
};

function answer(order: Order, intent: Intent, message: InboundMessage): void {
  if (order.stage === "paying") return whilePaying(order, intent);
  switch (intent.kind) {
    case "menu":
      outbox.reply(say.menu(shop(), menuText()));
      return;
    case "change":
      for (const { item, count, out } of intent.changes) {
        if (out) take(order, item, count);
        else add(order, item, count ?? 1);
      }
      order.stage = "open";
      keep(order);
      outbox.reply(isEmpty(order) ? say.empty(menuText()) : say.cart(summary(order)));
      return;
    case "show":
      outbox.reply(isEmpty(order) ? say.empty(menuText()) : say.cart(summary(order)));
      return;
    case "checkout":
      if (isEmpty(order)) return void outbox.reply(say.empty(menuText()));
      order.stage = "confirming";
      keep(order);
      outbox.reply(say.confirm(summary(order)));
      return;
    case "yes":
      return order.stage === "confirming" ? pay(order, message) : void outbox.reply(say.help(menuText()));
    case "clear":
      stopTimers();
      lose();
      outbox.reply(say.cleared());
      return;
    default:
      outbox.reply(say.help(menuText()));
  }
}

/** What is in the cart stays as it is while there is a link to pay for it. */
function whilePaying(order: Order, intent: Intent): void {
  if (intent.kind === "clear") {
    stopTimers();
    lose();
    outbox.reply(say.cleared());
  } else if (intent.kind === "paid") {
    look(order, true);
  } else {
    outbox.reply(say.waiting(summary(order), order.link?.url ?? ""));
  }
}

function pay(order: Order, message: InboundMessage): void {
  const link = makeLink(order, message.id);
  if (!link) {
    // The order stays as it is: YES tries again.
    notes.label("payment-link-failed");
    keep(order);
    outbox.reply(say.noLink());
    return;
  }
  Object.assign(order, { stage: "paying", link, looks: 0 });
  save(order);
  stopTimers();
  timers.setAfter(CHECK.name, CHECK.afterMs, NOTHING);
  outbox.reply(say.link(summary(order), link.url));
}

/** Asks the provider whether the link is paid. Nobody is told "not yet" who didn't ask. */
function look(order: Order, wasAsked: boolean): void {
  const link = order.link;
  if (link && isPaid(link.id)) {
    stopTimers();
    lose();
    notes.label("paid");
    outbox.reply(say.paid(shop()));
    return;
  }
  if (wasAsked) {
    outbox.reply(say.notYet());
    return;
  }
  order.looks += 1;
  if (order.looks >= CHECK.times) {
    lose();
    notes.label("payment-lapsed");
    outbox.reply(say.lapsed());
    return;
  }
  save(order);
  timers.setAfter(CHECK.name, CHECK.afterMs, NOTHING);
}

function keep(order: Order): void {
  save(order);
  if (isEmpty(order)) return stopTimers();
  for (const timer of [NUDGE, LET_GO]) timers.setAfter(timer.name, timer.afterMs, NOTHING);
}

function stopTimers(): void {
  for (const timer of [NUDGE, LET_GO, CHECK]) timers.cancel(timer.name);
}
