// When a contact likes to read: learnt from the hours at which they replied, on the clock where they are.

import * as calendar from "signalbox:messaging/calendar@0.1.0";
import * as settings from "signalbox:messaging/settings@0.1.0";
import type { Timestamp } from "signalbox:messaging/types@0.1.0";
import { unlessRefused } from "../../../js-kit/errors.ts";
import { recall, remember } from "../../../js-kit/memory.ts";

/** How many replies fell into each hour of the day. */
const HOURS = "reply-hours";
/** With more than this, old replies lose weight: people change. */
const MANY = 40;

/** Counts a reply. */
export function observeReply(at: Timestamp): void {
  const local = unlessRefused(() => calendar.toLocal(at, null));
  // Nobody knows where the contact is.
  if (!local) return;
  const hours = counted();
  hours[local.hour] = (hours[local.hour] ?? 0) + 1;
  const kept = sum(hours) > MANY ? hours.map((count) => Math.floor(count / 2)) : hours;
  remember("contact", HOURS, kept);
}

/** When to send; null: now. */
export function bestTime(): Timestamp | null {
  const local = unlessRefused(() => calendar.toLocal(null, null));
  if (!local) return null;
  const [earliest, latest] = [setting("earliest-hour", 9), setting("latest-hour", 20)];
  const hours = counted();
  const isKnown = sum(hours) >= setting("replies-needed", 3);
  const hour = isKnown ? favourite(hours, earliest, latest) : nearest(local.hour, earliest, latest);
  if (hour === local.hour) return null;
  return calendar.toInstant({ tag: "next" }, hour, 0, null);
}

/** The hour with the most replies in it and around it, within the day. */
function favourite(hours: number[], earliest: number, latest: number): number {
  const weight = (hour: number) => 2 * (hours[hour] ?? 0) + (hours[hour - 1] ?? 0) + (hours[hour + 1] ?? 0);
  let best = earliest;
  for (let hour = earliest; hour < latest; hour++) {
    if (weight(hour) > weight(best)) best = hour;
  }
  return best;
}

function nearest(hour: number, earliest: number, latest: number): number {
  return hour >= earliest && hour < latest ? hour : earliest;
}

function counted(): number[] {
  const kept = recall<unknown>("contact", HOURS);
  const isWhole = Array.isArray(kept) && kept.length === 24 && kept.every((count) => Number.isInteger(count));
  return isWhole ? (kept as number[]) : Array.from({ length: 24 }, () => 0);
}

function sum(counts: number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function setting(name: string, otherwise: number): number {
  const value = Number(settings.get(name) ?? otherwise);
  return Number.isFinite(value) ? value : otherwise;
}
