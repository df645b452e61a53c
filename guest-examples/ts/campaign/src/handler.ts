// Sees every draft and every reply of a campaign. What isn't marketing passes untouched.

import * as log from "signalbox:messaging/log@0.1.0";
import * as notes from "signalbox:messaging/notes@0.1.0";
import type { DraftChange, DraftDecision } from "signalbox:messaging/draft-handler@0.1.0";
import type { OutboundDraft } from "signalbox:messaging/types@0.1.0";
import { attribute, type DraftHandler, type MessageHandler } from "../../../js-kit/contract.ts";
import { forget, recall, remember } from "../../../js-kit/memory.ts";
import { personal } from "./personal.ts";
import { wantsBack, wantsQuiet } from "./quiet.ts";
import { bestTime, observeReply } from "./sendtime.ts";
import { choose, type Variant } from "./variants.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** The contact asked us, in their own words, to leave them alone. */
const QUIET = "quiet";
/** What this conversation was last sent. */
const LAST = "last-campaign";

interface Last {
  campaign: string;
  variant: Variant;
}

export const draftHandler: DraftHandler = {
  onDraft(draft) {
    if (draft.category !== "marketing") return { tag: "send" };
    // Asked again when a delayed draft is due: a wish to stop that came meanwhile counts.
    if (recall<boolean>("contact", QUIET)) return drop("the contact asked not to be sent offers");
    const planned = `planned/${draft.id}`;
    if (recall<boolean>("conversation", planned)) return { tag: "send" };
    const decision = prepared(draft);
    if (decision.tag !== "drop") remember("conversation", planned, true, 7 * DAY_MS);
    return decision;
  },
};

export const messageHandler: MessageHandler = {
  onMessage(message) {
    if (wantsQuiet(message.text)) {
      remember("contact", QUIET, true);
      notes.label("quiet-opt-out");
      log.write("info", "a wish to be left alone: no more offers, and no answer either");
      return;
    }
    observeReply(message.receivedAt);
    if (wantsBack(message.text)) {
      forget("contact", QUIET);
      notes.label("opted-back-in");
      return;
    }
    const last = recall<Last>("conversation", LAST);
    if (!last) return;
    notes.label("campaign-reply");
    notes.text("campaign", last.campaign);
    notes.text("variant", last.variant);
  },
};

/** The draft as this contact should get it, and when. */
function prepared(draft: OutboundDraft): DraftDecision {
  const campaign = attribute(draft.attributes, "campaign") ?? "none";
  const { variant, text } = choose(draft, campaign);
  const written = personal(text);
  if (!written.ok) return drop(written.missing);
  if (variant) {
    notes.text("variant", variant);
    remember("conversation", LAST, { campaign, variant } satisfies Last, 30 * DAY_MS);
  }
  const changes: DraftChange[] = [];
  if (written.text !== draft.text) changes.push({ tag: "text", val: written.text });
  const at = bestTime();
  if (at !== null) changes.push({ tag: "not-before", val: at });
  return changes.length > 0 ? { tag: "change", val: changes } : { tag: "send" };
}

function drop(reason: string): DraftDecision {
  return { tag: "drop", val: reason };
}
