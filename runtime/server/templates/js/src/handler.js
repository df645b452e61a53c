import * as outbox from "signalbox:messaging/outbox@0.1.0";
import * as settings from "signalbox:messaging/settings@0.1.0";
import { recall, remember } from "../kit/memory.ts";

/** @type {import("../kit/contract.ts").MessageHandler} */
export const messageHandler = {
  onMessage(_message) {
    const count = (recall("conversation", "count") ?? 0) + 1;
    remember("conversation", "count", count);
    const which = count === 1 ? "your first message" : `message ${count}`;
    outbox.reply(`${settings.get("greeting")}! That was ${which}.`);
  },
};
