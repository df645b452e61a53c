#include "host.h"

#include <stdlib.h>

static signalbox_messaging_types_call_error_t refused;

static signalbox_messaging_state_scope_t CONVERSATION = {.tag = SIGNALBOX_MESSAGING_STATE_SCOPE_CONVERSATION};
static signalbox_messaging_state_scope_t CONTACT = {.tag = SIGNALBOX_MESSAGING_STATE_SCOPE_CONTACT};

text host_setting(text name, text otherwise) {
  text value;
  return signalbox_messaging_settings_get(&name, &value) && value.len ? value : otherwise;
}

bool host_count(text key, uint64_t ttl_ms, int64_t *count) {
  return signalbox_messaging_state_increment(&CONTACT, &key, 1, &ttl_ms, count, &refused);
}

bool host_remember(text key, text value, uint64_t ttl_ms) {
  otp_list_u8_t bytes = {value.ptr, value.len};
  return signalbox_messaging_state_set(&CONVERSATION, &key, &bytes, &ttl_ms, &refused);
}

bool host_recall(text key, text *value) {
  otp_option_list_u8_t found;
  if (!signalbox_messaging_state_get(&CONVERSATION, &key, &found, &refused)) return false;
  *value = found.is_some ? (text){found.val.ptr, found.val.len} : TEXT("");
  return true;
}

bool host_forget(text key) { return signalbox_messaging_state_delete(&CONVERSATION, &key, &refused); }

bool host_send(text body, uint64_t valid_ms, text route) {
  signalbox_messaging_outbox_send_option_t options[] = {
      {.tag = SIGNALBOX_MESSAGING_OUTBOX_SEND_OPTION_CATEGORY, .val.category = TEXT("otp")},
      {.tag = SIGNALBOX_MESSAGING_OUTBOX_SEND_OPTION_VALID_FOR, .val.valid_for = valid_ms},
      {.tag = SIGNALBOX_MESSAGING_OUTBOX_SEND_OPTION_TAG, .val.tag = {.name = TEXT("otp-route"), .value = route}},
  };
  signalbox_messaging_outbox_outgoing_message_t message = {
      .text = body, .options = {.ptr = options, .len = sizeof options / sizeof *options}};
  text id;
  return signalbox_messaging_outbox_send(&message, &id, &refused);
}

bool host_label(text name) { return signalbox_messaging_notes_label(&name, &refused); }

void host_warn(text line) { signalbox_messaging_log_write(SIGNALBOX_MESSAGING_LOG_LEVEL_WARN, &line); }

signalbox_messaging_types_handler_error_t host_refusal(void) {
  return (signalbox_messaging_types_handler_error_t){
      .tag = SIGNALBOX_MESSAGING_TYPES_HANDLER_ERROR_REJECT,
      // All its cases are a text. It came allocated, and goes on as it is.
      .val.reject = refused.val.other,
  };
}
