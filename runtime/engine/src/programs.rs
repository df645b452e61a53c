//! Programs: what a tenant says of a campaign, or of senders that belong together: their own keywords, the answer to HELP, and the
//! domains of their links.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Partition, TenantId, Timestamp};
use signalbox_policy::{CustomKeywords, Intent, Intents, Watcher};
use signalbox_store::layout::{decode, encode, named_key};
use signalbox_store::{Batch, Epoch, Range, Store, Table};

use crate::engine::Engine;
use crate::error::{Error, FieldError};
use crate::handle::{Handle, is_name};

/// Programs of one tenant.
const MAX_PROGRAMS: usize = 1_000;
/// Senders of one program.
const MAX_SENDERS: usize = 1_000;
/// Domains of one program: each is compared with every link of its messages.
const MAX_DOMAINS: usize = 50;
/// Characters of a title and of a help: both stand in one answer, which should fit a segment.
const MAX_WORDS: [usize; 2] = [60, 320];

/// What a tenant says of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSettings {
    /// What recipients know it by, in place of the tenant's brand in answers to keywords.
    pub title: Option<String>,
    /// Where help is found, in place of the tenant's.
    pub help: Option<String>,
    /// Senders that belong to it, besides messages that name it as their campaign.
    pub senders: Vec<Address>,
    /// Domains of its links, in lower case; none if nobody said.
    pub domains: Option<Vec<String>>,
    /// Words that mean STOP there, besides those that always do.
    pub stop: Vec<String>,
    /// Words that mean START there.
    pub start: Vec<String>,
    /// Words that mean HELP there.
    pub help_words: Vec<String>,
}

/// A program as it is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramInfo {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name: what messages give as their campaign.
    pub name: String,
    /// What is said of it.
    pub settings: ProgramSettings,
    /// When it was made or last changed.
    pub made_at: Timestamp,
}

/// Why a program isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum ProgramRefused {
    /// Something in it can't be used.
    #[error("{} field(s) can't be used", .0.len())]
    Invalid(Vec<FieldError>),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// A program, ready to be asked.
pub(crate) struct Program {
    pub(crate) info: ProgramInfo,
    pub(crate) keywords: CustomKeywords,
}

#[derive(Default, Clone)]
struct Shown {
    by_name: HashMap<(TenantId, String), Arc<Program>>,
    by_sender: HashMap<(TenantId, Address), Arc<Program>>,
}

/// Every tenant's programs, in memory whole.
pub(crate) struct Programs {
    store: Arc<dyn Store>,
    epoch: Epoch,
    shown: ArcSwap<Shown>,
    changing: tokio::sync::Mutex<()>,
}

impl Programs {
    /// Reads what the store has.
    pub(crate) async fn open(store: Arc<dyn Store>, epoch: Epoch, intents: &Intents) -> Result<Self, Error> {
        let mut shown = Shown::default();
        let mut range = Range::prefix(Table::Program, Vec::new(), 256);
        loop {
            let page = store.range(Partition::DIRECTORY, range.clone()).await?;
            for (_, value) in &page {
                let info: ProgramInfo = decode(Table::Program, value)?;
                let keywords = kept(intents, &info);
                shown.put(Arc::new(Program { info, keywords }));
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
                _ => break,
            }
        }
        Ok(Self { store, epoch, shown: ArcSwap::from_pointee(shown), changing: Default::default() })
    }

    /// The lists of words have changed: what they mean now programs' own words mean no more. Asked after every change.
    pub(crate) fn read_anew(&self, policy: &Watcher) {
        self.shown.rcu(|shown| {
            let mut anew = Shown::default();
            for program in shown.by_name.values() {
                let keywords = kept(&policy.load().intents, &program.info);
                anew.add(Arc::new(Program { info: program.info.clone(), keywords }));
            }
            anew
        });
    }

    /// The program of what goes from a sender: that of its campaign, or else the one that lists the sender.
    pub(crate) fn of(&self, tenant: &TenantId, campaign: Option<&str>, sender: &Address) -> Option<Arc<Program>> {
        let shown = self.shown.load();
        if shown.by_name.is_empty() {
            return None;
        }
        let named = campaign.and_then(|name| shown.by_name.get(&(tenant.clone(), name.to_owned())));
        named.or_else(|| shown.by_sender.get(&(tenant.clone(), sender.clone()))).cloned()
    }
}

