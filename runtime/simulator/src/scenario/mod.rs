//! How the carrier behaves: a TOML file of which every key has a default, and every default behaves well.

mod receipts;
mod values;

pub use receipts::{Dialect, IdForm, MessageIds, Outcome, OutcomeRule, Receipts};
pub use values::{Delay, OneOrMore, Pattern, Rate, Span};

use crate::{Error, Status};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The carrier's behaviour. May be changed while it runs; what is already on its way keeps its fate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Who may bind, and what the bind response says.
    pub bind: BindRules,
    /// When and whether `submit_sm_resp` comes.
    pub response: Responses,
    /// `ESME_RTHROTTLED`.
    pub throttle: Throttle,
    /// `ESME_RMSGQFUL`.
    pub queue_full: Spell,
    /// Refusals for good, the first matching rule wins.
    pub refuse: Vec<Refusal>,
    /// What becomes of accepted messages, the first matching rule wins; otherwise they are delivered.
    pub outcomes: Vec<OutcomeRule>,
    /// Delivery receipts.
    pub receipts: Receipts,
    /// How message ids are written.
    pub message_id: MessageIds,
    /// `deliver_sm` toward the peer: receipts and inbound messages.
    pub deliver: DeliverRules,
    /// 0–100, put on every response to a peer of 3.4 or later; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion_state: Option<u8>,
    /// What `data_coding` 0 means here.
    pub default_alphabet: DefaultAlphabet,
    /// Broken connections and bytes.
    pub faults: Faults,
}

/// Who may bind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BindRules {
    /// The only system id that may bind; any by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
    /// Its password; any by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The SMSC's version. A bind response of 3.3 has no `sc_interface_version`, and no TLVs follow.
    pub interface_version: InterfaceVersion,
    /// Share of binds refused.
    pub refuse_rate: Rate,
    /// Refuse this many binds before the first is let in.
    pub refuse_first: u64,
    /// The status of those refusals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse_status: Option<Status>,
    /// Wait before the bind response.
    pub delay: Delay,
    /// Close new connections without a word, as a carrier behind a dead balancer does.
    pub hang_up: bool,
    /// Ask each bound peer `enquire_link` this often; zero never asks.
    pub enquire_link_every: Span,
}

/// The version that the SMSC speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InterfaceVersion {
    /// 3.3.
    #[serde(rename = "3.3")]
    V33,
    /// 3.4.
    #[default]
    #[serde(rename = "3.4")]
    V34,
    /// 5.0.
    #[serde(rename = "5.0")]
    V50,
}

/// When and whether `submit_sm_resp` comes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Responses {
    /// Wait before a response. A millisecond lets responses leave in batches, at less CPU for both sides.
    pub delay: Delay,
    /// Share of submits that are never answered.
    pub silence_rate: Rate,
    /// An unanswered message was dropped rather than taken.
    pub silence_drops: bool,
}

/// Throttling: by chance, and by rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Throttle {
    /// Chance that a submit starts a throttled spell.
    pub rate: Rate,
    /// How long the spell lasts.
    pub lasts: Span,
    /// Submits a second that are let through, with a burst of a tenth of it; 0 is no limit.
    pub per_second: u32,
}

/// A spell that a submit starts by chance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spell {
    /// Chance that a submit starts it.
    pub rate: Rate,
    /// How long it lasts; the submit that started it is refused in any case.
    pub lasts: Span,
}

/// A refusal for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Destinations it applies to.
    #[serde(default)]
    pub to: Pattern,
    /// Share of them.
    #[serde(default = "Rate::always")]
    pub rate: Rate,
    /// The status they get.
    pub status: Status,
}

/// `deliver_sm` toward the peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverRules {
    /// Unanswered `deliver_sm` on one bind before the carrier waits.
    pub window_pdus: usize,
    /// An unanswered `deliver_sm` is sent again after this.
    pub response_timeout: Span,
    /// One answered with a passing error is sent again after this.
    pub retry_after: Span,
    /// Times that one is sent before the carrier gives it up; a broken connection doesn't count.
    pub attempts: u32,
}

