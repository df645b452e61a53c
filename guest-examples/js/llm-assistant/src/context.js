// What was said so far, for as long as the talk lasts.

import { recall, remember } from "../../../js-kit/memory.ts";

/** @typedef {{ role: "user" | "assistant", content: string }} Turn */

const KEY = "turns";
/** After this silence a talk is another one. */
const KEPT_MS = 6 * 60 * 60 * 1_000;
/** Five exchanges: what a text message refers to is never further back. */
const MOST_TURNS = 10;
/** A long message is cut here: a model is paid by the word. */
const MOST_CHARACTERS = 600;

/**
 * The turns so far, oldest first.
 * @returns {Turn[]}
 */
export function turns() {
  return recall("conversation", KEY) ?? [];
}

/**
 * Adds an exchange.
 * @param {string} said
 * @param {string} reply
 */
export function keep(said, reply) {
  /** @type {Turn[]} */
  const added = [...turns(), { role: "user", content: cut(said) }, { role: "assistant", content: reply }];
  remember("conversation", KEY, added.slice(-MOST_TURNS), KEPT_MS);
}

/**
 * A message as long as a model may get it.
 * @param {string} text
 */
export function cut(text) {
  return text.slice(0, MOST_CHARACTERS).toWellFormed();
}