impl Shown {
    fn put(&mut self, program: Arc<Program>) {
        self.take_out(&program.info.tenant, &program.info.name);
        self.add(program);
    }

    /// One that isn't there.
    fn add(&mut self, program: Arc<Program>) {
        let info = &program.info;
        for sender in &info.settings.senders {
            self.by_sender.insert((info.tenant.clone(), sender.clone()), program.clone());
        }
        self.by_name.insert((info.tenant.clone(), info.name.clone()), program.clone());
    }

    fn take_out(&mut self, tenant: &TenantId, name: &str) {
        self.by_sender.retain(|(whose, _), program| whose != tenant || program.info.name != name);
        self.by_name.remove(&(tenant.clone(), name.to_owned()));
    }
}

/// The words that still can be had: what the lists have come to mean since, they mean.
fn kept(intents: &Intents, info: &ProgramInfo) -> CustomKeywords {
    let settings = &info.settings;
    if let Ok(keywords) = CustomKeywords::new(intents, words(settings)) {
        return keywords;
    }
    tracing::warn!(tenant = %info.tenant, program = info.name, "own keywords mean something else now and were left out");
    let still = |intent, list: &[String]| {
        let may = |word: &&String| CustomKeywords::new(intents, [(intent, std::slice::from_ref(*word))]).is_ok();
        list.iter().filter(may).cloned().collect::<Vec<_>>()
    };
    let lists = words(settings).map(|(intent, list)| (intent, still(intent, list)));
    let lists = lists.iter().map(|(intent, list)| (*intent, list.as_slice()));
    CustomKeywords::new(intents, lists).unwrap_or_default()
}

fn words(settings: &ProgramSettings) -> [(Intent, &[String]); 3] {
    [(Intent::Stop, &settings.stop), (Intent::Start, &settings.start), (Intent::Help, &settings.help_words)]
}

impl Handle {
    /// Sets a program up, in place of what it was.
    pub async fn put_program(
        &self,
        tenant: &TenantId,
        name: &str,
        settings: ProgramSettings,
    ) -> Result<ProgramInfo, ProgramRefused> {
        let Engine { programs, clock, policy, .. } = &*self.0;
        let _one = programs.changing.lock().await;
        let mut wrong = self.wrong(tenant, name, &settings);
        let keywords = CustomKeywords::new(&policy.load().intents, words(&settings));
        if let Err(refused) = &keywords {
            wrong.push(field("keywords", "keywords.refused", refused.to_string()));
        }
        if !wrong.is_empty() {
            return Err(ProgramRefused::Invalid(wrong));
        }
        let info = ProgramInfo { tenant: tenant.clone(), name: name.to_owned(), settings, made_at: clock.now() };
        let mut batch = Batch::new(Partition::DIRECTORY, programs.epoch);
        batch.put(Table::Program, named_key(tenant, name), encode(&info));
        programs.store.commit(batch).await.map_err(Error::from)?;
        programs.shown.rcu(|shown| {
            let mut shown = Shown::clone(shown);
            // By the lists of this moment: they may have changed since the words were looked at.
            shown.put(Arc::new(Program { keywords: kept(&policy.load().intents, &info), info: info.clone() }));
            shown
        });
        Ok(info)
    }

