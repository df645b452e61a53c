//! The table of commands: id, name and body of each, and reading and writing a whole PDU by it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::layout::Body;
use super::*;
use crate::Error;

/// A `command_id`. Unknown ones are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u32);

impl CommandId {
    const RESP: u32 = 0x8000_0000;

    /// Whether it answers another PDU.
    pub fn is_response(self) -> bool {
        self.0 & Self::RESP != 0
    }

    /// The command that answers this one; `generic_nack` for those that have no answer of their own.
    pub fn response(self) -> CommandId {
        let answer = CommandId(self.0 | Self::RESP);
        if answer.name().is_some() { answer } else { CommandId::GENERIC_NACK }
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "command 0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What can be written as a PDU: any [`Pdu`], and each body that belongs to one command only.
pub trait Encode {
    /// Its command.
    fn command_id(&self) -> CommandId;

    /// Writes the body; `refusal` if the status isn't 0.
    #[doc(hidden)]
    fn write_body(&self, w: &mut Writer<'_>, refusal: bool) -> Result<(), Error>;
}

macro_rules! commands {
    ($($id:literal $constant:ident $name:literal $variant:ident $(($body:ty))?;)*) => {
        impl CommandId {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($id);)*

            /// The specification's name, if it is a command that this crate knows.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($id => Some($name),)*
                    _ => None,
                }
            }
        }

        /// A PDU's command and body.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Pdu {
            $(#[doc = concat!("`", $name, "`")] $variant $(($body))?,)*
            /// A command that this crate doesn't know; a request is answered by `generic_nack`.
            Unknown(CommandId),
        }

        impl Pdu {
            fn read(id: CommandId, frame: Bytes) -> Result<Pdu, Error> {
                // Answers without a body are in the wild whatever the status: the specification has them for errors.
                let bodiless = frame.len() == HEADER_OCTETS && id.is_response();
                #[allow(unused_variables, unused_mut, reason = "header-only commands read nothing")]
                let mut r = Reader::new(id, frame, HEADER_OCTETS);
                match id.0 {
                    $($id => Ok(Pdu::$variant $((match bodiless {
                        true => <$body>::default(),
                        false => <$body as Body>::read(&mut r)?,
                    }))?),)*
                    _ => Ok(Pdu::Unknown(id)),
                }
            }
        }

        impl Encode for Pdu {
            fn command_id(&self) -> CommandId {
                match self {
                    $(Pdu::$variant { .. } => CommandId::$constant,)*
                    Pdu::Unknown(id) => *id,
                }
            }

            #[allow(clippy::redundant_pattern, reason = "ties the repetition to the commands that have a body")]
            fn write_body(&self, w: &mut Writer<'_>, refusal: bool) -> Result<(), Error> {
                match self {
                    $(Pdu::$variant $((body @ commands!(@any $body)))? => {
                        let written = Ok(());
                        $(let written = written.and_then(|()| write_unless_omitted::<$body>(body, w, refusal));)?
                        written
                    })*
                    Pdu::Unknown(_) => Ok(()),
                }
            }
        }
    };
    (@any $body:ty) => { _ };
}

commands! {
    0x8000_0000 GENERIC_NACK "generic_nack" GenericNack;
    0x0000_0001 BIND_RECEIVER "bind_receiver" BindReceiver(Bind);
    0x8000_0001 BIND_RECEIVER_RESP "bind_receiver_resp" BindReceiverResp(BindResp);
    0x0000_0002 BIND_TRANSMITTER "bind_transmitter" BindTransmitter(Bind);
    0x8000_0002 BIND_TRANSMITTER_RESP "bind_transmitter_resp" BindTransmitterResp(BindResp);
    0x0000_0003 QUERY_SM "query_sm" QuerySm(QuerySm);
    0x8000_0003 QUERY_SM_RESP "query_sm_resp" QuerySmResp(QuerySmResp);
    0x0000_0004 SUBMIT_SM "submit_sm" SubmitSm(SubmitSm);
    0x8000_0004 SUBMIT_SM_RESP "submit_sm_resp" SubmitSmResp(SubmitSmResp);
    0x0000_0005 DELIVER_SM "deliver_sm" DeliverSm(DeliverSm);
    0x8000_0005 DELIVER_SM_RESP "deliver_sm_resp" DeliverSmResp(DeliverSmResp);
    0x0000_0006 UNBIND "unbind" Unbind;
    0x8000_0006 UNBIND_RESP "unbind_resp" UnbindResp;
    0x0000_0007 REPLACE_SM "replace_sm" ReplaceSm(ReplaceSm);
    0x8000_0007 REPLACE_SM_RESP "replace_sm_resp" ReplaceSmResp;
    0x0000_0008 CANCEL_SM "cancel_sm" CancelSm(CancelSm);
    0x8000_0008 CANCEL_SM_RESP "cancel_sm_resp" CancelSmResp;
    0x0000_0009 BIND_TRANSCEIVER "bind_transceiver" BindTransceiver(Bind);
    0x8000_0009 BIND_TRANSCEIVER_RESP "bind_transceiver_resp" BindTransceiverResp(BindResp);
    0x0000_000B OUTBIND "outbind" Outbind(Outbind);
    0x0000_0015 ENQUIRE_LINK "enquire_link" EnquireLink;
    0x8000_0015 ENQUIRE_LINK_RESP "enquire_link_resp" EnquireLinkResp;
    0x0000_0021 SUBMIT_MULTI "submit_multi" SubmitMulti(SubmitMulti);
    0x8000_0021 SUBMIT_MULTI_RESP "submit_multi_resp" SubmitMultiResp(SubmitMultiResp);
    0x0000_0102 ALERT_NOTIFICATION "alert_notification" AlertNotification(AlertNotification);
    0x0000_0103 DATA_SM "data_sm" DataSm(DataSm);
    0x8000_0103 DATA_SM_RESP "data_sm_resp" DataSmResp(DataSmResp);
}

