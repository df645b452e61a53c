//! What an operator may set for one SMPP carrier.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use signalbox_smpp::pdu::Version;
use signalbox_smpp::{BindKind, SessionConfig};
use signalbox_text::{DefaultAlphabet, IdForm, ReferenceKind};

use crate::{Error, duration};

/// One SMPP carrier. Only `name`, `host` and `system_id` have no default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Its name here: in routes, records and metrics.
    pub name: String,
    /// Its host: a name or an address.
    pub host: String,
    /// Whether its operator signed a business associate agreement.
    pub baa: bool,
    /// Its port. 2775 by default, the registered one.
    pub port: u16,
    /// TLS, with the carrier's certificate checked. Off by default: most carriers take SMPP through a VPN or bare.
    pub tls: Option<TlsConfig>,
    /// Our name there, at most 15 octets.
    pub system_id: String,
    /// Our password there.
    pub password: Secret,
    /// The kind of client, if the carrier asks for one; empty by default.
    pub system_type: String,
    /// How to bind. Transceivers by default: half the connections, and what 3.4 has them for.
    pub mode: BindMode,
    /// How many binds, or pairs of them. 1 by default: carriers allow so many and refuse more.
    pub binds: usize,
    /// The version that we say we speak. 3.4 by default: some carriers refuse a bind that says 5.0.
    pub interface_version: InterfaceVersion,
    /// What a carrier speaks whose bind answer names no version. 3.3 by default, as the specification has it: no optional
    /// parameters are sent to it. Say 3.4 for one that is known to take them.
    pub assumed_version: InterfaceVersion,
    /// Requests on the wire without an answer, for each bind. 64 by default: enough for 6,000 segments a second at answers
    /// of 10 ms, and no more than that is in doubt when a connection breaks. Many carriers grant 10; set what yours grants.
    pub window: usize,
    /// After so long without a sign of life the carrier is asked for one. 30 s by default: below the minute after which
    /// middleboxes drop idle connections. `"0s"` never asks.
    #[serde(deserialize_with = "duration::read")]
    pub enquire_link: Duration,
    /// Without an answer for so long a message is in doubt. 60 s by default, as is customary: what is doubted too early was
    /// doubted for nothing.
    #[serde(deserialize_with = "duration::read")]
    pub response_timeout: Duration,
    /// From connecting to being bound. 30 s by default: a carrier that checks elsewhere takes its time.
    #[serde(deserialize_with = "duration::read")]
    pub bind_timeout: Duration,
    /// The first wait before connecting again. 500 ms by default: a restart at the other end is over soon.
    #[serde(deserialize_with = "duration::read")]
    pub reconnect_min: Duration,
    /// The longest wait before connecting again; each is drawn around twice the one before. 30 s by default: long enough not
    /// to be locked out, short enough to be back soon.
    #[serde(deserialize_with = "duration::read")]
    pub reconnect_max: Duration,
    /// Segments a second on each bind. 0, the default, is no limit of ours: a bind slows down only when the carrier
    /// complains. Better set what the carrier agreed to: complaints cost a round each.
    pub max_segments_per_second: u32,
    /// Type of number of senders; by default 1 for numbers, 3 for short codes, 5 for names.
    pub source_ton: Option<u8>,
    /// Numbering plan of senders; by default 1 for numbers, else 0.
    pub source_npi: Option<u8>,
    /// Type of number of recipients; by default as for senders.
    pub dest_ton: Option<u8>,
    /// Numbering plan of recipients; by default as for senders.
    pub dest_npi: Option<u8>,
    /// `service_type`, at most 5 octets; empty by default.
    pub service_type: String,
    /// What the carrier means by `data_coding` 0. GSM 03.38 by default; some mean Latin-1, and then `@` arrives as `¡`.
    pub default_alphabet: Alphabet,
    /// How long texts travel. A user data header with an 8-bit reference by default: what every carrier and phone knows.
    pub concatenation: LongText,
    /// How the carrier writes message ids in its answers. Opaque by default: compared as they are.
    pub message_id: MessageIdForm,
    /// How it writes them in receipts, where that differs.
    pub receipt_message_id: Option<MessageIdForm>,
    /// Takes a message that reads as a receipt (`id:… stat:…`) for one though neither its `esm_class` nor a parameter says so.
    /// Off by default: anybody could write such a text from a phone. On for carriers that mark no receipts.
    pub receipts_without_esm_class: bool,
    /// Tells the carrier how long it may try. On by default: an outdated code isn't worth delivering. Off for carriers that
    /// refuse it.
    pub validity_period: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            host: String::new(),
            baa: false,
            port: 2775,
            tls: None,
            system_id: String::new(),
            password: Secret::default(),
            system_type: String::new(),
            mode: BindMode::default(),
            binds: 1,
            interface_version: InterfaceVersion::V3_4,
            assumed_version: InterfaceVersion::V3_3,
            window: 64,
            enquire_link: Duration::from_secs(30),
            response_timeout: Duration::from_secs(60),
            bind_timeout: Duration::from_secs(30),
            reconnect_min: Duration::from_millis(500),
            reconnect_max: Duration::from_secs(30),
            max_segments_per_second: 0,
            source_ton: None,
            source_npi: None,
            dest_ton: None,
            dest_npi: None,
            service_type: String::new(),
            default_alphabet: Alphabet::default(),
            concatenation: LongText::default(),
            message_id: MessageIdForm::default(),
            receipt_message_id: None,
            receipts_without_esm_class: false,
            validity_period: true,
        }
    }
}

