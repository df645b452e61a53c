//! Consent on the path: what is asked before a message leaves, and what a STOP, a START or a tenant's word changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use signalbox_model::directory::StopReach;
use signalbox_model::{
    Address, Category, Conversation, ConversationId, Direction, KeyId, Message, Origin, TenantId, Timestamp,
};
use signalbox_policy::Intent;
use signalbox_records::audit::Item;
use signalbox_registry::{
    self as registry, By, Change, ConsentId, Entry, Grant, Import, ImportRefused, Level, Line, Party, Permission,
    Place, Program, Question, Reach, Revocation,
};

use crate::audit::{self, Changed};
use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::registered::{self, Campaign};
use crate::step::Step;

/// How far back the category of the message is looked for to which a STOP answers.
const LOOK_BACK: usize = 16;

/// What is asked before `message` leaves, which is of this campaign.
fn question<'a>(message: &'a Message, campaign: Option<&'a str>) -> Question<'a> {
    Question {
        tenant: &message.tenant,
        sender: message.ours(),
        conversation: message.conversation_id(),
        campaign,
        person: message.theirs(),
        category: message.category,
    }
}

/// What a message's recipient allows.
pub(crate) async fn permission(
    engine: &Engine,
    message: &Message,
    campaign: Option<&str>,
) -> Result<Permission, Error> {
    engine.consent.permission(question(message, campaign)).await.map_err(registry_error)
}

/// Did the recipient revoke since `revocations` was read? The host's own answers aren't subject to consent.
pub(crate) fn revoked_since(engine: &Engine, message: &Message, revocations: u64) -> bool {
    if engine.consent.revocations() == revocations || message.origin == Origin::Keyword {
        return false;
    }
    let campaign = registered::campaign(engine, message);
    engine.consent.is_revoked(question(message, campaign.as_ref().map(Campaign::name)))
}

/// The registry's errors, as the path's.
pub(crate) fn registry_error(error: registry::Error) -> Error {
    match error {
        registry::Error::Store(error) => Error::Store(error),
        registry::Error::Unreadable(error) => Error::Unreadable(error),
    }
}

/// How far a STOP said in `conversation` reaches.
pub(crate) async fn stop_reach(engine: &Engine, conversation: &Conversation) -> Result<Reach, Error> {
    let account = engine.directory.account(&conversation.tenant);
    Ok(match account.map(|account| account.tenant.stop_reach).unwrap_or_default() {
        StopReach::Sender => Reach::Program,
        StopReach::All => Reach::All,
        // What it answers to isn't known: then it is taken for everything.
        StopReach::Category => match last_category(engine, &conversation.tenant, conversation.id()).await? {
            Some(category) => Reach::Category(category),
            None => Reach::All,
        },
    })
}

/// The category of the last message that the tenant sent in a conversation.
async fn last_category(engine: &Engine, tenant: &TenantId, id: ConversationId) -> Result<Option<Category>, Error> {
    let past = signalbox_records::history::pointers(&*engine.store, id, LOOK_BACK).await;
    for (id, direction) in past.map_err(crate::engine::read_error)? {
        if direction == Direction::Outbound
            && let Some(live) = engine.live(tenant, id).await?
            && live.message.origin != Origin::Keyword
        {
            return Ok(Some(live.message.category));
        }
    }
    Ok(None)
}

