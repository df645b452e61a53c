// Says how often a contact wrote.
#include "message_hook.h"

#include <stdio.h>
#include <string.h>

typedef exports_signalbox_messaging_message_handler_inbound_message_t message_t;
typedef exports_signalbox_messaging_message_handler_handler_error_t error_t;

// A call that the host refuses is a mistake in this handler: trying again would not help.
static bool refused(error_t *error, const char *why) {
  error->tag = SIGNALBOX_MESSAGING_TYPES_HANDLER_ERROR_REJECT;
  message_hook_string_dup(&error->val.reject, why);
  return false;
}

bool exports_signalbox_messaging_message_handler_on_message(message_t *message, error_t *error) {
  signalbox_messaging_types_call_error_t denied;
  signalbox_messaging_state_scope_t scope = {.tag = SIGNALBOX_MESSAGING_STATE_SCOPE_CONVERSATION};
  message_hook_string_t key, name, greeting, id, reply;
  int64_t count;
  (void)message;
  message_hook_string_set(&key, "count");
  if (!signalbox_messaging_state_increment(&scope, &key, 1, NULL, &count, &denied)) return refused(error, "increment");
  message_hook_string_set(&name, "greeting");
  if (!signalbox_messaging_settings_get(&name, &greeting)) message_hook_string_set(&greeting, "Hello");
  char which[32] = "your first message";
  if (count != 1) snprintf(which, sizeof which, "message %lld", (long long)count);
  char text[256];
  snprintf(text, sizeof text, "%.*s! That was %s.", (int)greeting.len, (const char *)greeting.ptr, which);
  message_hook_string_set(&reply, text);
  return signalbox_messaging_outbox_reply(&reply, &id, &denied) || refused(error, "reply");
}
