//! One story a file.

#![allow(clippy::unwrap_used, reason = "a story that can't go on fails, and says where")]

mod a_campaign_is_registered;
mod a_carrier_misbehaves;
mod a_carrier_speaks_tls;
mod a_crash_keeps_every_promise;
mod a_developer_changes_a_handler;
mod a_developer_invokes_a_handler;
mod a_drain_loses_nothing;
mod a_full_disk_loses_nothing;
mod a_handler_answers;
mod a_handler_calls_out;
mod a_handler_is_watched;
mod a_house_that_cant_start_says_why;
mod a_message_is_sent_receipted_recorded_and_told;
mod a_new_project_builds_and_passes;
mod bad_components_are_refused;
mod bad_requests_are_told_what_is_wrong;
mod bodies_are_sealed_and_erased;
mod events_are_parked_and_tried_again;
mod every_described_route_answers;
mod every_limit_is_told;
mod every_recorded_run_replays;
mod examples;
mod handlers_by_the_command_line;
mod huge_and_slow_bodies_are_cut_off;
mod idempotency_over_a_restart;
mod lists_hold_back_whom_they_name;
mod our_client_speaks_to_the_npm_smsc;
mod scheduled_messages_survive_a_restart;
mod stop_means_stop;
mod tenants_do_not_see_each_other;
mod the_python_client_speaks_to_our_smsc;
mod versions_come_and_go;