/// What a keyword changes, put into its message's step. Was it so before?
pub(crate) async fn obey(
    engine: &Engine,
    step: &mut Step<'_>,
    conversation: &Conversation,
    intent: Intent,
    reach: Reach,
    by: By,
) -> Result<bool, Error> {
    let Conversation { tenant, ours, theirs } = conversation;
    let category = match &reach {
        Reach::Category(category) => *category,
        _ => Category::default(),
    };
    let campaign = engine.registration.campaign_of(tenant, ours);
    let asked = Question {
        tenant,
        sender: ours,
        conversation: conversation.id(),
        campaign: campaign.as_deref(),
        person: theirs,
        category,
    };
    let permission = engine.consent.permission(asked).await.map_err(registry_error)?;
    let at = step.at;
    let change = match intent {
        Intent::Help => return Ok(false),
        Intent::Stop => Change::Revoked(Revocation { at, reach, by }),
        Intent::Start => {
            let proof = match &by {
                By::Keyword { message, .. } => Some(message.to_string()),
                By::Api { .. } | By::Import { .. } | By::Carrier { .. } => None,
            };
            // START takes nothing away from who agreed in writing and never took it back.
            let level = permission.level.max(Level::Express);
            // It was said after what it takes back, even if the clock stood still in between.
            let revoked_at = permission.revoked.as_ref().map_or(at, |revoked| revoked.at + Duration::from_micros(1));
            Change::Granted(Grant { level, at: at.max(revoked_at), method: "keyword".to_owned(), proof, by })
        }
    };
    let party = Party { program: Program::Sender(ours.clone()), person: theirs.clone() };
    let staged = engine.consent.stage(&mut step.batch, tenant, party, change, at).await.map_err(registry_error)?;
    step.consent = Some(Box::new(staged));
    Ok(permission.revoked.is_some())
}

/// A tenant's word about somebody's consent.
#[derive(Debug, Clone)]
pub struct ConsentChange {
    /// To which sender or campaign.
    pub program: Program,
    /// Whose.
    pub person: Address,
    /// What.
    pub said: ConsentSaid,
    /// When it was said; now if it isn't given.
    pub at: Option<Timestamp>,
}

/// What a tenant says of somebody's consent.
#[derive(Debug, Clone)]
pub enum ConsentSaid {
    /// It was given.
    Granted {
        /// How much.
        level: Level,
        /// How it was obtained.
        method: String,
        /// Where the proof is.
        proof: Option<String>,
    },
    /// It was taken back.
    Revoked {
        /// How far.
        reach: Reach,
    },
}

impl Step<'_> {
    /// Has the audit log tell what a tenant's key says of somebody's consent.
    fn log_change(&mut self, tenant: &TenantId, party: &Party, change: &Change, key: KeyId) {
        let (what, by) = ("consent".to_owned(), key.to_string());
        let name = match &party.program {
            Program::Sender(_) => "a sender".to_owned(),
            Program::Campaign(campaign) => campaign.clone(),
        };
        let to = match change {
            Change::Granted(Grant { level: Level::None, .. }) => "none",
            Change::Granted(Grant { level: Level::Express, .. }) => "express",
            Change::Granted(Grant { level: Level::ExpressWritten, .. }) => "express_written",
            Change::Revoked(_) => "revoked",
        };
        self.log_of_person(tenant, &party.person, |person| Item::Changed { by, what, name, to: to.to_owned(), person });
    }
}

/// Imports that are being written, with the changes written so far.
pub(crate) type Imports = Mutex<HashMap<(TenantId, String), Arc<AtomicU64>>>;

impl Handle {
    /// The time of the host's clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How many changes of an import are written; `None` if it isn't being written.
    pub fn consents_written(&self, tenant: &TenantId, name: &str) -> Option<u64> {
        let writing = self.0.imports.lock();
        writing.get(&(tenant.clone(), name.to_owned())).map(|done| done.load(Ordering::Relaxed))
    }

    /// Is it one of the tenant's senders, or a name that a campaign can have?
    pub fn owns_program(&self, tenant: &TenantId, program: &Program) -> bool {
        match program {
            Program::Sender(sender) => self.0.directory.owns(tenant, sender),
            Program::Campaign(campaign) => (1..=64).contains(&campaign.len()) && campaign.is_ascii(),
        }
    }

