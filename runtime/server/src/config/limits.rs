//! `[limits]`, `[api]`, `[handlers]`, `[webhooks]`: bounds, each with a default that fits most houses.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use {signalbox_api as api, signalbox_engine as engine, signalbox_webhooks as webhooks};

use super::secret::Surroundings;
use super::{Config, Outbound};
use signalbox_forms::Section;

/// Sets `to` if the key is there.
fn count<T: TryFrom<u64>>(section: &Section<'_, '_>, key: &'static str, most: u64, to: &mut T) {
    if let Some(value) = section.number(key, 1..=most).and_then(|placed| T::try_from(placed.value).ok()) {
        *to = value;
    }
}

fn duration(section: &Section<'_, '_>, key: &'static str, to: &mut Duration) {
    if let Some(value) = section.duration(key) {
        if value.is_zero() {
            section.complain_at(key, "must be longer than nothing");
        }
        *to = value;
    }
}

fn bytes(section: &Section<'_, '_>, key: &'static str, to: &mut usize) {
    if let Some(value) = section.bytes(key).and_then(|placed| usize::try_from(placed.value).ok()) {
        *to = value;
    }
}

/// The least time for which the API promises to know an idempotency key.
const IDEMPOTENCY_LEAST: Duration = Duration::from_secs(24 * 3_600);

/// The least address space in which a compiler gets anywhere.
const COMPILE_LEAST: u64 = 512 << 20;

/// `[limits]`.
pub fn path(section: Section<'_, '_>, limits: &mut engine::Config) {
    count(&section, "max_waiting", 100_000_000, &mut limits.max_waiting);
    count(&section, "max_steps", 16_384, &mut limits.max_steps);
    count(&section, "max_steps_per_tenant", 16_384, &mut limits.max_steps_per_tenant);
    count(&section, "hot_messages", 10_000_000, &mut limits.hot_messages);
    count(&section, "counted_people", 100_000_000, &mut limits.counted_people);
    count(&section, "max_write_ahead", 10_000, &mut limits.max_write_ahead);
    duration(&section, "busy_wait", &mut limits.busy_wait);
    duration(&section, "busy_wait_most", &mut limits.busy_wait_most);
    count(&section, "max_busy", 4_000, &mut limits.max_busy);
    count(&section, "max_resends", 100, &mut limits.max_resends);
    duration(&section, "failover_after", &mut limits.failover_after);
    count(&section, "max_attempts", 100, &mut limits.max_attempts);
    count(&section, "breaker_failures", 1_000_000, &mut limits.breaker_failures);
    duration(&section, "breaker_wait", &mut limits.breaker_wait);
    duration(&section, "breaker_wait_most", &mut limits.breaker_wait_most);
    count(&section, "rollback_least", 1_000, &mut limits.rollback_least);
    count(&section, "rollback_percent", 100, &mut limits.rollback_percent);
    duration(&section, "rollback_window", &mut limits.rollback_window);
    duration(&section, "rollback_watch", &mut limits.rollback_watch);
    count(&section, "max_shadows", 1_024, &mut limits.max_shadows);
    duration(&section, "usage_flush", &mut limits.usage_flush);
    count(&section, "max_depth", 100, &mut limits.max_depth);
    duration(&section, "cascade_rest", &mut limits.cascade_rest);
    count(&section, "handler_messages_per_minute", 1_000_000, &mut limits.handler_messages_per_minute);
    duration(&section, "retry_wait_most", &mut limits.retry_wait_most);
    count(&section, "max_parked_receipts", 10_000_000, &mut limits.max_parked_receipts);
    count(&section, "max_text_chars", 39_015, &mut limits.max_text_chars);
    count(&section, "max_segments", 255, &mut limits.max_segments);
    count(&section, "max_batch", 10_000, &mut limits.max_batch);
    duration(&section, "reassembly", &mut limits.reassembly);
    duration(&section, "parked_receipt", &mut limits.parked_receipt);
    duration(&section, "default_validity", &mut limits.default_validity);
    duration(&section, "max_schedule", &mut limits.max_schedule);
    duration(&section, "idempotency", &mut limits.idempotency);
    if limits.idempotency < IDEMPOTENCY_LEAST {
        section.complain_at("idempotency", "must be at least \"24h\": the API promises to know a key for that long");
    }
    duration(&section, "retention_every", &mut limits.retention.every);
    count(&section, "retention_rows_per_second", 1_000_000, &mut limits.retention.rows_per_second);
    section.end();
}

