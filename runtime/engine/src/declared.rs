//! What the operator says of a tenant and the tenant of a person, as facts.

use signalbox_model::{Message, MessageId};
use signalbox_policy::Policies;
use signalbox_policy::content::rewrite::{Inserts, LINK, POINTER, is_pointer};
use signalbox_policy::facts::{Fact, FactSet, Facts, Sector};

use crate::contacts::Contact;
use crate::directory::Account;
use crate::engine::Engine;
use crate::portal::{self, TOKEN};
use crate::route;

/// Names of the tenant's settings that rules are about; the operator writes them.
const PORTAL: &str = "portal_url";
pub(crate) const SECTOR: &str = "sector";
const PORTAL_TEXT: &str = "portal_text";
/// Attributes of a contact that rules are about; `true` is yes, and anything else isn't.
const OF_AGE: &str = "of_age";
const PLAIN_MESSAGES: &str = "plain_messages";

/// The facts that a contact's record tells, besides the place.
pub(crate) const OF_CONTACT: FactSet = FactSet::of(&[Fact::RecipientOfAge, Fact::PlainPreferred]);

/// What a message of the tenant's becomes that may only point to the portal: the tenant's wording with a link, in which
/// `{token}` stands for what only this message's recipient knows.
pub(crate) fn pointer(account: &Account, message: MessageId) -> Option<String> {
    let tenant = &account.tenant;
    let url = tenant.settings.get(PORTAL)?;
    let link = if url.contains(TOKEN) { url.replace(TOKEN, &portal::token(account, message)) } else { url.clone() };
    let wording = tenant.settings.get(PORTAL_TEXT).map_or(POINTER, String::as_str);
    Some(wording.replace(LINK, &link))
}

/// What the operator says of a tenant.
pub(crate) fn of_tenant(engine: &Engine, facts: &mut Facts, policy: &Policies, account: &Account, message: &Message) {
    let tenant = &account.tenant;
    facts.sector = match tenant.settings.get(SECTOR).map(String::as_str) {
        None => Some(Sector::None),
        Some(name) => Sector::ALL.iter().copied().find(|sector| sector.as_str() == name),
    };
    if policy.rules.reads().has(Fact::CarrierBaa) {
        facts.carrier_baa = Some(route::is_covered(engine, tenant, message.ours()));
    }
    if policy.rules.reads().has(Fact::PortalOnly) {
        let pointer = pointer(account, message.id);
        let inserts = Inserts { brand: Some(&tenant.brand), pointer: pointer.as_deref() };
        facts.portal_only = Some(is_pointer(&message.body.text, inserts));
    }
}

/// What a tenant has on record of a person. What isn't on record isn't known to be so.
pub(crate) fn of_contact(facts: &mut Facts, contact: Option<&Contact>) {
    let says = |name: &str| {
        contact
            .is_some_and(|contact| contact.attributes.get(name).is_some_and(|said| said.eq_ignore_ascii_case("true")))
    };
    facts.recipient_of_age = Some(says(OF_AGE));
    facts.plain_preferred = Some(says(PLAIN_MESSAGES));
}
