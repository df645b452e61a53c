//! `[[carriers]]`.

use signalbox_carriers::{Error, smpp};

use super::secret::Surroundings;
use signalbox_forms::Section;

/// Reads the carriers; what is wrong was complained of.
pub fn read(sections: Vec<Section<'_, '_>>, surroundings: &Surroundings<'_>) -> Vec<smpp::Config> {
    let mut carriers: Vec<smpp::Config> = Vec::new();
    for section in sections {
        let kinds = [("smpp", ())];
        let _ = section.one_of("kind", &kinds);
        let carrier = carrier(&section, surroundings);
        if carriers.iter().any(|other| other.name == carrier.name && !carrier.name.is_empty()) {
            section.complain_at("name", format!("`{}` is the name of another carrier, too", carrier.name));
        }
        if let Err(Error::Setting { setting, wrong, .. }) = carrier.check() {
            section.complain_at(setting, wrong);
        }
        section.end();
        carriers.push(carrier);
    }
    carriers
}

fn carrier(section: &Section<'_, '_>, surroundings: &Surroundings<'_>) -> smpp::Config {
    let default = smpp::Config::default();
    let text = |key| section.text(key).map(|text| text.value).unwrap_or_default();
    let count = |key, most| section.number(key, 1..=most).and_then(|n| usize::try_from(n.value).ok());
    let octet = |key| section.number(key, 0..=255).and_then(|n| u8::try_from(n.value).ok());
    let per_second = section.number("max_segments_per_second", 0..=u64::from(u32::MAX));
    let port = section.number("port", 1..=65_535).and_then(|n| u16::try_from(n.value).ok());
    let password = section.text("password").and_then(|text| surroundings.resolve(section, &text));
    smpp::Config {
        name: text("name"),
        host: text("host"),
        baa: section.flag("baa").unwrap_or(default.baa),
        port: port.unwrap_or(default.port),
        tls: section.section_if_there("tls").map(|section| tls(section, surroundings)),
        system_id: text("system_id"),
        password: password.as_deref().unwrap_or_default().into(),
        system_type: text("system_type"),
        mode: one_of(section, "mode", MODES, default.mode),
        binds: count("binds", 64).unwrap_or(default.binds),
        interface_version: one_of(section, "interface_version", VERSIONS, default.interface_version),
        assumed_version: one_of(section, "assumed_version", VERSIONS, default.assumed_version),
        window: count("window", 10_000).unwrap_or(default.window),
        enquire_link: section.duration("enquire_link").unwrap_or(default.enquire_link),
        response_timeout: section.duration("response_timeout").unwrap_or(default.response_timeout),
        bind_timeout: section.duration("bind_timeout").unwrap_or(default.bind_timeout),
        reconnect_min: section.duration("reconnect_min").unwrap_or(default.reconnect_min),
        reconnect_max: section.duration("reconnect_max").unwrap_or(default.reconnect_max),
        max_segments_per_second: per_second.and_then(|n| u32::try_from(n.value).ok()).unwrap_or_default(),
        source_ton: octet("source_ton"),
        source_npi: octet("source_npi"),
        dest_ton: octet("dest_ton"),
        dest_npi: octet("dest_npi"),
        service_type: text("service_type"),
        default_alphabet: one_of(section, "default_alphabet", ALPHABETS, default.default_alphabet),
        concatenation: one_of(section, "concatenation", LONG_TEXTS, default.concatenation),
        message_id: one_of(section, "message_id", ID_FORMS, default.message_id),
        receipt_message_id: section.one_of("receipt_message_id", ID_FORMS).map(|form| form.value),
        receipts_without_esm_class: section
            .flag("receipts_without_esm_class")
            .unwrap_or(default.receipts_without_esm_class),
        validity_period: section.flag("validity_period").unwrap_or(default.validity_period),
    }
}

fn tls(section: Section<'_, '_>, surroundings: &Surroundings<'_>) -> smpp::TlsConfig {
    let ca_file = section.text("ca_file").map(|file| surroundings.path(&file.value));
    let server_name = section.text("server_name").map(|name| name.value);
    section.end();
    smpp::TlsConfig { ca_file, server_name }
}

fn one_of<T: Copy>(section: &Section<'_, '_>, key: &'static str, names: &[(&'static str, T)], default: T) -> T {
    section.one_of(key, names).map_or(default, |found| found.value)
}

const MODES: &[(&str, smpp::BindMode)] = &[
    ("transceiver", smpp::BindMode::Transceiver),
    ("pair", smpp::BindMode::Pair),
    ("transmitter", smpp::BindMode::Transmitter),
    ("receiver", smpp::BindMode::Receiver),
];

const VERSIONS: &[(&str, smpp::InterfaceVersion)] = &[
    ("3.3", smpp::InterfaceVersion::V3_3),
    ("3.4", smpp::InterfaceVersion::V3_4),
    ("5.0", smpp::InterfaceVersion::V5_0),
];

const ALPHABETS: &[(&str, smpp::Alphabet)] = &[
    ("gsm", smpp::Alphabet::Gsm),
    ("latin1", smpp::Alphabet::Latin1),
    ("ascii", smpp::Alphabet::Ascii),
    ("utf8", smpp::Alphabet::Utf8),
];

const LONG_TEXTS: &[(&str, smpp::LongText)] = &[
    ("udh8", smpp::LongText::Udh8),
    ("udh16", smpp::LongText::Udh16),
    ("sar", smpp::LongText::Sar),
    ("message_payload", smpp::LongText::MessagePayload),
];

const ID_FORMS: &[(&str, smpp::MessageIdForm)] = &[
    ("opaque", smpp::MessageIdForm::Opaque),
    ("hex", smpp::MessageIdForm::Hex),
    ("decimal", smpp::MessageIdForm::Decimal),
];
