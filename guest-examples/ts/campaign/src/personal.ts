// `{name}` is the contact's attribute of that name, `{name|friend}` has something to say where there is none.

import * as contacts from "signalbox:messaging/contacts@0.1.0";
import { attribute } from "../../../js-kit/contract.ts";

const PLACE = /\{([a-z][a-z0-9_-]*)(?:\|([^{}]*))?\}/g;
/** Longer than any name; what is longer isn't one. */
const MAX_VALUE = 60;

/** A text with all its places filled, or why it can't be. */
export type Written = { ok: true; text: string } | { ok: false; missing: string };

/** Fills a text's places. A text with a hole in it is never sent. */
export function personal(text: string): Written {
  if (!text.includes("{")) return { ok: true, text };
  const known = contacts.get(null).attributes;
  const missing: string[] = [];
  const filled = text.replace(PLACE, (_, name: string, instead: string | undefined) => {
    const value = proper(attribute(known, name)) ?? instead;
    if (value === undefined) missing.push(name);
    return value ?? "";
  });
  if (missing.length === 0) return { ok: true, text: filled };
  return { ok: false, missing: `nothing is known of the contact for ${missing.join(", ")}; write {name|something else}` };
}

/** Attributes are often what people typed into a form: one that holds a link, or a text, is no name. */
function proper(value: string | null): string | null {
  const plain = value?.replace(/[\p{Cc}{}]/gu, "").trim();
  if (!plain || plain.length > MAX_VALUE || /https?:|www\.|\b\w+\.(com|net|org|io|ly)\b/i.test(plain)) return null;
  return plain;
}
