//! What the control API orders: inbound messages, broken connections, garbage.

use super::carrier::Carrier;
use super::fate::{GARBAGE, PHONES, dice};
use super::parcel::{Content, Parcel};
use super::session::Ending;
use crate::coding::{Encoding, Piece, Splitting, split};
use crate::scenario::Garbage;
use crate::wire::{Address, Deliver, Status, command, put_pdu};
use bytes::{BufMut, BytesMut};
use rand::seq::SliceRandom;
use rand::{Rng, RngCore};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::time::Instant;

/// A message that a phone sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileOriginated {
    /// The number or short code it is sent to.
    pub to: String,
    /// Its text.
    pub text: String,
    /// The alphabet.
    #[serde(default)]
    pub encoding: Encoding,
    /// How a long text travels.
    #[serde(default)]
    pub split: Splitting,
    /// The order in which parts arrive.
    #[serde(default)]
    pub order: PartOrder,
    /// Parts (from 1) that arrive twice.
    #[serde(default)]
    pub duplicated: Vec<u8>,
    /// Parts (from 1) that never arrive.
    #[serde(default)]
    pub missing: Vec<u8>,
    /// The concatenation reference; the next free one by default.
    #[serde(default)]
    pub reference: Option<u16>,
    /// The account it goes to; by default one that is bound to receive.
    #[serde(default)]
    pub system_id: Option<String>,
}

/// The order in which parts arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartOrder {
    /// First to last.
    #[default]
    InOrder,
    /// Last to first.
    Reversed,
    /// Shuffled by the seed.
    Shuffled,
}

/// What became of a phone's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its number, which the ledger's `mo` lines carry.
    pub mo: u64,
    /// The account it goes to.
    pub system_id: String,
    /// Parts that the text was cut into.
    pub parts: usize,
    /// `deliver_sm` that carry them: without the missing, with the duplicated.
    pub pdus: usize,
    /// The concatenation reference.
    pub reference: u16,
    /// The PDUs' `data_coding`.
    pub data_coding: u8,
}

/// Which sessions an order is for; those left out don't narrow it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// One session.
    pub bind: Option<u64>,
    /// One account's sessions.
    pub system_id: Option<String>,
}

/// How the carrier breaks a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Break {
    /// FIN, between PDUs.
    #[default]
    Close,
    /// RST.
    Reset,
    /// FIN amid a PDU.
    MidPdu,
    /// An `unbind` first.
    Unbind,
}

impl Carrier {
    /// A phone sends. Waits for a receiver if there is none.
    pub(crate) fn phone_sends(&mut self, from: &str, message: &MobileOriginated, now: Instant) -> Result<Sent, String> {
        for address in [from, &message.to] {
            if address.is_empty() || address.len() > 20 || !address.is_ascii() {
                return Err("a number has 1 to 20 ASCII characters".to_owned());
            }
        }
        let account = self.account_for(message.system_id.as_deref())?;
        self.mobile_originated += 1;
        let mo = self.mobile_originated;
        // Eight bits of it are what an 8-bit reference shows; it wraps as a phone's does.
        let reference = message.reference.unwrap_or_else(|| u16::try_from(mo & 0xFFFF).expect("masked"));
        let pieces = split(&message.text, message.encoding, message.split, reference);
        let (parts, data_coding) = (pieces.len(), pieces[0].data_coding);
        let pieces = arrange(pieces, message, &mut dice(self.seed, PHONES, mo));
        let pdus = pieces.len();
        for piece in pieces {
            let parcel = parcel(from, &message.to, mo, piece);
            self.hand_over(&account, parcel, now);
        }
        Ok(Sent { mo, system_id: account.to_string(), parts, pdus, reference, data_coding })
    }

    /// Breaks the chosen sessions' connections; answers how many.
    pub(crate) fn disconnect(&mut self, which: &Sessions, how: Break, now: Instant) -> usize {
        let chosen = self.chosen(which);
        for id in &chosen {
            let Some(session) = self.sessions.get_mut(id) else { continue };
            match how {
                Break::Close | Break::Reset => {}
                Break::MidPdu => {
                    let mut pdu = BytesMut::new();
                    put_pdu(&mut pdu, command::ENQUIRE_LINK, Status::OK, session.take_sequence(), |_| {});
                    session.out.extend_from_slice(&pdu[..7]);
                }
                Break::Unbind => {
                    let sequence = session.take_sequence();
                    session.put(command::UNBIND, Status::OK, sequence, |_| {});
                }
            }
            self.end(*id, if how == Break::Reset { Ending::Reset } else { Ending::Close }, now);
        }
        chosen.len()
    }

