//! `submit_multi`: one message to many destinations.

use bytes::Bytes;

use super::layout::{Body, layout};
use super::{COctetString, Reader, Tlvs, Writer};
use crate::Error;

/// One destination of a `submit_multi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestAddress {
    /// `dest_flag` 1.
    SmeAddress {
        /// Type of number.
        dest_addr_ton: u8,
        /// Numbering plan.
        dest_addr_npi: u8,
        /// The destination.
        destination_addr: COctetString,
    },
    /// `dest_flag` 2.
    DistributionList {
        /// The list's name at the SMSC.
        dl_name: COctetString,
    },
}

layout! {
    /// A destination that the SMSC didn't take.
    pub struct UnsuccessAddress {
        /// Type of number.
        dest_addr_ton: u8 => int,
        /// Numbering plan.
        dest_addr_npi: u8 => int,
        /// The destination.
        destination_addr: COctetString => cstr(21),
    }
}

/// A destination that the SMSC didn't take, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsuccessSme {
    /// Which one.
    pub address: UnsuccessAddress,
    /// A `command_status`.
    pub error_status_code: u32,
}

layout! {
    /// `submit_multi`.
    pub struct SubmitMulti {
        /// The SMS application service.
        service_type: COctetString => cstr(6),
        /// Type of number of the source.
        source_addr_ton: u8 => int,
        /// Numbering plan of the source.
        source_addr_npi: u8 => int,
        /// The source.
        source_addr: COctetString => cstr(21),
        /// The destinations, at most 255.
        dest_address: Vec<DestAddress> => dest_addresses,
        /// Mode, type and features.
        esm_class: u8 => int,
        /// GSM's protocol identifier.
        protocol_id: u8 => int,
        /// Priority.
        priority_flag: u8 => int,
        /// When to deliver first.
        schedule_delivery_time: COctetString => cstr(17),
        /// Until when to try.
        validity_period: COctetString => cstr(17),
        /// Which receipts are wanted.
        registered_delivery: u8 => int,
        /// Not supported by the specification; 0.
        replace_if_present_flag: u8 => int,
        /// How the body is coded.
        data_coding: u8 => int,
        /// A message kept at the SMSC, instead of a body.
        sm_default_msg_id: u8 => int,
        /// The body.
        short_message: Bytes => short_message,
        /// Optional parameters.
        tlvs: Tlvs => tlvs,
    }
}

layout! {
    /// `submit_multi_resp`.
    pub struct SubmitMultiResp {
        /// The SMSC's id for the message.
        message_id: COctetString => answer_id,
        /// The destinations that were not taken.
        unsuccess_sme: Vec<UnsuccessSme> => unsuccess_smes,
        /// Optional parameters.
        tlvs: Tlvs => tlvs,
    }
}

impl Reader {
    fn dest_addresses(&mut self, _field: &'static str) -> Result<Vec<DestAddress>, Error> {
        self.list("number_of_dests", |r| match r.int("dest_flag")? {
            1 => Ok(DestAddress::SmeAddress {
                dest_addr_ton: r.int("dest_addr_ton")?,
                dest_addr_npi: r.int("dest_addr_npi")?,
                destination_addr: r.cstr("destination_addr", 21)?,
            }),
            2 => Ok(DestAddress::DistributionList { dl_name: r.cstr("dl_name", 21)? }),
            other => r.unknown_value("dest_flag", other),
        })
    }

    fn unsuccess_smes(&mut self, _field: &'static str) -> Result<Vec<UnsuccessSme>, Error> {
        self.list("no_unsuccess", |r| {
            Ok(UnsuccessSme { address: UnsuccessAddress::read(r)?, error_status_code: r.int4("error_status_code")? })
        })
    }
}

impl Writer<'_> {
    fn dest_addresses(&mut self, _field: &'static str, dests: &[DestAddress]) -> Result<(), Error> {
        self.list("number_of_dests", dests, |w, dest| match dest {
            DestAddress::SmeAddress { dest_addr_ton, dest_addr_npi, destination_addr } => {
                w.int("dest_flag", &1)?;
                w.int("dest_addr_ton", dest_addr_ton)?;
                w.int("dest_addr_npi", dest_addr_npi)?;
                w.cstr("destination_addr", destination_addr, 21)
            }
            DestAddress::DistributionList { dl_name } => {
                w.int("dest_flag", &2)?;
                w.cstr("dl_name", dl_name, 21)
            }
        })
    }

    fn unsuccess_smes(&mut self, _field: &'static str, smes: &[UnsuccessSme]) -> Result<(), Error> {
        self.list("no_unsuccess", smes, |w, sme| {
            sme.address.write(w)?;
            w.int4("error_status_code", &sme.error_status_code)
        })
    }
}
