#include "text.h"

#include <stdlib.h>
#include <string.h>

bool text_is(text a, text b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

bool text_begins(text whole, text with) {
  return whole.len >= with.len && memcmp(whole.ptr, with.ptr, with.len) == 0;
}

text text_cut(text *whole, uint8_t at) {
  uint8_t *found = memchr(whole->ptr, at, whole->len);
  text first = *whole;
  if (!found) {
    *whole = TEXT("");
    return first;
  }
  first.len = (size_t)(found - whole->ptr);
  *whole = (text){found + 1, whole->len - first.len - 1};
  return first;
}

text text_join(text a, text b, text c) {
  text all = {malloc(a.len + b.len + c.len + 1), a.len + b.len + c.len};
  // The host ends the event where memory is used up; it is never less than this.
  if (!all.ptr) abort();
  memcpy(all.ptr, a.ptr, a.len);
  memcpy(all.ptr + a.len, b.ptr, b.len);
  memcpy(all.ptr + a.len + b.len, c.ptr, c.len);
  return all;
}

text text_owned(text t) { return text_join(t, TEXT(""), TEXT("")); }

uint64_t text_number(text t, uint64_t otherwise) {
  uint64_t n = 0;
  if (t.len == 0 || t.len > 18) return otherwise;
  for (size_t i = 0; i < t.len; i++) {
    if (t.ptr[i] < '0' || t.ptr[i] > '9') return otherwise;
    n = n * 10 + (t.ptr[i] - '0');
  }
  return n;
}

text text_of_number(uint64_t n) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (uint8_t)('0' + n % 10);
  while (n /= 10);
  return text_owned((text){digits + at, sizeof digits - at});
}