/// TLS to a carrier.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// A PEM file of authorities to trust besides the machine's own.
    pub ca_file: Option<PathBuf>,
    /// The name that the carrier's certificate must have; the host by default.
    pub server_name: Option<String>,
}

/// Something that `Debug` doesn't show.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "hidden" })
    }
}

/// Which binds are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindMode {
    /// Transceivers: both ways on one connection.
    #[default]
    Transceiver,
    /// A transmitter and a receiver each: for 3.3, and for carriers that want them apart.
    Pair,
    /// Transmitters alone: for a carrier that we only send to. It has no way to bring receipts, so what it takes stays `sent`.
    Transmitter,
    /// Receivers alone: for a carrier that only brings messages. Nothing is routed to it.
    Receiver,
}

impl BindMode {
    pub(super) fn kinds(self) -> &'static [BindKind] {
        match self {
            Self::Transceiver => &[BindKind::Transceiver],
            Self::Pair => &[BindKind::Transmitter, BindKind::Receiver],
            Self::Transmitter => &[BindKind::Transmitter],
            Self::Receiver => &[BindKind::Receiver],
        }
    }
}

/// A version of SMPP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum InterfaceVersion {
    /// 3.3: no optional parameters.
    #[serde(rename = "3.3")]
    V3_3,
    /// 3.4.
    #[serde(rename = "3.4")]
    V3_4,
    /// 5.0.
    #[serde(rename = "5.0")]
    V5_0,
}

impl From<InterfaceVersion> for Version {
    fn from(version: InterfaceVersion) -> Self {
        match version {
            InterfaceVersion::V3_3 => Self::V3_3,
            InterfaceVersion::V3_4 => Self::V3_4,
            InterfaceVersion::V5_0 => Self::V5_0,
        }
    }
}

/// An alphabet that `data_coding` 0 can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// GSM 03.38, a septet an octet.
    #[default]
    Gsm,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
}

impl From<Alphabet> for DefaultAlphabet {
    fn from(alphabet: Alphabet) -> Self {
        match alphabet {
            Alphabet::Gsm => Self::Gsm,
            Alphabet::Latin1 => Self::Latin1,
            Alphabet::Ascii => Self::Ascii,
            Alphabet::Utf8 => Self::Utf8,
        }
    }
}