    /// Puts a tenant's word on the ledger; durable when it returns what it comes to.
    pub async fn put_consent(&self, tenant: &TenantId, key: KeyId, change: ConsentChange) -> Result<Entry, Error> {
        let engine = &self.0;
        let ConsentChange { program, person, said, at } = change;
        let now = engine.clock.now();
        let (at, by) = (at.unwrap_or(now), By::Api { key });
        let change = match said {
            ConsentSaid::Granted { level, method, proof } => Change::Granted(Grant { level, at, method, proof, by }),
            ConsentSaid::Revoked { reach } => Change::Revoked(Revocation { at, reach, by }),
        };
        let party = Party { program, person };
        let id = ConsentId::new(tenant, &party.program, &party.person);
        let home = id.partition(engine.store.partitions());
        let mut step = Step::new(engine, home);
        step.log_change(tenant, &party, &change, key);
        let staged = engine.consent.stage(&mut step.batch, tenant, party.clone(), change, now).await;
        step.consent = Some(Box::new(staged.map_err(registry_error)?));
        step.commit().await?;
        let standing = engine.consent.standing(tenant, id).await.map_err(registry_error)?;
        Ok(Entry { party, standing: (*standing).clone() })
    }

    /// What a person allows each of the tenant's senders, and the campaigns named; only those of which something is on
    /// record.
    pub async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &Address,
        campaigns: &[String],
    ) -> Result<Vec<Entry>, Error> {
        let account = self.0.directory.account(tenant);
        let numbers = account.map(|account| account.tenant.numbers.keys().cloned().collect::<Vec<_>>());
        let senders = numbers.unwrap_or_default().into_iter().map(Program::Sender);
        let mut entries = Vec::new();
        for program in senders.chain(campaigns.iter().cloned().map(Program::Campaign)) {
            let id = ConsentId::new(tenant, &program, person);
            let standing = self.0.consent.standing(tenant, id).await.map_err(registry_error)?;
            if *standing != registry::Standing::default() {
                let party = Party { program, person: person.clone() };
                entries.push(Entry { party, standing: (*standing).clone() });
            }
        }
        Ok(entries)
    }

    /// What is known of a person's permission for a category, with what they revoked elsewhere.
    pub async fn permission(&self, question: Question<'_>) -> Result<Permission, Error> {
        self.0.consent.permission(question).await.map_err(registry_error)
    }

    /// The ledger of (program, person), the last said first.
    pub async fn consent_lines(
        &self,
        tenant: &TenantId,
        program: &Program,
        person: &Address,
        most: usize,
    ) -> Result<Vec<Line>, Error> {
        let id = ConsentId::new(tenant, program, person);
        self.0.consent.lines(tenant, id, most).await.map_err(registry_error)
    }

    /// A page of all of a tenant's consents.
    pub async fn consents(
        &self,
        tenant: &TenantId,
        from: Option<Place>,
        most: usize,
    ) -> Result<(Vec<Entry>, Option<Place>), Error> {
        self.0.consent.list(tenant, from, most).await.map_err(registry_error)
    }

    /// Imports a CSV file of consents, whole or not at all.
    pub async fn import_consents(
        &self,
        tenant: &TenantId,
        key: KeyId,
        name: &str,
        file: &[u8],
    ) -> Result<Import, ImportRefused> {
        let engine = &self.0;
        let now = engine.clock.now();
        let owns = |program: &Program| self.owns_program(tenant, program);
        let parsed = registry::import::parse(file, name, key, now, owns).map_err(ImportRefused::Lines)?;
        let (place, done) = ((tenant.clone(), name.to_owned()), Arc::new(AtomicU64::new(0)));
        engine.imports.lock().insert(place.clone(), done.clone());
        let import = engine.consent.import(tenant, &parsed, now, |p| engine.epoch(p), &done).await;
        engine.imports.lock().remove(&place);
        if let Ok(import) = &import {
            let to = format!("{} changes, {} of them revocations", import.changes, import.revocations);
            audit::changed(engine, tenant, Changed { by: key.to_string(), what: "consents", name, to }).await;
        }
        import
    }

    /// An import by its name.
    pub async fn consent_import(&self, tenant: &TenantId, name: &str) -> Result<Option<Import>, Error> {
        self.0.consent.read_import(tenant, name).await.map_err(registry_error)
    }
}
