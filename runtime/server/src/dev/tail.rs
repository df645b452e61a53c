//! What the handler says, as it comes.

use std::time::Duration;

use signalbox_engine::Handle;
use signalbox_model::TenantId;

use super::say::Voice;

/// How often we look for new lines: often enough that they seem to come at once.
const LOOK: Duration = Duration::from_millis(100);

/// Shows the lines of a handler for ever.
pub async fn run(handle: Handle, tenant: TenantId, name: String, voice: Voice) {
    let mut clock = tokio::time::interval(LOOK);
    let mut after = None;
    loop {
        clock.tick().await;
        for line in handle.handler_logs(&tenant, &name, after).unwrap_or_default() {
            voice.line(&name, &line);
            after = Some(line.n);
        }
    }
}