/// How a text of several parts travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongText {
    /// Parts with a user data header, 8-bit reference.
    #[default]
    Udh8,
    /// Parts with a user data header, 16-bit reference.
    Udh16,
    /// Parts with the `sar_*` parameters; to carriers that take no optional parameters as [`Udh8`](Self::Udh8).
    Sar,
    /// Whole, in `message_payload`: the carrier cuts it, and gives one id. To carriers that take no optional parameters as
    /// [`Udh8`](Self::Udh8).
    MessagePayload,
}

impl LongText {
    /// How parts are marked; `None` for no parts at all.
    pub(super) fn reference_kind(self, takes_tlvs: bool) -> Option<ReferenceKind> {
        match self {
            Self::Udh8 => Some(ReferenceKind::Udh8),
            Self::Udh16 => Some(ReferenceKind::Udh16),
            Self::Sar | Self::MessagePayload if !takes_tlvs => Some(ReferenceKind::Udh8),
            Self::Sar => Some(ReferenceKind::Sar),
            Self::MessagePayload => None,
        }
    }
}

/// How a carrier writes message ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageIdForm {
    /// Nothing is known: compared as they are.
    #[default]
    Opaque,
    /// Numbers in hexadecimal.
    Hex,
    /// Numbers in decimal, perhaps padded with zeros.
    Decimal,
}

impl From<MessageIdForm> for IdForm {
    fn from(form: MessageIdForm) -> Self {
        match form {
            MessageIdForm::Opaque => Self::Opaque,
            MessageIdForm::Hex => Self::Hex,
            MessageIdForm::Decimal => Self::Decimal,
        }
    }
}

/// More binds than any carrier grants.
const MAX_BINDS: usize = 64;
/// More requests in flight than any carrier grants: a bound on what one connection leaves in doubt.
const MAX_WINDOW: usize = 10_000;

impl Config {
    /// Refuses settings that can't work.
    ///
    /// # Errors
    /// [`Error::Setting`], which names the first one.
    pub fn check(&self) -> Result<(), Error> {
        let wrong =
            |setting, wrong: &str| Err(Error::Setting { carrier: self.name.clone(), setting, wrong: wrong.to_owned() });
        if self.name.is_empty() {
            return wrong("name", "is missing");
        }
        if self.host.is_empty() {
            return wrong("host", "is missing");
        }
        for (setting, text, most) in [
            ("system_id", &self.system_id[..], 15),
            ("password", self.password.reveal(), 64),
            ("system_type", &self.system_type, 12),
            ("service_type", &self.service_type, 5),
        ] {
            if text.len() > most || !text.bytes().all(|c| (0x20..0x7F).contains(&c)) {
                return wrong(setting, &format!("has at most {most} printable ASCII characters"));
            }
        }
        if self.system_id.is_empty() {
            return wrong("system_id", "is missing");
        }
        if !(1..=MAX_BINDS).contains(&self.binds) {
            return wrong("binds", &format!("lies between 1 and {MAX_BINDS}"));
        }
        if !(1..=MAX_WINDOW).contains(&self.window) {
            return wrong("window", &format!("lies between 1 and {MAX_WINDOW}"));
        }
        for (setting, time) in [
            ("response_timeout", self.response_timeout),
            ("bind_timeout", self.bind_timeout),
            ("reconnect_min", self.reconnect_min),
        ] {
            if time.is_zero() {
                return wrong(setting, "is longer than nothing");
            }
        }
        if self.reconnect_max < self.reconnect_min {
            return wrong("reconnect_max", "is at least reconnect_min");
        }
        Ok(())
    }