/// What `data_coding` 0 means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultAlphabet {
    /// GSM 03.38.
    #[default]
    Gsm,
    /// ISO 8859-1.
    Latin1,
}

/// Broken connections and bytes, every so many submits; 0 is never.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Take the submit, then close without answering it.
    pub disconnect_every: u64,
    /// Take the submit, send half of its response, close.
    pub cut_pdu_every: u64,
    /// Answer, then send garbage.
    pub garbage_every: u64,
    /// Which garbage.
    pub garbage: Garbage,
}

/// Bytes that are no SMPP, or nearly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Garbage {
    /// 64 octets of noise.
    #[default]
    Noise,
    /// A header that promises 2 GiB.
    HugeLength,
    /// A header that promises less than itself.
    TinyLength,
    /// A well-formed PDU of an unknown command.
    UnknownCommand,
    /// A `deliver_sm` whose last TLV promises more than there is.
    CutTlv,
    /// A response to a request that was never made.
    StrayResponse,
}

impl Default for DeliverRules {
    fn default() -> Self {
        Self { window_pdus: 500, response_timeout: Span::from_secs(60), retry_after: Span::from_secs(1), attempts: 20 }
    }
}

impl Scenario {
    /// Reads a scenario; `name` stands in the error, which also has line and key.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, Error> {
        let scenario: Self = toml::from_str(text)
            .map_err(|error| Error::Scenario { name: name.to_owned(), reason: error.to_string() })?;
        scenario.checked().map_err(|reason| Error::Scenario { name: name.to_owned(), reason })
    }

    /// Reads a scenario's file.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_toml(&name, &text),
            Err(error) => Err(Error::File { name, error }),
        }
    }

    /// The bounds that the types don't hold.
    pub(crate) fn checked(self) -> Result<Self, String> {
        if self.congestion_state.is_some_and(|state| state > 100) {
            return Err("`congestion_state` lies between 0 and 100".to_owned());
        }
        if self.deliver.window_pdus == 0 || self.deliver.attempts == 0 {
            return Err("`deliver.window_pdus` and `deliver.attempts` are at least 1".to_owned());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_a_carrier_that_behaves() {
        assert_eq!(Scenario::from_toml("empty", "").unwrap(), Scenario::default());
    }

    #[test]
    fn what_is_written_out_reads_back() {
        let text = r#"
            congestion_state = 85
            default_alphabet = "latin1"
            [bind]
            interface_version = "5.0"
            refuse_status = "ESME_RBINDFAIL"
            [response]
            delay = "1ms..5ms"
            [[refuse]]
            to = "+1555*"
            status = 0x0B
            [[outcomes]]
            rate = 0.25
            state = "undelivered"
            error = 33
            [receipts]
            dialect = ["tlv", "text-4digit-err"]
            [message_id]
            form = "hex-in-response"
        "#;
        let scenario = Scenario::from_toml("full", text).unwrap();
        assert_eq!(scenario.refuse[0].status, Status(0x0B));
        let again = Scenario::from_toml("again", &toml::to_string(&scenario).unwrap()).unwrap();
        assert_eq!(again, scenario);
        let json = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_key() {
        for (text, line, words) in [
            ("[throttle]\nrates = 0.1\n", 2, "rates"),
            ("\n\n[throttle]\nrate = 1.5\n", 4, "rate"),
            ("[response]\ndelay = \"soon\"\n", 2, "delay"),
            ("[response]\n\ndelay = \"5ms..1ms\"\n", 3, "delay"),
            ("[receipts]\ndialect = \"klingon\"\n", 2, "klingon"),
            ("[[refuse]]\nto = \"*\"\nstatus = \"ESME_NOPE\"\n", 3, "ESME_NOPE"),
            ("[bind]\ninterface_version = \"3.5\"\n", 2, "interface_version"),
        ] {
            let shown = Scenario::from_toml("story.toml", text).unwrap_err().to_string();
            assert!(shown.contains("story.toml"), "{shown}");
            assert!(shown.contains(&format!("line {line}")) && shown.contains(words), "{shown}");
        }
        let shown = Scenario::from_toml("story.toml", "congestion_state = 101").unwrap_err().to_string();
        assert!(shown.contains("congestion_state"), "{shown}");
    }
}
