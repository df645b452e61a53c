// The shapes of the four handlers, and small things about their events.

import type { Attribute } from "signalbox:messaging/types@0.1.0";

/** What handles inbound messages. */
export type MessageHandler = typeof import("signalbox:messaging/message-handler@0.1.0");
/** What looks at drafts. */
export type DraftHandler = typeof import("signalbox:messaging/draft-handler@0.1.0");
/** What takes note of receipts. */
export type ReceiptHandler = typeof import("signalbox:messaging/receipt-handler@0.1.0");
/** What is called when a timer is due. */
export type TimerHandler = typeof import("signalbox:messaging/timer-handler@0.1.0");

/** An attribute's value, or null. */
export function attribute(attributes: Attribute[], name: string): string | null {
  return attributes.find((one) => one.name === name)?.value ?? null;
}