    pub(super) fn session(&self) -> SessionConfig {
        SessionConfig {
            version: self.interface_version.into(),
            assumed_peer_version: self.assumed_version.into(),
            // The window is kept by the link, to the place. The driver frees its slots a moment after it tells outcomes, so it
            // gets twice as many: a place that is free here is always free there.
            window: 2 * self.window,
            response_timeout: self.response_timeout,
            enquire_link: Some(self.enquire_link).filter(|every| !every.is_zero()),
            bind_timeout: self.bind_timeout,
            ..SessionConfig::default()
        }
    }

    pub(super) fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = 'acme'\nhost = 'smsc.example'\nsystem_id = 'us'\npassword = 'hush'\n";

    fn read(more: &str) -> Result<Config, String> {
        toml::from_str(&format!("{LEAST}{more}")).map_err(|error| error.to_string())
    }

    #[test]
    fn four_settings_are_enough() {
        let config = read("").unwrap();
        config.check().unwrap();
        assert_eq!((config.port, config.window, config.binds), (2775, 64, 1));
        assert_eq!(config.address(), "smsc.example:2775");
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn every_setting_is_read_as_people_write_it() {
        let config = read(
            "port = 3550\nmode = 'pair'\nbinds = 2\ninterface_version = '5.0'\nassumed_version = '3.4'\nwindow = 10\n\
             enquire_link = '0s'\nresponse_timeout = '10s'\nbind_timeout = '5s'\nreconnect_min = '250ms'\n\
             reconnect_max = '1m'\nmax_segments_per_second = 75\nsource_ton = 6\nsource_npi = 0\ndest_ton = 2\ndest_npi = 1\n\
             service_type = 'CMT'\ndefault_alphabet = 'latin1'\nconcatenation = 'message_payload'\nmessage_id = 'hex'\n\
             receipt_message_id = 'decimal'\nreceipts_without_esm_class = true\nvalidity_period = false\nsystem_type = 'VMA'\n\
             [tls]\nca_file = 'ca.pem'\nserver_name = 'smsc.example'\n",
        )
        .unwrap();
        config.check().unwrap();
        assert_eq!(config.session().enquire_link, None);
        assert_eq!(config.reconnect_max, Duration::from_secs(60));
        assert_eq!(config.concatenation, LongText::MessagePayload);
        assert_eq!(config.mode.kinds().len(), 2);
    }

    #[test]
    fn each_mode_has_its_binds() {
        use BindKind::{Receiver, Transceiver, Transmitter};
        for (mode, kinds) in [
            ("transceiver", &[Transceiver][..]),
            ("pair", &[Transmitter, Receiver]),
            ("transmitter", &[Transmitter]),
            ("receiver", &[Receiver]),
        ] {
            assert_eq!(read(&format!("mode = '{mode}'")).unwrap().mode.kinds(), kinds);
        }
    }

    #[test]
    fn unknown_settings_and_impossible_ones_are_refused_by_name() {
        for (more, word) in [("windw = 1", "windw"), ("enquire_link = 30", "enquire_link"), ("mode = 'rx'", "mode")] {
            let error = read(more).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        for (more, word) in [
            ("window = 0", "window"),
            ("binds = 65", "binds"),
            ("system_type = 'more than twelve'", "system_type"),
            ("reconnect_min = '2s'\nreconnect_max = '1s'", "reconnect_max"),
            ("bind_timeout = '0s'", "bind_timeout"),
        ] {
            let error = read(more).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("acme"), "{error}");
        }
        assert!(Config::default().check().is_err());
    }

    #[test]
    fn an_address_of_version_six_stands_in_brackets() {
        let config = Config { host: "::1".into(), port: 1, ..Config::default() };
        assert_eq!(config.address(), "[::1]:1");
    }

    #[test]
    fn peers_without_optional_parameters_get_headers_whatever_is_set() {
        for way in [LongText::Udh8, LongText::Sar, LongText::MessagePayload] {
            assert_eq!(way.reference_kind(false), Some(ReferenceKind::Udh8));
        }
        assert_eq!(LongText::Sar.reference_kind(true), Some(ReferenceKind::Sar));
    }
}
