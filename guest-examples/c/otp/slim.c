#include "slim.h"

#include <string.h>

enum { SEGMENT = 160 };

// What the 7-bit alphabet has beyond ASCII (3GPP TS 23.038, 6.2.1), in ascending order.
static const uint16_t BEYOND[] = {
    0x00A1, 0x00A3, 0x00A4, 0x00A5, 0x00A7, 0x00BF, 0x00C4, 0x00C5, 0x00C6, 0x00C7, 0x00C9, 0x00D1, 0x00D6, 0x00D8,
    0x00DC, 0x00DF, 0x00E0, 0x00E4, 0x00E5, 0x00E6, 0x00E8, 0x00E9, 0x00EC, 0x00F1, 0x00F2, 0x00F6, 0x00F8, 0x00F9,
    0x00FC, 0x0393, 0x0394, 0x0398, 0x039B, 0x039E, 0x03A0, 0x03A3, 0x03A6, 0x03A8, 0x03A9,
};

// The character at *at, which moves behind it. The host gives valid UTF-8.
static uint32_t next_character(text t, size_t *at) {
  uint8_t first = t.ptr[(*at)++];
  if (first < 0x80) return first;
  int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  uint32_t c = first & (0x3F >> more);
  while (more-- && *at < t.len) c = c << 6 | (t.ptr[(*at)++] & 0x3F);
  return c;
}

// Septets that a character takes; 0 where it isn't in the alphabet.
static size_t septets(uint32_t c) {
  if (c == 0x20AC) return 2;
  if (c < 0x80) {
    if (c == '`' || (c < ' ' && c != '\n' && c != '\r') || c == 0x7F) return 0;
    return strchr("^{}\\[]~|", (int)c) && c ? 2 : 1;
  }
  for (size_t i = 0; i < sizeof BEYOND / sizeof *BEYOND; i++)
    if (BEYOND[i] == c) return 1;
  return 0;
}

bool slim_fits(text t) {
  size_t sum = 0;
  for (size_t at = 0; at < t.len;) {
    size_t n = septets(next_character(t, &at));
    if (n == 0 || (sum += n) > SEGMENT) return false;
  }
  return true;
}

text slim_down(text t) {
  text slim = text_owned(t);
  size_t len = 0;
  for (size_t at = 0; at < t.len; at++) {
    bool blank = t.ptr[at] == ' ' || t.ptr[at] == '\t';
    // Line ends stay: phones find codes by the form of the last line.
    if (blank && (len == 0 || slim.ptr[len - 1] == ' ' || slim.ptr[len - 1] == '\n')) continue;
    slim.ptr[len++] = blank ? ' ' : t.ptr[at];
  }
  while (len && slim.ptr[len - 1] == ' ') len--;
  slim.len = len;
  return slim;
}

static size_t digits_at(text t, size_t at) {
  size_t n = 0;
  while (at + n < t.len && t.ptr[at + n] >= '0' && t.ptr[at + n] <= '9') n++;
  return n;
}

text slim_code(text t) {
  for (size_t at = 0; at < t.len;) {
    size_t n = digits_at(t, at);
    if (n == 3 && at + 3 < t.len && t.ptr[at + 3] == '-' && digits_at(t, at + 4) == 3) return (text){t.ptr + at, 7};
    if (n >= 4 && n <= 8) return (text){t.ptr + at, n};
    at += n ? n : 1;
  }
  return TEXT("");
}
