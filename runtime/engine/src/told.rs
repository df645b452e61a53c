//! What the operator says of a tenant and the tenant of a person, as facts.

use signalbox_model::directory::Tenant;
use signalbox_policy::Policies;
use signalbox_policy::content::rewrite::{Inserts, is_pointer};
use signalbox_policy::facts::{Fact, FactSet, Facts, Sector};

use crate::contacts::Contact;

/// Names of the tenant's settings that rules are about; the operator writes them.
const PORTAL: &str = "portal_url";
pub(crate) const SECTOR: &str = "sector";
const CARRIER_BAA: &str = "carrier_baa";
/// Attributes of a contact that rules are about; `true` is yes, and anything else isn't.
const OF_AGE: &str = "of_age";
const PLAIN_MESSAGES: &str = "plain_messages";

/// The facts that a contact's record tells, besides the place.
pub(crate) const OF_CONTACT: FactSet = FactSet::of(&[Fact::RecipientOfAge, Fact::PlainPreferred]);

/// Where the tenant's portal is.
pub(crate) fn portal(tenant: &Tenant) -> Option<&str> {
    tenant.settings.get(PORTAL).map(String::as_str)
}

/// What the operator says of a tenant.
pub(crate) fn of_tenant(facts: &mut Facts, policy: &Policies, tenant: &Tenant, text: &str) {
    facts.sector = match tenant.settings.get(SECTOR).map(String::as_str) {
        None => Some(Sector::None),
        Some(name) => Sector::ALL.iter().copied().find(|sector| sector.as_str() == name),
    };
    facts.carrier_baa = tenant.settings.get(CARRIER_BAA).map(|said| said == "true");
    if policy.rules.reads().has(Fact::PortalOnly) {
        let inserts = Inserts { brand: Some(&tenant.brand), portal: portal(tenant) };
        facts.portal_only = Some(is_pointer(text, inserts));
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
