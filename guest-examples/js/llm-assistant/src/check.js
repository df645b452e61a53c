// Whether what the model wrote may be sent. Each reason to refuse it has a name, which goes on the record; the text
// itself doesn't.

import { RULES } from "./model.js";
import { number, setting } from "./settings.js";

/** @typedef {{ ok: true, reply: string, wantsPerson: boolean } | { ok: false, why: string }} Verdict */

/** What follows a scheme, up to the path. */
const AUTHORITY = /\b([a-z][a-z0-9+.-]*):\/\/([^\s/?#]*)/gi;
/** What phones take for an address by itself: a name with an ending, a number of four parts. */
const NAME = /(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}/gu;
const NUMERIC = /\b\d{1,3}(?:\.\d{1,3}){3}\b/;
const OTHER_SCHEME = /\b(?:javascript|data|tel|sms|smsto|mailto|intent):/i;

/** Keys, tokens and card numbers, wherever the model has them from. */
const SECRETS = [
  /\b(?:sk|pk|rk|ghp|gho|xox[bp])[-_][A-Za-z0-9_-]{8,}/,
  /\bBearer\s+\S{8,}/i,
  /\beyJ[A-Za-z0-9_-]{10,}\./,
  /\bAKIA[0-9A-Z]{12,}/,
  /-----BEGIN/,
  /\b[0-9a-f]{32,}\b/i,
  /\b(?:password|passwort|api[ _-]?key|secret)\s*(?:is|:|=)\s*\S+/i,
];
const CARD = /\b(?:\d[ -]?){13,19}\b/;

/** What templates, markup and models' own machinery leave behind. */
const LEFTOVERS = /\{\{|\}\}|<\|?\/?[a-z_]+\|?>|\]\(|```|\*\*|\[(?:name|your|insert)[^\]]*\]/i;
/** A model that speaks of itself has lost the thread, or was led off it. */
const ASIDE = /\bas an? (?:AI|language model)\b|\bmy (?:instructions|system prompt)\b|\bsystem prompt\b/i;

/** So many characters of the instructions in a row are no chance. */
const TELLTALE = 30;

/**
 * Checks an answer: the object that was asked for, and nothing in it that must not be sent.
 * @param {string} text
 * @returns {Verdict}
 */
export function checked(text) {
  const answer = parsed(text);
  if (typeof answer?.reply !== "string") return refused("not-the-expected-json");
  const reply = answer.reply.replace(/\s+/g, " ").trim();
  const why = fault(reply);
  return why === null ? { ok: true, reply, wantsPerson: answer.person === true } : refused(why);
}

/**
 * The first thing that is wrong with a reply.
 * @param {string} reply
 * @returns {string | null}
 */
function fault(reply) {
  if (reply === "") return "empty";
  if (reply.length > number("max-characters")) return "too-long";
  // Invisible characters turn one address into another, and hide what the checks below look for.
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(reply.replaceAll("\u200d", ""))) return "invisible-characters";
  if (SECRETS.some((secret) => secret.test(reply)) || CARD.test(reply)) return "secret";
  if (!linksAreAllowed(reply)) return "link";
  if (LEFTOVERS.test(reply)) return "markup";
  if (ASIDE.test(reply) || repeatsInstructions(reply)) return "instructions";
  return null;
}

/**
 * Whether every address in a reply leads to one of our hosts.
 * @param {string} reply
 */
function linksAreAllowed(reply) {
  const hosts = setting("links").split(",").map((host) => host.trim().toLowerCase()).filter(Boolean);
  if (OTHER_SCHEME.test(reply) || NUMERIC.test(reply)) return false;
  for (const [, scheme, authority] of reply.matchAll(AUTHORITY)) {
    if (scheme?.toLowerCase() !== "https" || !hosts.includes((authority ?? "").toLowerCase())) return false;
  }
  // Behind an @ it is an address for mail, which leads elsewhere just as well.
  return [...reply.matchAll(NAME)].every(([host]) => hosts.includes(host.toLowerCase())) && !/\S@\S/.test(reply);
}

/**
 * Whether a reply tells a customer how the model was instructed. What it knows of the shop is for them.
 * @param {string} reply
 */
function repeatsInstructions(reply) {
  const [rules, lower] = [RULES.toLowerCase(), reply.toLowerCase()];
  for (let at = 0; at + TELLTALE <= rules.length; at++) {
    if (lower.includes(rules.slice(at, at + TELLTALE))) return true;
  }
  return false;
}

/**
 * @param {string} text
 * @returns {any}
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {string} why
 * @returns {Verdict}
 */
function refused(why) {
  return { ok: false, why };
}
