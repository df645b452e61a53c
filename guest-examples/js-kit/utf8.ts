// Text as bytes and back. QuickJS has no TextEncoder, and a loop over a text's characters takes a hundred times as long
// as what the engine has built in: so UTF-8 goes by way of URLs, which are made of it, and bytes by way of base64.

/** Built in, but not on the list of the language that the compiler has. */
declare function btoa(bytes: string): string;
declare function atob(base64: string): string;
interface Base64 {
  fromBase64(base64: string): Uint8Array;
}
interface AsBase64 {
  toBase64(): string;
}

/** A text in UTF-8. Half a surrogate pair becomes U+FFFD. */
export function encode(text: string): Uint8Array {
  const bytes = unescape(encodeURIComponent(text.toWellFormed()));
  return (Uint8Array as unknown as Base64).fromBase64(btoa(bytes));
}

/** A text out of UTF-8. What isn't UTF-8 becomes U+FFFD. */
export function decode(bytes: Uint8Array): string {
  const text = atob((bytes as unknown as AsBase64).toBase64());
  if (ASCII.test(text)) return text;
  try {
    return decodeURIComponent(escape(text));
  } catch {
    return mended(bytes);
  }
}

const ASCII = /^[\x00-\x7f]*$/;

/** Character by character, for what isn't UTF-8 all through. */
function mended(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = character(bytes, at);
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}

const UNKNOWN = 0xfffd;

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
