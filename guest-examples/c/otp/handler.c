// One-time codes: the smallest message by the fastest route, another route if that one fails, and a rate per contact.
//
//   draft    a code is counted, brought into one segment, given its route, and remembered while it is good
//   receipt  delivered: forgotten. Undelivered: sent once more, by the next route
#include "host.h"
#include "slim.h"

#include <stdlib.h>

typedef exports_signalbox_messaging_draft_handler_outbound_draft_t draft_t;
typedef exports_signalbox_messaging_draft_handler_draft_decision_t decision_t;
typedef exports_signalbox_messaging_draft_handler_draft_change_t change_t;
typedef exports_signalbox_messaging_draft_handler_handler_error_t error_t;
typedef exports_signalbox_messaging_receipt_handler_receipt_t receipt_t;

enum { MINUTE_MS = 60 * 1000 };

static text sent_key(text id) { return text_join(TEXT("sent/"), id, TEXT("")); }

static uint64_t minutes_ms(text setting, uint64_t otherwise) {
  uint64_t minutes = text_number(host_setting(setting, TEXT("")), otherwise);
  return (minutes ? minutes : 1) * MINUTE_MS;
}

static text attribute(const draft_t *draft, text name) {
  for (size_t i = 0; i < draft->attributes.len; i++)
    if (text_is(draft->attributes.ptr[i].name, name)) return draft->attributes.ptr[i].value;
  return TEXT("");
}

static bool has_route(text routes, text wanted) {
  while (routes.len)
    if (text_is(text_cut(&routes, ','), wanted)) return true;
  return false;
}

// The route that is none of `but`.
static text other_route(text routes, text but) {
  while (routes.len) {
    text route = text_cut(&routes, ',');
    if (!text_is(route, but)) return route;
  }
  return TEXT("");
}

static text small_text(text body) {
  if (slim_fits(body)) return body;
  text slim = slim_down(body);
  if (slim_fits(slim)) return slim;
  text code = slim_code(slim);
  if (!code.len) {
    host_warn(TEXT("a code's text doesn't fit into one segment, and has no code that could be sent instead"));
    return slim;
  }
  text after = host_setting(TEXT("short-text"), TEXT("{code} is your code. Don't share it with anyone."));
  text before = text_cut(&after, '{');
  if (!text_begins(after, TEXT("code}"))) return slim;
  after.ptr += 5, after.len -= 5;
  return text_join(before, code, after);
}

static void changed(decision_t *decision, text body, text route) {
  change_t *changes = calloc(2, sizeof *changes);
  if (!changes) abort();
  changes[0].tag = EXPORTS_SIGNALBOX_MESSAGING_DRAFT_HANDLER_DRAFT_CHANGE_TEXT;
  changes[0].val.text = text_owned(body);
  changes[1].tag = EXPORTS_SIGNALBOX_MESSAGING_DRAFT_HANDLER_DRAFT_CHANGE_ROUTE;
  changes[1].val.route = text_owned(route);
  decision->tag = EXPORTS_SIGNALBOX_MESSAGING_DRAFT_HANDLER_DRAFT_DECISION_CHANGE;
  decision->val.change.ptr = changes;
  decision->val.change.len = route.len ? 2 : 1;
}

static void dropped(decision_t *decision, text why) {
  decision->tag = EXPORTS_SIGNALBOX_MESSAGING_DRAFT_HANDLER_DRAFT_DECISION_DROP;
  decision->val.drop = text_owned(why);
}

// Counts the code. Windows are numbered from 1970: a counter that is kept alive by every try would lock a contact out.
static bool within_rate(const draft_t *draft, bool *within) {
  uint64_t window_ms = minutes_ms(TEXT("window-minutes"), 60);
  text window = text_of_number(draft->accepted_at / 1000 / window_ms);
  int64_t count = 0;
  if (!host_count(text_join(TEXT("codes/"), window, TEXT("")), window_ms, &count)) return false;
  *within = (uint64_t)count <= text_number(host_setting(TEXT("codes-most"), TEXT("")), 5);
  return true;
}

// A first sending: counted, made small, given the fast route, remembered with its routes and its end.
static bool first_draft(const draft_t *draft, decision_t *decision) {
  bool within = false;
  if (!within_rate(draft, &within)) return false;
  if (!within) {
    dropped(decision, TEXT("this contact was sent too many codes within the window"));
    return host_label(TEXT("rate"));
  }
  text body = small_text(draft->text), routes = attribute(draft, TEXT("routes")), rest = routes;
  text route = host_setting(TEXT("fast-route"), TEXT(""));
  if (!has_route(routes, route)) route = text_cut(&rest, ',');
  uint64_t valid_ms = minutes_ms(TEXT("valid-minutes"), 5);
  text end = text_of_number(draft->accepted_at + valid_ms * 1000);
  text memory = text_join(text_join(end, TEXT("\n"), other_route(routes, route)), TEXT("\n"), body);
  changed(decision, body, route);
  return host_remember(sent_key(draft->id), memory, valid_ms);
}

bool exports_signalbox_messaging_draft_handler_on_draft(draft_t *draft, decision_t *decision, error_t *error) {
  decision->tag = EXPORTS_SIGNALBOX_MESSAGING_DRAFT_HANDLER_DRAFT_DECISION_SEND;
  if (!text_is(draft->category, TEXT("otp"))) return true;
  bool ours = text_is(draft->origin, TEXT("handler"));
  text again = ours ? attribute(draft, TEXT("tag.otp-route")) : TEXT("");
  if (again.len) {
    // Sent again: it was counted and made small before. Its route may have gone meanwhile.
    if (has_route(attribute(draft, TEXT("routes")), again)) changed(decision, draft->text, again);
    return true;
  }
  if (first_draft(draft, decision)) return true;
  *error = host_refusal();
  return false;
}

// Whether another route could do better. It can't where the fault is the recipient's or the sender's own.
static bool another_route_may_help(const receipt_t *receipt) {
  if (!text_is(receipt->status, TEXT("undelivered")) && !text_is(receipt->status, TEXT("failed"))) return false;
  text why = receipt->error_class.is_some ? receipt->error_class.val : TEXT("unknown");
  static const text HOPELESS[] = {TEXT("dest.invalid"), TEXT("dest.not_mobile"), TEXT("dest.deactivated"),
                                  TEXT("consent."), TEXT("sender.")};
  for (size_t i = 0; i < sizeof HOPELESS / sizeof *HOPELESS; i++)
    if (text_begins(why, HOPELESS[i])) return false;
  return true;
}

static bool settled(const receipt_t *receipt) {
  text key = sent_key(receipt->message), memory;
  if (!host_recall(key, &memory)) return false;
  // Not one of ours, sent again already, or its code is no longer good.
  if (!memory.len) return true;
  if (!host_forget(key)) return false;
  if (text_is(receipt->status, TEXT("delivered"))) return true;
  uint64_t end = text_number(text_cut(&memory, '\n'), 0);
  text route = text_cut(&memory, '\n');
  if (receipt->changed_at >= end || !another_route_may_help(receipt)) return host_label(TEXT("gave-up"));
  if (!route.len) return host_label(TEXT("no-other-route"));
  return host_send(memory, (end - receipt->changed_at) / 1000 + 1, route) && host_label(TEXT("sent-again"));
}

bool exports_signalbox_messaging_receipt_handler_on_receipt(receipt_t *receipt, error_t *error) {
  if (!receipt->final || settled(receipt)) return true;
  *error = host_refusal();
  return false;
}
