// The host's functions in fewer words. Those that can be refused say so and keep the reason for the answer.
#ifndef HOST_H
#define HOST_H

#include "text.h"

// A setting; `otherwise` where there is none.
text host_setting(text name, text otherwise);

// The contact's counter under this key, one higher than it was. It is forgotten after `ttl_ms`.
bool host_count(text key, uint64_t ttl_ms, int64_t *count);

// What is remembered in this conversation. An empty text is what nothing is.
bool host_remember(text key, text value, uint64_t ttl_ms);
bool host_recall(text key, text *value);
bool host_forget(text key);

// A code to the contact of this conversation, by way of our own draft handler, which takes the route from the tag.
bool host_send(text body, uint64_t valid_ms, text route);

bool host_label(text name);
void host_warn(text line);

// The refusal of the last call, as the answer of a handler: trying again would not help.
signalbox_messaging_types_handler_error_t host_refusal(void);

#endif