    /// Sends garbage to the chosen sessions; answers to how many.
    pub(crate) fn send_garbage(&mut self, which: &Sessions, garbage: Garbage) -> usize {
        let chosen = self.chosen(which);
        for id in &chosen {
            let mut bytes = BytesMut::new();
            self.put_garbage(&mut bytes, garbage);
            self.write(*id, &bytes);
        }
        chosen.len()
    }

    pub(super) fn put_garbage(&mut self, out: &mut BytesMut, garbage: Garbage) {
        self.stats.garbage += 1;
        let mut dice = dice(self.seed, GARBAGE, self.stats.garbage);
        match garbage {
            Garbage::Noise => {
                let mut noise = [0; 64];
                dice.fill_bytes(&mut noise);
                noise[0] |= 0x80; // a length that can't be, so that the peer needn't wait for the rest of it
                out.put_slice(&noise);
            }
            Garbage::HugeLength => put_header(out, 0x7FFF_FFFF, command::DELIVER_SM),
            Garbage::TinyLength => put_header(out, 7, command::DELIVER_SM),
            Garbage::UnknownCommand => {
                put_pdu(out, 0x0000_0F0F, Status::OK, 0x7000_0001, |out| out.put_slice(b"what?"))
            }
            Garbage::CutTlv => put_pdu(out, command::DELIVER_SM, Status::OK, 0x7000_0002, |out| {
                let (source, dest) = (Address::written("+15550000000"), Address::written("+15550000001"));
                let short_message = b"cut".to_vec();
                Deliver { source, dest, esm_class: 0, data_coding: 0, short_message, tlvs: vec![] }.put(out);
                out.put_slice(&[0x04, 0x24, 0xFF, 0xFF, b'x']);
            }),
            Garbage::StrayResponse => {
                let sequence = dice.random_range(0x7100_0000..0x7200_0000);
                put_pdu(out, command::SUBMIT_SM | command::RESPONSE, Status::OK, sequence, |out| out.put_slice(b"1\0"));
            }
        }
    }

    fn chosen(&self, which: &Sessions) -> Vec<u64> {
        let is_chosen = |id: u64| {
            let Some(session) = self.sessions.get(&id).filter(|session| session.ending.is_none()) else { return false };
            let account = session.account();
            which.bind.is_none_or(|bind| bind == id)
                && which.system_id.as_deref().is_none_or(|wanted| account.is_some_and(|account| &**account == wanted))
        };
        let mut chosen: Vec<u64> = self.sessions.keys().copied().filter(|id| is_chosen(*id)).collect();
        chosen.sort_unstable();
        chosen
    }

    fn account_for(&self, system_id: Option<&str>) -> Result<Arc<str>, String> {
        if let Some(system_id) = system_id {
            return Ok(Arc::from(system_id));
        }
        let receives = |sessions: &[u64]| {
            sessions.iter().any(|id| self.sessions.get(id).is_some_and(|session| session.may_receive()))
        };
        let bound = self.accounts.iter().find(|(_, account)| receives(&account.sessions));
        let known = bound.or_else(|| self.accounts.iter().next());
        known.map(|(name, _)| Arc::clone(name)).ok_or_else(|| "nobody has bound yet: name a `system_id`".to_owned())
    }
}

/// Orders, drops and repeats parts as the message asks.
fn arrange(mut pieces: Vec<Piece>, message: &MobileOriginated, dice: &mut impl Rng) -> Vec<Piece> {
    match message.order {
        PartOrder::InOrder => {}
        PartOrder::Reversed => pieces.reverse(),
        PartOrder::Shuffled => pieces.shuffle(dice),
    }
    let place = |piece: &Piece| piece.part.map_or(1, |part| part.sequence);
    let times = |piece: &Piece| match place(piece) {
        place if message.missing.contains(&place) => 0,
        place if message.duplicated.contains(&place) => 2,
        _ => 1,
    };
    pieces.into_iter().flat_map(|piece| vec![piece.clone(); times(&piece)]).collect()
}

fn parcel(from: &str, to: &str, mo: u64, piece: Piece) -> Parcel {
    let part = piece.part.map(|part| (part.reference, part.total, part.sequence));
    let deliver = Deliver {
        source: Address::written(from),
        dest: Address::written(to),
        esm_class: piece.esm_class,
        data_coding: piece.data_coding,
        short_message: piece.short_message,
        tlvs: piece.tlvs,
    };
    Parcel::new(Content::Inbound { mo, part, deliver: Box::new(deliver) })
}

fn put_header(out: &mut BytesMut, length: u32, command: u32) {
    for word in [length, command, 0, 1] {
        out.put_u32(word);
    }
}
