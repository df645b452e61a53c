// HTTP to the hosts that `handler.toml` names, and that the operator granted.

import * as http from "signalbox:messaging/http@0.1.0";
import { decode, encode } from "./utf8.ts";

/** A request with JSON in it, or without a body. */
export interface Ask {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  json?: unknown;
  headers?: Record<string, string>;
  /** Give up after this time; never more than the host allows. */
  timeoutMs?: number;
}

/** An answer, or why there is none. */
export type Answer =
  | { ok: true; status: number; text: string; json: unknown }
  | { ok: false; why: "denied" | "dns" | "refused" | "timeout" | "too-large" | "status" | "other"; detail: string };

/** Asks, and waits. It throws nothing: every way in which it can fail is an answer. */
export function ask(request: Ask): Answer {
  const headers = Object.entries(request.headers ?? {}).map(([name, value]) => ({ name, value }));
  if (request.json !== undefined) headers.push({ name: "content-type", value: "application/json" });
  const body = request.json === undefined ? new Uint8Array() : encode(JSON.stringify(request.json));
  const options: http.RequestOption[] = [];
  if (request.timeoutMs !== undefined) options.push({ tag: "timeout", val: request.timeoutMs });
  try {
    const { status, body: bytes } = http.fetch({ method: request.method, url: request.url, headers, body, options });
    const text = decode(bytes);
    if (status < 200 || status > 299) return { ok: false, why: "status", detail: String(status) };
    return { ok: true, status, text, json: parsed(text) };
  } catch (error) {
    const failure = failureIn(error);
    if (!failure) throw error;
    return { ok: false, why: failure.tag, detail: failure.val };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failureIn(error: unknown): http.Failure | null {
  return error instanceof Error && "payload" in error ? (error.payload as http.Failure) : null;
}