/// `[api]`.
pub fn api(section: Section<'_, '_>, api: &mut api::Config, limits: &engine::Config) {
    count(&section, "max_connections", 1_000_000, &mut api.max_connections);
    duration(&section, "header_timeout", &mut api.header_timeout);
    duration(&section, "body_timeout", &mut api.body_timeout);
    duration(&section, "component_timeout", &mut api.component_timeout);
    duration(&section, "write_timeout", &mut api.write_timeout);
    bytes(&section, "max_json", &mut api.max_json_bytes);
    bytes(&section, "max_batch", &mut api.max_batch_bytes);
    bytes(&section, "max_list", &mut api.max_list_bytes);
    bytes(&section, "max_large", &mut api.max_large_bytes);
    duration(&section, "drain_timeout", &mut api.drain_timeout);
    api.max_batch = limits.max_batch;
    section.end();
}

/// `[handlers]`.
pub fn handlers(section: Section<'_, '_>, config: &mut Config) {
    let Config { handlers, native_cache_bytes, limits, .. } = config;
    count(&section, "instances", 100_000, &mut handlers.instances);
    count(&section, "compile_at_once", 64, &mut handlers.compile_at_once);
    bytes(&section, "keep_resident", &mut handlers.keep_resident_bytes);
    duration(&section, "compile_timeout", &mut handlers.upload.compile);
    // A compiler has one thread.
    handlers.upload.compile_cpu = handlers.upload.compile;
    if let Some(bytes) = section.bytes("compile_memory") {
        if bytes.value < COMPILE_LEAST {
            section.complain_of(&bytes, "must be at least 512MiB: the program itself takes a part");
        }
        handlers.upload.compile_memory_bytes = bytes.value;
    }
    if let Some(bytes) = section.bytes("native_cache") {
        *native_cache_bytes = bytes.value;
    }
    if (handlers.instances as usize) < limits.max_steps {
        let steps = limits.max_steps;
        section.complain_at("instances", format!("must be at least `limits.max_steps`, {steps}: a step may need one"));
    }
    section.end();
}

/// `[webhooks]`.
pub fn webhooks(section: Section<'_, '_>, webhooks: &mut webhooks::Config, surroundings: &Surroundings<'_>) {
    webhooks.reach.allow_private = section.flag("allow_private").unwrap_or_default();
    webhooks.reach.allow_http = section.flag("allow_http").unwrap_or_default();
    count(&section, "per_endpoint", 10_000, &mut webhooks.per_endpoint);
    count(&section, "overall", 100_000, &mut webhooks.overall);
    count(&section, "window", 1_000_000, &mut webhooks.window);
    duration(&section, "connect_timeout", &mut webhooks.connect_timeout);
    duration(&section, "attempt_timeout", &mut webhooks.attempt_timeout);
    duration(&section, "idle_timeout", &mut webhooks.idle_timeout);
    duration(&section, "max_age", &mut webhooks.max_age);
    extra_ca(&section, &mut webhooks.extra_roots, surroundings);
    section.end();
}

/// `[outbound]`.
pub fn outbound(section: Section<'_, '_>, outbound: &mut Outbound, surroundings: &Surroundings<'_>) {
    outbound.reach.allow_private = section.flag("allow_private").unwrap_or_default();
    outbound.reach.allow_http = section.flag("allow_http").unwrap_or_default();
    duration(&section, "connect_timeout", &mut outbound.connect_timeout);
    extra_ca(&section, &mut outbound.extra_roots, surroundings);
    section.end();
}

fn extra_ca(section: &Section<'_, '_>, to: &mut Vec<CertificateDer<'static>>, surroundings: &Surroundings<'_>) {
    for file in section.texts("extra_ca").unwrap_or_default() {
        let path = surroundings.path(&file.value);
        match certificates(&path) {
            Ok(roots) => to.extend(roots),
            Err(reason) => section.complain_of(&file, format!("{}: {reason}", path.display())),
        }
    }
}

fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(roots) if roots.is_empty() => Err("has no certificate in PEM form".to_owned()),
        Ok(roots) => Ok(roots),
        Err(error) => Err(format!("isn't PEM: {error}")),
    }
}
