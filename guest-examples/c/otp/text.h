// Texts: UTF-8, not terminated by a zero.
//
// Nothing is ever freed: every event has an instance of its own, which ends with it. What is returned to the host has to be
// allocated, though, since the bindings free that.
#ifndef TEXT_H
#define TEXT_H

#include "otp.h"

typedef otp_string_t text;

#define TEXT(literal) ((text){(uint8_t *)(literal), sizeof(literal) - 1})

bool text_is(text a, text b);
bool text_begins(text whole, text with);

// The part before the first `at`; `whole` becomes what is behind it, or empty.
text text_cut(text *whole, uint8_t at);

// A new text of two or three others.
text text_join(text a, text b, text c);

// A copy that the host may free.
text text_owned(text t);

// A whole number, or `otherwise` where it is none.
uint64_t text_number(text t, uint64_t otherwise);
text text_of_number(uint64_t n);

#endif
