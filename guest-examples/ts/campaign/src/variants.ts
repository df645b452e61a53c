// A/B by conversation: a text may hold two variants, and a conversation always gets the same one of a campaign.

import * as settings from "signalbox:messaging/settings@0.1.0";
import type { OutboundDraft } from "signalbox:messaging/types@0.1.0";

/** Which of the two. */
export type Variant = "a" | "b";

/** What parts the variants in a text. */
const BETWEEN = "|||";

/** The variant of a draft's text that this conversation gets. None where the text has only one. */
export function choose(draft: OutboundDraft, campaign: string): { variant: Variant | null; text: string } {
  const at = draft.text.indexOf(BETWEEN);
  if (at < 0) return { variant: null, text: draft.text };
  const shareB = Number(settings.get("share-b") ?? "50");
  const variant = hash(`${campaign} ${draft.sender} ${draft.recipient}`) % 100 < shareB ? "b" : "a";
  const text = variant === "a" ? draft.text.slice(0, at) : draft.text.slice(at + BETWEEN.length);
  return { variant, text: text.trim() };
}

/** FNV-1a: chance would give a conversation another variant each time. */
function hash(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  // The low bits alone follow the last characters too closely.
  return (hash ^ (hash >>> 15)) >>> 0;
}
