// STOP, and what plainly means it, is the host's to obey. This is for what is said more softly.

const NAMES = "(?:messages?|texts?|offers?|ads?|these|this|those|them|it|spam|promos?|promotions?|reminders?)";
const ANY = "(?:any |more |any more |your |of |these |such |such a )*";

const WISHES = [
  new RegExp(`\\b(?:stop(?! by\\b)|quit|cease|end)\\b.*\\b(?:texting|messaging|sending|writing|contacting|bothering|${NAMES})\\b`),
  new RegExp(`\\bno more ${ANY}${NAMES}\\b`),
  new RegExp(`\\b(?:don'?t|do not|no longer) (?:want|wish|need) (?:to (?:get|receive|see|read) )?${ANY}${NAMES}\\b`),
  new RegExp(`\\b(?:rather not|prefer not to) (?:get|receive|see|have) ${ANY}${NAMES}\\b`),
  /\b(?:don'?t|do not|please never) (?:text|message|write|contact|bother|send)\b/,
  /\b(?:rather not|prefer not to|don'?t want to) (?:be (?:texted|messaged|contacted)|hear from you)\b/,
  /\b(?:take|remove|delete|drop) me (?:off|from)\b/,
  /\b(?:take|remove|delete) my (?:number|name)\b/,
  /\bleave me (?:alone|in peace)\b/,
  /\b(?:not|no longer|never) interested\b(?!.*\bbut\b)/,
  new RegExp(`\\bno need (?:for|to send) ${ANY}${NAMES}\\b`),
  /\b(?:no|not (?:of )?any) use (?:to|for) me\b/,
  /\bwrong number\b/,
];

/** The words of a wish, and the opposite meant. */
const OPPOSITES = /\b(?:don'?t|do not|never|please don'?t|can'?t) stop\b|\bkeep (?:them|these|it|those)? ?coming\b/;

const BACK = /\b(?:send|text|message|write|sign)\b.*\b(?:me|us)\b.*\b(?:again|after all|up)\b|\bchanged my mind\b/;

/** Whether a text asks us to write no more. In doubt it does: an offer too few annoys nobody. */
export function wantsQuiet(text: string): boolean {
  const plain = plainly(text);
  return !OPPOSITES.test(plain) && !wantsBack(text) && WISHES.some((wish) => wish.test(plain));
}

/** Whether a text asks for offers again. */
export function wantsBack(text: string): boolean {
  const plain = plainly(text);
  return BACK.test(plain) && !/\b(?:don'?t|do not|never|stop|no more|no longer)\b/.test(plain);
}

function plainly(text: string): string {
  return text.toLowerCase().replace(/[’‘`]/g, "'").replace(/\s+/g, " ");
}
