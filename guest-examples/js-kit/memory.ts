// State as JSON. What is kept is forgotten unless the event succeeds, and reads see the event's own writes.

import * as state from "signalbox:messaging/state@0.1.0";
import { decode, encode } from "./utf8.ts";

/** Whose memory it is. */
export type Whose = "conversation" | "contact" | "tenant";

/** What was kept under a key, or null. What isn't JSON counts as nothing: a handler outlives the shape of its state. */
export function recall<T>(whose: Whose, key: string): T | null {
  const bytes = state.get({ tag: whose }, key);
  if (bytes === null) return null;
  try {
    return JSON.parse(decode(bytes)) as T;
  } catch {
    return null;
  }
}

/** Keeps a value under a key: for so many milliseconds, or until it is forgotten. */
export function remember(whose: Whose, key: string, value: unknown, forMs: number | null = null): void {
  state.set({ tag: whose }, key, encode(JSON.stringify(value)), forMs);
}

/** Forgets what is under a key. */
export function forget(whose: Whose, key: string): void {
  state.delete({ tag: whose }, key);
}
