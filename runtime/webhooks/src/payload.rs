//! What an event says. Rendered on each attempt from what never changes, so a retry is the same to the byte.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use signalbox_model::view::{EntryView, MessageView};
use signalbox_model::{Entry, Head, Message};

/// A message as it stood after the line that is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The message.
    pub message: Arc<Message>,
    /// Its timeline up to the line, folded.
    pub head: Arc<Head>,
    /// The line.
    pub entry: Arc<Entry>,
}

#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data,
}

#[derive(Serialize)]
struct Data {
    #[serde(flatten)]
    message: MessageView,
    entry: EntryView,
}

/// The body of a delivery.
pub fn render(event: &str, told: &Told) -> Bytes {
    let payload = Payload {
        r#type: event,
        timestamp: told.entry.at.to_rfc3339(),
        data: Data { message: MessageView::new(&told.message, &told.head), entry: EntryView::new(&told.entry) },
    };
    serde_json::to_vec(&payload).expect("views always serialize").into()
}
