// Asks a language model for an answer. What comes back is somebody else's text until it was checked.

import * as log from "signalbox:messaging/log@0.1.0";
import * as notes from "signalbox:messaging/notes@0.1.0";
import * as outbox from "signalbox:messaging/outbox@0.1.0";
import { checked } from "./check.js";
import { keep, turns } from "./context.js";
import { complete } from "./model.js";
import { setting } from "./settings.js";

/** Who asks for a person gets one; that isn't the model's to decide. */
const PERSON = /\b(?:agent|human|a person|somebody real|real person|representative)\b/i;

/** @type {import("../../../js-kit/contract.ts").MessageHandler} */
export const messageHandler = {
  onMessage(message) {
    const said = message.text.trim();
    if (said === "" || PERSON.test(said)) return handOver(said === "" ? "no-text" : "asked-for-a-person");
    const completion = complete(turns(), said);
    if (!completion.ok) return handOver(completion.why);
    const verdict = checked(completion.text);
    if (!verdict.ok) return handOver(verdict.why);
    // Only what was checked is remembered: the model must not build on what nobody was told.
    keep(said, verdict.reply);
    notes.label("answered");
    if (verdict.wantsPerson) notes.label("needs-a-person");
    outbox.reply(verdict.reply);
  },
};

/**
 * The same words whatever went wrong: a person reads on.
 * @param {string} why
 */
function handOver(why) {
  notes.label("needs-a-person");
  notes.text("fallback-because", why);
  log.write("warn", `fell back: ${why}`);
  outbox.reply(setting("fallback"));
}
