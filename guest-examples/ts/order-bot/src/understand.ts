// What a message wants, by plain words: an order is too short for anything cleverer.

import type { Stage } from "./order.ts";

/** One thing to be put into the cart, or to be taken out. */
export interface Change {
  item: string;
  /** Null where no number was said. */
  count: number | null;
  out: boolean;
}

/** What a message wants. */
export type Intent =
  | { kind: "change"; changes: Change[] }
  | { kind: "menu" | "show" | "checkout" | "yes" | "clear" | "paid" | "unclear" };

const NUMBERS: Record<string, number> = {
  a: 1, an: 1, one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10,
};
/** Words that take something out again. */
const REMOVE = /\b(?:no|remove|without|drop|minus|less|take out|take off|not the)\b/;

/** Tried in this order; what names an item comes before all of them. */
const WORDS: [Exclude<Intent["kind"], "change" | "unclear">, RegExp][] = [
  // CANCEL is not among these: it is one of the words for STOP, which the host obeys before any handler.
  ["clear", /\b(?:clear|empty (?:it|my|the)|forget it|never ?mind|start over)\b/],
  ["paid", /\b(?:paid|i've payed|payment (?:is )?(?:done|made|sent))\b/],
  ["checkout", /\b(?:pay|checkout|check out|order now|that'?s (?:all|it)|done|bill)\b/],
  ["menu", /\b(?:menu|hi|hello|hey|what (?:do you have|is there)|prices?)\b/],
  ["show", /\b(?:cart|basket|my order|total|how much)\b/],
];
const YES = /^\W*(?:yes|y|yep|yeah|yup|sure|ok|okay|go ahead|please do|si|oui)\b/;

/** Understands a message. */
export function understand(text: string, stage: Stage, menu: Map<string, number>): Intent {
  const plain = text.toLowerCase().replace(/[\u2018\u2019]/g, "'");
  const changes = clauses(plain).flatMap((clause) => named(clause, menu));
  if (changes.length > 0) return { kind: "change", changes };
  if (stage === "confirming" && YES.test(plain)) return { kind: "yes" };
  const found = WORDS.find(([, words]) => words.test(plain));
  return { kind: found ? found[0] : YES.test(plain) ? "yes" : "unclear" };
}

/** "2 teas, but no cake" says two things. */
function clauses(text: string): string[] {
  return text.split(/[,.;!?\n]|\b(?:and|but|plus|also)\b/);
}

/** The items that a clause names, each with the number before it. */
function named(text: string, menu: Map<string, number>): Change[] {
  const found: Change[] = [];
  for (const item of menu.keys()) {
    const name = item.replace(/[-\s]+/g, "[-\\s]+");
    const match = new RegExp(`(?:(\\d{1,2}|[a-z]+)\\s*(?:x\\s*|cups? of |pieces? of )?)?\\b${name}(?:e?s)?\\b`).exec(text);
    if (match) found.push({ item, count: numberOf(match[1]), out: REMOVE.test(text) });
  }
  return found;
}

function numberOf(word: string | undefined): number | null {
  if (word === undefined) return null;
  return /^\d+$/.test(word) ? Number(word) : (NUMBERS[word] ?? null);
}
