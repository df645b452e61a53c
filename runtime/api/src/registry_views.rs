//! Brands, campaigns and numbers as they are taken and shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use signalbox_engine::registry::registration::{Form, Line, Outcome, Record, Shown, Who};
use signalbox_model::Timestamp;
use utoipa::ToSchema;

use crate::shape::{Field, Kind, Need, Object, Shape};

macro_rules! form {
    (
        texts { $($(#[$text_doc:meta])* $text:ident,)* }
        lists { $($(#[$list_doc:meta])* $list:ident,)* }
        flags { $($(#[$flag_doc:meta])* $flag:ident,)* }
        counts { $($(#[$count_doc:meta])* $count:ident,)* }
    ) => {
        /// What is told of a brand, a campaign, a number, a toll-free number or a short code. Which fields one has depends
        /// on its kind; what isn't given stays as it was.
        #[derive(Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, default)]
        #[schema(as = NewRegistration)]
        pub(crate) struct NewRegistration {
            $($(#[$text_doc])* $text: Option<String>,)*
            $($(#[$list_doc])* $list: Option<Vec<String>>,)*
            $($(#[$flag_doc])* $flag: Option<bool>,)*
            $($(#[$count_doc])* $count: Option<u32>,)*
        }

        impl Shape for NewRegistration {
            const SHAPE: Object = Object {
                fields: &[
                    $(Field { name: stringify!($text), kind: Kind::Text, need: Need::Nullable },)*
                    $(Field { name: stringify!($list), kind: Kind::Texts, need: Need::Nullable },)*
                    $(Field { name: stringify!($flag), kind: Kind::Flag, need: Need::Nullable },)*
                    $(Field { name: stringify!($count), kind: Kind::Count, need: Need::Nullable },)*
                ],
            };
        }

        impl NewRegistration {
            /// The fields that were given.
            pub(crate) fn form(self) -> Form {
                let mut fields = BTreeMap::new();
                $(if let Some(text) = self.$text { fields.insert(stringify!($text).to_owned(), vec![text]); })*
                $(if let Some(list) = self.$list { fields.insert(stringify!($list).to_owned(), list); })*
                $(if let Some(flag) = self.$flag { fields.insert(stringify!($flag).to_owned(), vec![flag.to_string()]); })*
                $(if let Some(count) = self.$count { fields.insert(stringify!($count).to_owned(), vec![count.to_string()]); })*
                Form(fields)
            }
        }
    };
}

form! {
    texts {
        /// A brand's name to recipients.
        name,
        /// What a brand is: `private_profit`, `public_profit`, `non_profit`, `government`, `sole_proprietor`.
        entity,
        /// A brand's tax id; shown again only by its end.
        tax_id,
        /// A campaign's brand.
        brand,
        /// What a campaign is for, such as `account_notification`.
        use_case,
        /// What is sent, in words.
        description,
        /// How recipients come to the campaign.
        message_flow,
        /// What HELP is answered with.
        help_message,
        /// The campaign that a number belongs to.
        campaign,
        /// Who sends from a toll-free number.
        business,
        /// What is sent from a short code, in words.
        program,
        /// Where it stands. Only with the operator's key.
        status,
        /// Where a campaign stands with every carrier. Only with the operator's key.
        carrier_status,
        /// Where a campaign stands with AT&T. Only with the operator's key.
        att_status,
        /// Where a campaign stands with T-Mobile. Only with the operator's key.
        tmobile_status,
        /// Where a campaign stands with Verizon. Only with the operator's key.
        verizon_status,
        /// Where a campaign stands with US Cellular. Only with the operator's key.
        uscellular_status,
        /// Where a campaign stands with all other carriers. Only with the operator's key.
        other_status,
        /// AT&T's class, if it isn't the one that use case and score lead to. Only with the operator's key.
        att_class,
        /// The Campaign Registry's id. Only with the operator's key.
        tcr_id,
    }
    lists {
        /// What a mixed campaign is for.
        sub_use_cases,
        /// Up to five examples of a campaign's messages.
        samples,
        /// Domains of a campaign's links.
        domains,
    }
    flags {
        /// Has links.
        embedded_link,
        /// Has telephone numbers.
        embedded_phone,
        /// Is for grown-ups alone.
        age_gated,
        /// Lends money.
        direct_lending,
        /// Advertises for others.
        affiliate_marketing,
        /// Has more than 49 numbers.
        number_pool,
        /// Recipients opt in.
        subscriber_optin,
        /// Recipients can opt out.
        subscriber_optout,
        /// Recipients are answered to HELP.
        subscriber_help,
        /// The connectivity partners agreed to the campaign. Only with the operator's key.
        dca_complete,
    }
    counts {
        /// A brand's score, 0 to 100. Only with the operator's key.
        score,
    }
}

/// Something registered.
#[derive(Serialize, ToSchema)]
#[schema(as = Registration)]
pub(crate) struct RegistrationView {
    /// `brands`, `campaigns`, `numbers`, `toll-free` or `short-codes`.
    kind: &'static str,
    /// Its name or number.
    id: String,
    /// Where it stands.
    status: &'static str,
    /// All that is on record of it.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// When it was put on record.
    made_at: String,
    /// When it last changed.
    changed_at: String,
}

/// Something registered, and how it came to be so.
#[derive(Serialize, ToSchema)]
#[schema(as = RegistrationDetail)]
pub(crate) struct RegistrationDetailView {
    /// What it is.
    #[serde(flatten)]
    pub(crate) registration: RegistrationView,
    /// Its last changes, the last first.
    pub(crate) history: Vec<RegistrationLineView>,
}

/// All of a kind.
#[derive(Serialize, ToSchema)]
#[schema(as = Registrations)]
pub(crate) struct RegistrationsView {
    /// In the order of their names.
    pub(crate) registrations: Vec<RegistrationView>,
}

/// What a file put on record.
#[derive(Serialize, ToSchema)]
#[schema(as = RegistrationImport)]
pub(crate) struct RegistrationImportView {
    /// How many entries: all of the file's.
    pub(crate) imported: usize,
}

/// A line of a history.
#[derive(Serialize, ToSchema)]
#[schema(as = RegistrationLine)]
pub(crate) struct RegistrationLineView {
    /// When.
    at: String,
    /// By whose word: `tenant`, `operator` or `registry`.
    who: &'static str,
    /// The API key that was used.
    key_id: Option<String>,
    /// The registry's event.
    event: Option<String>,
    /// When the registry says that it happened.
    event_at: Option<String>,
    /// What changed.
    changes: Vec<FieldChangeView>,
    /// Why an event changed nothing.
    note: Option<String>,
}

/// A field that changed.
#[derive(Serialize, ToSchema)]
#[schema(as = RegistrationChange)]
pub(crate) struct FieldChangeView {
    /// Which.
    field: String,
    /// What it was.
    before: Option<String>,
    /// What it is.
    after: Option<String>,
}

/// What became of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = RegistryEventTaken)]
pub(crate) struct EventView {
    /// `changed`, or `kept` where it changed nothing.
    outcome: &'static str,
    /// Why it changed nothing.
    why: Option<String>,
}

impl RegistrationView {
    pub(crate) fn new(record: &Record) -> Self {
        let value = |shown: Shown| match shown {
            Shown::None => Value::Null,
            Shown::Text(text) => text.into(),
            Shown::Texts(texts) => texts.into(),
            Shown::Number(number) => number.into(),
            Shown::Flag(flag) => flag.into(),
        };
        let fields = record.object.fields().into_iter().map(|(name, shown)| (name.to_owned(), value(shown)));
        Self {
            kind: record.object.kind().as_str(),
            id: record.id.clone(),
            status: record.object.status(),
            fields: fields.collect(),
            made_at: record.made_at.to_rfc3339(),
            changed_at: record.changed_at.to_rfc3339(),
        }
    }
}

impl RegistrationLineView {
    pub(crate) fn new(line: &Line) -> Self {
        let (who, key_id, event) = match &line.who {
            Who::Tenant(key) => ("tenant", Some(key.to_string()), None),
            Who::Operator => ("operator", None, None),
            Who::Registry { event, at } => ("registry", None, Some((event.clone(), *at))),
        };
        let changes = line.changes.iter().map(|change| FieldChangeView {
            field: change.field.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        });
        Self {
            at: line.at.to_rfc3339(),
            who,
            key_id,
            event_at: event.as_ref().map(|(_, at)| Timestamp::to_rfc3339(*at)),
            event: event.map(|(event, _)| event),
            changes: changes.collect(),
            note: line.note.clone(),
        }
    }
}

impl EventView {
    pub(crate) fn new(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Changed(_) => Self { outcome: "changed", why: None },
            Outcome::Kept(why) => Self { outcome: "kept", why: Some(why) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_engine::registry::registration::Kind as Registered;

    #[test]
    fn every_field_of_every_kind_can_be_told() {
        let told: Vec<_> = NewRegistration::SHAPE.fields.iter().map(|field| field.name).collect();
        for kind in Registered::ALL {
            for (field, _) in kind.form() {
                assert!(told.contains(field), "{field} of {}", kind.as_str());
            }
        }
        for field in told {
            assert!(Registered::ALL.iter().any(|kind| kind.form().iter().any(|(name, _)| *name == field)), "{field}");
        }
    }
}
