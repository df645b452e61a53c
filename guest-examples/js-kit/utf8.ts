// Text as bytes and back. QuickJS has no TextEncoder.

/** A text in UTF-8. Half a surrogate pair becomes U+FFFD. */
export function encode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text.toWellFormed()) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return Uint8Array.from(bytes);
}

/** A text out of UTF-8. What isn't UTF-8 becomes U+FFFD. */
export function decode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = character(bytes, at);
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}

const UNKNOWN = 0xfffd;

function tail(code: number): number {
  return 0x80 | (code & 0x3f);
}

/** The character at a place, and how many bytes it takes. */
function character(bytes: Uint8Array, at: number): [number, number] {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return [first, 1];
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return [UNKNOWN, 1];
  let code = first & (0x7f >> length);
  for (let n = 1; n < length; n++) {
    const next = bytes[at + n];
    if (next === undefined || (next & 0xc0) !== 0x80) return [UNKNOWN, n];
    code = (code << 6) | (next & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  const isWhole = code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return [isWhole ? code : UNKNOWN, length];
}