/// An answer that refuses and has nothing to say goes without a body, as 3.4 has it for `submit_sm_resp` and the bind
/// answers. Except `deliver_sm_resp`: its one NUL is always sent, because SMSCs look for it.
fn write_unless_omitted<B: Body + Default + PartialEq>(
    body: &B,
    w: &mut Writer<'_>,
    refusal: bool,
) -> Result<(), Error> {
    let omits = refusal && w.command().is_response() && w.command() != CommandId::DELIVER_SM_RESP;
    if omits && *body == B::default() {
        return Ok(());
    }
    body.write(w)
}

macro_rules! one_command_each {
    ($($body:ident $constant:ident;)*) => {$(
        impl Encode for $body {
            fn command_id(&self) -> CommandId {
                CommandId::$constant
            }

            #[inline]
            fn write_body(&self, w: &mut Writer<'_>, refusal: bool) -> Result<(), Error> {
                write_unless_omitted(self, w, refusal)
            }
        }

        impl From<$body> for Pdu {
            fn from(body: $body) -> Pdu {
                Pdu::$body(body)
            }
        }
    )*};
}

one_command_each! {
    SubmitSm SUBMIT_SM;
    SubmitSmResp SUBMIT_SM_RESP;
    DeliverSm DELIVER_SM;
    DeliverSmResp DELIVER_SM_RESP;
    DataSm DATA_SM;
    DataSmResp DATA_SM_RESP;
    SubmitMulti SUBMIT_MULTI;
    SubmitMultiResp SUBMIT_MULTI_RESP;
    QuerySm QUERY_SM;
    QuerySmResp QUERY_SM_RESP;
    CancelSm CANCEL_SM;
    ReplaceSm REPLACE_SM;
    AlertNotification ALERT_NOTIFICATION;
    Outbind OUTBIND;
}

/// A whole PDU, but for `command_length`, which the codec counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// 0 in requests.
    pub command_status: CommandStatus,
    /// Ties an answer to its request.
    pub sequence_number: u32,
    /// Command and body.
    pub pdu: Pdu,
}

impl Command {
    /// A request, or an answer of status 0.
    pub fn new(sequence_number: u32, pdu: impl Into<Pdu>) -> Self {
        Self { command_status: CommandStatus::ESME_ROK, sequence_number, pdu: pdu.into() }
    }

    /// The same with another status.
    pub fn with_status(mut self, command_status: CommandStatus) -> Self {
        self.command_status = command_status;
        self
    }

    /// Reads a whole frame.
    ///
    /// # Errors
    /// [`Error::Decode`] names PDU, field and offset. [`Error::FrameLength`] if `frame` isn't as long as it says.
    pub fn decode(frame: Bytes) -> Result<Command, Error> {
        let header = Header::parse(&frame).filter(|header| header.command_length as usize == frame.len());
        let Some(header) = header else {
            let length = Header::parse(&frame).map_or(frame.len() as u32, |header| header.command_length);
            return Err(Error::FrameLength { length, max: frame.len() });
        };
        Self::decode_body(header, frame)
    }

    /// What is known of an answer whose body can't be read: its header.
    pub(crate) fn without_body(header: &Header) -> Result<Command, Error> {
        Self::decode_body(*header, Bytes::from_static(&[0; HEADER_OCTETS]))
    }

    pub(super) fn decode_body(header: Header, frame: Bytes) -> Result<Command, Error> {
        let Header { command_id, command_status, sequence_number, .. } = header;
        Ok(Command { command_status, sequence_number, pdu: Pdu::read(command_id, frame)? })
    }

    /// Appends the PDU to `out` as a peer of this `dialect` can read it.
    ///
    /// # Errors
    /// [`Error::Encode`] names the field; `out` is then as it was.
    pub fn encode(&self, dialect: Dialect, out: &mut BytesMut) -> Result<(), Error> {
        encode(&self.pdu, self.command_status, self.sequence_number, dialect, out)
    }
}

/// Appends one PDU to `out`.
///
/// # Errors
/// [`Error::Encode`] names the field; `out` is then as it was.
pub fn encode(
    body: &impl Encode,
    command_status: CommandStatus,
    sequence_number: u32,
    dialect: Dialect,
    out: &mut BytesMut,
) -> Result<(), Error> {
    let command_id = body.command_id();
    let start = out.len();
    out.reserve(TYPICAL_PDU_OCTETS);
    out.put_slice(&[0; 4]);
    out.put_u32(command_id.0);
    out.put_u32(command_status.0);
    out.put_u32(sequence_number);
    if let Err(error) = body.write_body(&mut Writer::new(command_id, dialect, out), !command_status.is_ok()) {
        out.truncate(start);
        return Err(error);
    }
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Room for any `submit_sm` without large TLVs, so that a buffer grows once per PDU at most.
const TYPICAL_PDU_OCTETS: usize = 384;
