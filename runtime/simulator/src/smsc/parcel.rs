//! What a `deliver_sm` carries: a receipt, or a part of an inbound message.

use super::receipt::Receipt;
use crate::ledger::{Delivered, Entry};
use crate::wire::Deliver;
use std::borrow::Cow;

#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) content: Content,
    /// From 1.
    pub(super) attempt: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Receipt(Box<Receipt>),
    Inbound { mo: u64, part: Option<(u16, u8, u8)>, deliver: Box<Deliver> },
}

impl Parcel {
    pub(super) fn new(content: Content) -> Self {
        Self { content, attempt: 1 }
    }

    pub(super) fn is_receipt(&self) -> bool {
        matches!(self.content, Content::Receipt(_))
    }

    pub(super) fn needs_tlvs(&self) -> bool {
        match &self.content {
            Content::Receipt(_) => false,
            Content::Inbound { deliver, .. } => deliver.needs_tlvs(),
        }
    }

    pub(super) fn deliver(&self, speaks_tlvs: bool) -> Cow<'_, Deliver> {
        match &self.content {
            Content::Receipt(receipt) => Cow::Owned(receipt.deliver(speaks_tlvs)),
            Content::Inbound { deliver, .. } => Cow::Borrowed(deliver),
        }
    }

    pub(super) fn entry(&self, bind: u64, system_id: &str, sequence_number: u32) -> Entry {
        let (source, dest) = match &self.content {
            Content::Receipt(receipt) => (receipt.dest.number(), receipt.source.number()),
            Content::Inbound { deliver, .. } => (deliver.source.number(), deliver.dest.number()),
        };
        let mut delivered = Delivered {
            bind,
            system_id: system_id.to_owned(),
            sequence_number,
            source,
            dest,
            attempt: self.attempt,
            message_id: None,
            state: None,
            mo: None,
            part: None,
            acked: None,
        };
        match &self.content {
            Content::Receipt(receipt) => {
                delivered.message_id = Some(receipt.ids.0.clone());
                delivered.state = Some(receipt.outcome.stat().to_owned());
                Entry::Receipt(delivered)
            }
            Content::Inbound { mo, part, .. } => {
                (delivered.mo, delivered.part) = (Some(*mo), *part);
                Entry::Mo(delivered)
            }
        }
    }
}
