//! `deliver_sm` and `data_sm`: receipts and inbound messages, and answering them once they are durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use signalbox_model::Receipt;
use signalbox_smpp::pdu::{COctetString, CommandStatus, DataSm, DeliverSm, Pdu, Tlvs, esm_class};
use signalbox_smpp::{Inbound, Responder};
use signalbox_text::{
    Concatenation, DefaultAlphabet, IdForm, ReceiptText, ReceiptTlvs, canonical, coding, decode, parse_header,
};
use tokio::sync::{mpsc, oneshot};

use super::config::Config;
use super::hub::Hub;
use super::number;
use crate::{Answer, Brought, InboundPart, Incoming, Intake, Verdict};

/// Requests of one bind that wait for our answer; beyond that no more are taken from it. Carriers' windows end far below.
const MAX_UNANSWERED: usize = 4_096;

/// Reads what a carrier brings.
#[derive(Clone)]
pub(super) struct Reader {
    alphabet: DefaultAlphabet,
    ids: IdForm,
    receipt_ids: IdForm,
    receipts_without_esm_class: bool,
}

/// Why a request makes no sense, and what its sender is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    status: CommandStatus,
    why: &'static str,
}

/// Takes in what a bind brings until it is down. Each request is answered when its own verdict comes, whatever the others wait
/// for.
pub(super) async fn receive(hub: &Hub, reader: &Reader, intake: &Intake, mut inbound: mpsc::Receiver<Inbound>) {
    let mut answers = FuturesUnordered::new();
    let mut held: Option<Incoming> = None;
    loop {
        tokio::select! {
            place = intake.reserve(), if held.is_some() => {
                // Without a place nobody takes anything any more; the dropped answer says "later".
                if let (Ok(place), Some(incoming)) = (place, held.take()) {
                    place.send(incoming);
                }
            }
            request = inbound.recv(), if held.is_none() && answers.len() < MAX_UNANSWERED => {
                let Some(request) = request else { return };
                if let Some((incoming, responder, verdict)) = take_in(hub, reader, request) {
                    answers.push(answer(responder, verdict));
                    held = intake.try_send(incoming).err().map(mpsc::error::TrySendError::into_inner);
                }
            }
            Some(()) = answers.next(), if !answers.is_empty() => {}
        }
    }
}

fn take_in(hub: &Hub, reader: &Reader, inbound: Inbound) -> Option<(Incoming, Responder, oneshot::Receiver<Verdict>)> {
    let Inbound { request, responder } = inbound;
    if matches!(request, Pdu::AlertNotification(_)) {
        return None;
    }
    match reader.read(request) {
        Ok(what) => {
            let (answer, verdict) = Answer::pair();
            Some((Incoming { carrier: Arc::clone(&hub.name), what, answer }, responder, verdict))
        }
        Err(Malformed { status, why }) => {
            hub.malformed.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(carrier = %hub.name, %status, why, "inbound PDU refused");
            // The connection may be gone; then nobody waits for it.
            let _ = responder.answer(status);
            None
        }
    }
}

async fn answer(responder: Responder, verdict: oneshot::Receiver<Verdict>) {
    let status = match verdict.await.unwrap_or(Verdict::Later) {
        Verdict::Durable => CommandStatus::ESME_ROK,
        Verdict::Later => CommandStatus::ESME_RX_T_APPN,
        Verdict::Refused => CommandStatus::ESME_RX_R_APPN,
    };
    // The connection may be gone; then the carrier brings it again.
    let _ = responder.answer(status);
}

/// What `deliver_sm` and `data_sm` have in common.
struct Message {
    source: (u8, COctetString),
    dest: (u8, COctetString),
    esm_class: u8,
    data_coding: u8,
    body: Bytes,
    tlvs: Tlvs,
}

impl From<DeliverSm> for Message {
    fn from(deliver: DeliverSm) -> Self {
        Self {
            body: deliver.body(),
            source: (deliver.source_addr_ton, deliver.source_addr),
            dest: (deliver.dest_addr_ton, deliver.destination_addr),
            esm_class: deliver.esm_class,
            data_coding: deliver.data_coding,
            tlvs: deliver.tlvs,
        }
    }
}

impl From<DataSm> for Message {
    fn from(data: DataSm) -> Self {
        Self {
            body: data.tlvs.message_payload().unwrap_or_default(),
            source: (data.source_addr_ton, data.source_addr),
            dest: (data.dest_addr_ton, data.destination_addr),
            esm_class: data.esm_class,
            data_coding: data.data_coding,
            tlvs: data.tlvs,
        }
    }
}

impl Message {
    /// The text of a receipt has no other mark: one whose `esm_class` doesn't say so, and without an id of its own, is a
    /// message that somebody wrote.
    fn is_receipt(&self) -> bool {
        matches!(self.esm_class & esm_class::TYPE, esm_class::RECEIPT | esm_class::INTERMEDIATE)
            || self.tlvs.receipted_message_id().is_some_and(|id| !id.is_empty())
    }
}

