// How calls fail, and how a handler says that it couldn't do its work: `throw retry(5_000)`.

import type { CallError, HandlerError } from "signalbox:messaging/types@0.1.0";

/** Try the event again, after so many milliseconds or when the host sees fit. */
export function retry(afterMs: number | null = null): HandlerError {
  return { tag: "retry", val: afterMs };
}

/** Park the event: trying again would not help. */
export function reject(reason: string): HandlerError {
  return { tag: "reject", val: reason };
}

/** What a call answers, or null where the host refuses it. Anything else that goes wrong is thrown on. */
export function unlessRefused<T>(call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    if (refusalIn(error)) return null;
    throw error;
  }
}

/** Why the host refused a call, if that is what an error tells: its payload is what the call returns as `err`. */
export function refusalIn(error: unknown): CallError | null {
  const payload = error instanceof Error && "payload" in error ? (error.payload as CallError) : null;
  return payload && ["invalid", "denied"].includes(payload.tag) ? payload : null;
}
