// Says how often a contact wrote.
#include "message_hook.h"

#include <stdlib.h>
#include <string.h>

typedef exports_signalbox_messaging_message_handler_inbound_message_t message_t;
typedef exports_signalbox_messaging_message_handler_handler_error_t error_t;
typedef message_hook_string_t text_t;

#define TEXT(literal) ((text_t){(uint8_t *)(literal), sizeof(literal) - 1})

// A call that the host refuses is a mistake in this handler: trying again would not help.
static bool refused(error_t *error, const char *why) {
  error->tag = SIGNALBOX_MESSAGING_TYPES_HANDLER_ERROR_REJECT;
  message_hook_string_dup(&error->val.reject, why);
  return false;
}

// Adds to the end of a text, and has room for one byte more: of nothing at all, realloc may make NULL. printf does more, and
// would make the component four times as large.
static void add(text_t *text, text_t more) {
  text->ptr = realloc(text->ptr, text->len + more.len + 1);
  if (!text->ptr) abort();
  memcpy(text->ptr + text->len, more.ptr, more.len);
  text->len += more.len;
}

static void add_number(text_t *text, uint64_t n) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (uint8_t)('0' + n % 10);
  while (n /= 10);
  add(text, (text_t){digits + at, sizeof digits - at});
}

bool exports_signalbox_messaging_message_handler_on_message(message_t *message, error_t *error) {
  signalbox_messaging_types_call_error_t denied;
  signalbox_messaging_state_scope_t scope = {.tag = SIGNALBOX_MESSAGING_STATE_SCOPE_CONVERSATION};
  text_t key = TEXT("count"), name = TEXT("greeting"), greeting, reply = {0}, id;
  int64_t count;
  (void)message;
  if (!signalbox_messaging_state_increment(&scope, &key, 1, NULL, &count, &denied)) return refused(error, "increment");
  if (!signalbox_messaging_settings_get(&name, &greeting)) greeting = TEXT("Hello");
  add(&reply, greeting);
  add(&reply, TEXT("! That was "));
  if (count == 1) {
    add(&reply, TEXT("your first message"));
  } else {
    add(&reply, TEXT("message "));
    add_number(&reply, (uint64_t)count);
  }
  add(&reply, TEXT("."));
  return signalbox_messaging_outbox_reply(&reply, &id, &denied) || refused(error, "reply");
}