    fn wrong(&self, tenant: &TenantId, name: &str, settings: &ProgramSettings) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        if !(is_name(name) || (1..=64).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric())) {
            let detail = "a program's name is that of its campaign: 1 to 64 of a-z, 0-9, '-' and '_', or as the registry \
                          writes it";
            wrong.push(field("name", "name.malformed", detail.to_owned()));
        }
        let shown = self.0.programs.shown.load();
        let others = shown.by_name.keys().filter(|(whose, other)| whose == tenant && other != name).count();
        if others >= MAX_PROGRAMS {
            wrong.push(field("name", "programs.too_many", format!("a tenant has {MAX_PROGRAMS} programs at most")));
        }
        for (words, most, name) in [(&settings.title, MAX_WORDS[0], "title"), (&settings.help, MAX_WORDS[1], "help")] {
            let length = words.as_ref().map_or(1, |words| words.trim().chars().count());
            if length == 0 || length > most {
                wrong.push(field(name, "words.length", format!("`{name}` has 1 to {most} characters")));
            }
        }
        if settings.senders.len() > MAX_SENDERS {
            wrong.push(field("senders", "senders.too_many", format!("at most {MAX_SENDERS} senders are taken")));
        }
        for (n, sender) in settings.senders.iter().enumerate().take(MAX_SENDERS) {
            let taken = shown.by_sender.get(&(tenant.clone(), sender.clone()));
            let place = format!("senders[{n}]");
            if !self.0.directory.owns(tenant, sender) {
                wrong.push(field(&place, "sender.unknown", "it isn't one of your senders".to_owned()));
            } else if let Some(other) = taken.filter(|program| program.info.name != name) {
                let detail = format!("it belongs to the program `{}` already", other.info.name);
                wrong.push(field(&place, "sender.taken", detail));
            }
        }
        let domains = settings.domains.as_deref().unwrap_or_default();
        if domains.len() > MAX_DOMAINS {
            wrong.push(field("domains", "domains.too_many", format!("at most {MAX_DOMAINS} domains are taken")));
        }
        for (n, domain) in domains.iter().enumerate().filter(|(_, domain)| !is_domain(domain)) {
            let detail = format!("`{}` is no domain; write it as shop.example.com", domain.escape_debug());
            wrong.push(field(&format!("domains[{n}]"), "domain.malformed", detail));
        }
        wrong
    }

    /// Takes a program away; false if there is none of this name.
    pub async fn remove_program(&self, tenant: &TenantId, name: &str) -> Result<bool, Error> {
        let programs = &self.0.programs;
        let _one = programs.changing.lock().await;
        if !programs.shown.load().by_name.contains_key(&(tenant.clone(), name.to_owned())) {
            return Ok(false);
        }
        let mut batch = Batch::new(Partition::DIRECTORY, programs.epoch);
        batch.delete(Table::Program, named_key(tenant, name));
        programs.store.commit(batch).await?;
        programs.shown.rcu(|shown| {
            let mut shown = Shown::clone(shown);
            shown.take_out(tenant, name);
            shown
        });
        Ok(true)
    }

    /// A tenant's programs, by their names.
    pub fn programs(&self, tenant: &TenantId) -> Vec<ProgramInfo> {
        let shown = self.0.programs.shown.load();
        let mine = shown.by_name.values().filter(|program| program.info.tenant == *tenant);
        let mut programs: Vec<_> = mine.map(|program| program.info.clone()).collect();
        programs.sort_by(|one, other| one.name.cmp(&other.name));
        programs
    }
}

fn field(field: &str, code: &'static str, detail: String) -> FieldError {
    FieldError { field: field.to_owned(), code, detail }
}

/// A host's name with a dot in it, in lower case. Comparing is all that is done with it.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let legal = |c: char| c.is_alphanumeric() && !c.is_uppercase() || c == '-';
        (1..=63).contains(&label.len()) && label.chars().all(legal) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_hosts_and_nothing_more() {
        for good in ["example.com", "a.b-c.example", "münchen.example"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in ["", "com", "Example.com", "https://example.com", "example.com/x", ".com", "a..b", "-a.b", "a b.c"] {
            assert!(!is_domain(bad), "{bad}");
        }
    }

    #[test]
    fn words_that_lists_took_for_something_else_are_left_out_and_the_others_stay() {
        let settings = ProgramSettings {
            stop: vec!["basta ya mismo".to_owned(), "HELP".to_owned()],
            start: vec!["JOIN DEALS".to_owned()],
            ..Default::default()
        };
        let tenant = "acme".parse().unwrap();
        let info = ProgramInfo { tenant, name: "deals".to_owned(), settings, made_at: Timestamp::EPOCH };
        let intents = Intents::built_in();
        let keywords = kept(&intents, &info);
        let find = |text| intents.find(text, Some(&keywords)).map(|found| found.intent);
        assert_eq!(find("Help"), Some(Intent::Help));
        assert_eq!(find("join deals!"), Some(Intent::Start));
        assert_eq!(find("Basta ya mismo"), Some(Intent::Stop));
    }
}