impl Reader {
    pub fn new(config: &Config) -> Self {
        Self {
            alphabet: config.default_alphabet.into(),
            ids: config.message_id.into(),
            receipt_ids: config.receipt_message_id.unwrap_or(config.message_id).into(),
            receipts_without_esm_class: config.receipts_without_esm_class,
        }
    }

    /// The canonical form of an id as answers write it.
    pub fn canonical_id(&self, raw: &str) -> String {
        canonical(raw, self.ids).into_owned()
    }

    pub fn read(&self, request: Pdu) -> Result<Brought, Malformed> {
        let message: Message = match request {
            Pdu::DeliverSm(deliver) => deliver.into(),
            Pdu::DataSm(data) => data.into(),
            _ => return Err(Malformed { status: CommandStatus::ESME_RINVCMDID, why: "a command for others" }),
        };
        let (place, octets) = self.cut(&message)?;
        if message.is_receipt() || self.reads_as_receipt(&message, octets) {
            return self.receipt(&message, octets);
        }
        let bad = |status, why| Malformed { status, why };
        let from = number::read(message.source.0, &message.source.1)
            .ok_or(bad(CommandStatus::ESME_RINVSRCADR, "a sender that is no address"))?;
        let to = number::read(message.dest.0, &message.dest.1)
            .ok_or(bad(CommandStatus::ESME_RINVDSTADR, "a recipient that is no address"))?;
        // A copy: the PDU's octets share a read buffer, and parts are kept until the last one comes.
        let octets = Bytes::copy_from_slice(octets);
        let (data_coding, default_alphabet) = (message.data_coding, self.alphabet);
        Ok(Brought::Part(InboundPart { from, to, octets, data_coding, default_alphabet, place }))
    }

    /// Where the message belongs, and its octets without a header. A header's word holds over that of parameters.
    fn cut<'a>(&self, message: &'a Message) -> Result<(Option<Concatenation>, &'a [u8]), Malformed> {
        let sar = message.tlvs.sar();
        let sar = sar.and_then(|sar| Concatenation::from_sar(sar.msg_ref_num, sar.total_segments, sar.segment_seqnum));
        if message.esm_class & esm_class::UDHI == 0 {
            return Ok((sar, &message.body));
        }
        let bad = Malformed { status: CommandStatus::ESME_RINVMSGLEN, why: "a user data header that doesn't fit" };
        let (header, octets) = parse_header(&message.body).map_err(|_| bad)?;
        Ok((header.concatenation.or(sar), octets))
    }

    /// Some carriers mark no receipts at all. Only one that names both a message and a state of it is taken for one then.
    fn reads_as_receipt(&self, message: &Message, octets: &[u8]) -> bool {
        if !self.receipts_without_esm_class || message.esm_class & esm_class::TYPE != 0 {
            return false;
        }
        let text = self.receipt_text(message.data_coding, octets);
        let receipt = ReceiptText::parse(&text);
        text.trim_start().get(..3).is_some_and(|id| id.eq_ignore_ascii_case("id:"))
            && receipt.id.is_some_and(|id| !id.is_empty())
            && receipt.state.is_some()
    }

    /// Written in ASCII even where `data_coding` 0 means GSM: read as that, the `_` of an id would be a `§`.
    fn receipt_text(&self, data_coding: u8, octets: &[u8]) -> String {
        match data_coding {
            coding::UCS2 => decode(coding::UCS2, octets, self.alphabet).text,
            _ => String::from_utf8_lossy(octets).into_owned(),
        }
    }

    fn receipt(&self, message: &Message, octets: &[u8]) -> Result<Brought, Malformed> {
        let text = self.receipt_text(message.data_coding, octets);
        let id = message.tlvs.receipted_message_id();
        let id = id.as_ref().map(COctetString::to_str_lossy);
        let tlvs = ReceiptTlvs {
            id: id.as_deref(),
            state: message.tlvs.message_state().map(|state| state.0),
            network_error: message.tlvs.network_error_code().map(|code| (code.network_type, code.error_code)),
        };
        // The parameter has the answer's form (3.4 §5.3.2.12); only the text has one of its own.
        let from_text = tlvs.id.is_none_or(str::is_empty);
        let receipt = ReceiptText::parse(&text).with(tlvs);
        let nobodys = Malformed { status: CommandStatus::ESME_RX_R_APPN, why: "a receipt without a message id" };
        let mut receipt: Receipt = receipt.ok_or(nobodys)?;
        if from_text {
            receipt.carrier_id = self.as_answered(receipt.carrier_id);
        }
        let ours = number::read(message.dest.0, &message.dest.1);
        let theirs = number::read(message.source.0, &message.source.1);
        Ok(Brought::Receipt { receipt, ours, theirs })
    }

    /// A receipt's id as the answer would have written it, where the carrier writes two forms.
    fn as_answered(&self, id: String) -> String {
        if self.ids == self.receipt_ids {
            return id;
        }
        let decimal = canonical(&id, self.receipt_ids);
        match (self.ids, decimal.parse::<u128>()) {
            (IdForm::Hex, Ok(value)) => format!("{value:x}"),
            (IdForm::Decimal, Ok(_)) => decimal.into_owned(),
            _ => id,
        }
    }
}

#[cfg(test)]
mod tests;
