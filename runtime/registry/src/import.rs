//! Consents that a tenant brings along: a CSV file that is taken whole or not at all.
//!
//! ```text
//! every line read ─► any wrong: all complaints, nothing written ─► rows written, hidden ─► one commit: all are seen
//! ```
//!
//! An import that is cut short leaves rows that nobody sees; the same file under the same name goes on with it.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Address, Category, KeyId, Partition, TenantId, Timestamp};
use signalbox_store::{Batch, Epoch, Range, Table, layout};

use crate::Error;
use crate::consent::{By, Change, ConsentId, Grant, Level, PersonId, Program, Reach, Revocation, Standing};
use crate::ledger::{Ledger, stage_line};
use crate::rows::{self, ChangeRow, ImportId, Party, StandingRow};

/// Lines of a file: all of them are in memory at once, about 300 bytes each.
pub const MAX_LINES: usize = 500_000;
/// Complaints that are told; who has more mends these first.
pub const MAX_COMPLAINTS: usize = 100;
/// Changes in one commit: one commit holds up the others for as long as it takes.
const PER_COMMIT: usize = 500;
/// Bytes of a method, and of a proof.
const MAX_WORDS_BYTES: usize = 256;

/// The columns, in any order. `sender` or `campaign`; `proof`, `reach` and `category` may be missing.
pub const COLUMNS: [&str; 9] =
    ["number", "sender", "campaign", "consent", "at", "method", "proof", "reach", "category"];

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// The line, from 1; the header is line 1.
    pub line: u64,
    /// The column's name; empty if it is about the whole line.
    pub column: String,
    /// What is wrong and how to mend it. Says no number.
    pub reason: String,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// What it says.
    pub id: ImportId,
    /// Changes in it.
    pub changes: u64,
    /// Of them revocations.
    pub revocations: u64,
    /// With this key.
    pub key: KeyId,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When all of it was seen; none while it is written.
    pub completed_at: Option<Timestamp>,
}

/// Why an import isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportRefused {
    /// Lines are wrong; nothing was written.
    #[error("{} line(s) of the file can't be used; nothing was imported", .0.len())]
    Lines(Vec<LineError>),
    /// The name was used for another file.
    #[error("an import of this name has other content; choose another name, or send the same file again")]
    NameTaken,
    /// The store couldn't.
    #[error(transparent)]
    Registry(#[from] Error),
}

impl From<signalbox_store::Error> for ImportRefused {
    fn from(error: signalbox_store::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// A file that can be imported.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    name: String,
    key: KeyId,
    changes: Vec<(Party, Change)>,
    content: [u8; 32],
}

impl Parsed {
    /// How many changes it has.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Has it none?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Reads a file whole, or says what is wrong with which lines. `owns` says whether a sender is the tenant's.
pub fn parse(
    bytes: &[u8],
    name: &str,
    key: KeyId,
    now: Timestamp,
    owns: impl Fn(&Program) -> bool,
) -> Result<Parsed, Vec<LineError>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| vec![line_error(1, "", &error)])?.clone();
    let columns = Columns::find(&header)?;
    let by = By::Import { name: name.to_owned(), key };
    let (mut changes, mut wrong) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                match columns.read(&record, line, &by, now, &owns) {
                    Ok(change) => changes.push(change),
                    Err(errors) => wrong.extend(errors),
                }
            }
            Err(error) => wrong.push(line_error(error.position().map_or(0, csv::Position::line), "", &error)),
        }
        if changes.len() > MAX_LINES {
            let reason = format!("the file has more than {MAX_LINES} lines; import it in parts");
            return Err(vec![LineError { line: MAX_LINES as u64, column: String::new(), reason }]);
        }
        if wrong.len() >= MAX_COMPLAINTS {
            break;
        }
    }
    if changes.is_empty() && wrong.is_empty() {
        let reason = "the file has no lines behind its header".to_owned();
        wrong.push(LineError { line: 1, column: String::new(), reason });
    }
    wrong.truncate(MAX_COMPLAINTS);
    if wrong.is_empty() {
        Ok(Parsed { name: name.to_owned(), key, changes, content: Sha256::digest(bytes).into() })
    } else {
        Err(wrong)
    }
}

pub(crate) fn line_error(line: u64, column: &str, error: &csv::Error) -> LineError {
    let reason = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it isn't UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns, and the header has {expected_len}")
        }
        _ => "it can't be read as CSV".to_owned(),
    };
    LineError { line, column: column.to_owned(), reason }
}

/// Which column is where.
struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, Vec<LineError>> {
        let wrong = |column: &str, reason: String| LineError { line: 1, column: column.to_owned(), reason };
        let mut columns = [None; COLUMNS.len()];
        let mut errors = Vec::new();
        for (place, name) in header.iter().enumerate() {
            // A spreadsheet puts a byte order mark before the first.
            let name = name.trim_start_matches('\u{FEFF}');
            match COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name)) {
                Some(column) if columns[column].is_some() => errors.push(wrong(name, "is there twice".to_owned())),
                Some(column) => columns[column] = Some(place),
                None => {
                    let reason = format!("no such column; there are {}", COLUMNS.join(", "));
                    errors.push(wrong(&name.chars().take(64).collect::<String>(), reason));
                }
            }
        }
        for needed in ["number", "consent", "at"] {
            if columns[place_of(needed)].is_none() {
                errors.push(wrong(needed, "the column is missing".to_owned()));
            }
        }
        if columns[place_of("sender")].is_none() && columns[place_of("campaign")].is_none() {
            errors.push(wrong("sender", "the column is missing; give `sender` or `campaign`".to_owned()));
        }
        if errors.is_empty() { Ok(Self(columns)) } else { Err(errors) }
    }

    fn read(
        &self,
        record: &csv::StringRecord,
        line: u64,
        by: &By,
        now: Timestamp,
        owns: &impl Fn(&Program) -> bool,
    ) -> Result<(Party, Change), Vec<LineError>> {
        let cell = |name: &str| {
            let text = self.0[place_of(name)].and_then(|place| record.get(place)).unwrap_or_default();
            Some(text).filter(|text| !text.is_empty())
        };
        let mut errors = Vec::new();
        let mut wrong = |column: &str, reason: &str| {
            errors.push(LineError { line, column: column.to_owned(), reason: reason.to_owned() });
        };
        let person = cell("number").and_then(|text| text.parse::<Address>().ok()).filter(is_number);
        if person.is_none() {
            wrong("number", "is no telephone number; write it as +14155550123");
        }
        let program = program(cell("sender"), cell("campaign"));
        match &program {
            Err(reason) => wrong("sender", reason),
            Ok(program) if !owns(program) => wrong("sender", "isn't one of the tenant's senders or campaigns"),
            Ok(_) => {}
        }
        let at = cell("at").and_then(Timestamp::parse_rfc3339);
        match at {
            None => wrong("at", "is no time; write it as 2026-05-04T15:00:00Z"),
            Some(at) if at > now => wrong("at", "is in the future"),
            Some(_) => {}
        }
        let words = |name: &str| cell(name).map(str::to_owned);
        for name in ["method", "proof"] {
            if cell(name).is_some_and(|text| text.len() > MAX_WORDS_BYTES) {
                wrong(name, "is too long; 256 bytes are the most");
            }
        }
        let change = change(cell("consent"), cell("reach"), cell("category"));
        if let Err((column, reason)) = &change {
            wrong(column, reason);
        }
        if matches!(change, Ok(Said::Granted(_))) && cell("method").is_none() {
            wrong("method", "is missing: say how the consent was obtained");
        }
        let (Some(person), Ok(program), Some(at), Ok(said), true) = (person, program, at, change, errors.is_empty())
        else {
            return Err(errors);
        };
        let by = by.clone();
        let change = match said {
            Said::Granted(level) => {
                let method = words("method").unwrap_or_default();
                Change::Granted(Grant { level, at, method, proof: words("proof"), by })
            }
            Said::Revoked(reach) => Change::Revoked(Revocation { at, reach, by }),
        };
        Ok((Party { program, person }, change))
    }
}

fn is_number(address: &Address) -> bool {
    address.kind() == signalbox_model::AddressKind::E164
}

fn category_of(name: &str) -> Option<Category> {
    let all = [Category::Transactional, Category::Marketing, Category::Otp, Category::Conversational];
    all.into_iter().find(|category| category.as_str() == name)
}

fn place_of(name: &str) -> usize {
    COLUMNS.iter().position(|column| *column == name).expect("it is asked for by its own name")
}

fn program(sender: Option<&str>, campaign: Option<&str>) -> Result<Program, &'static str> {
    match (sender, campaign) {
        (Some(sender), None) => sender.parse().map(Program::Sender).map_err(|_| "is no sender"),
        (None, Some(campaign)) => Ok(Program::Campaign(campaign.to_owned())),
        (None, None) => Err("give a sender or a campaign"),
        (Some(_), Some(_)) => Err("give a sender or a campaign, not both"),
    }
}

enum Said {
    Granted(Level),
    Revoked(Reach),
}

fn change(
    consent: Option<&str>,
    reach: Option<&str>,
    category: Option<&str>,
) -> Result<Said, (&'static str, &'static str)> {
    if let Some(level) = consent.and_then(Level::parse) {
        return match reach.or(category) {
            None => Ok(Said::Granted(level)),
            Some(_) => Err(("reach", "`reach` and `category` are for revocations")),
        };
    }
    if consent != Some("revoked") {
        return Err(("consent", "is not express, express_written or revoked"));
    }
    reach_of(reach, category).map(Said::Revoked)
}

/// A reach, from the words of the API and of files.
pub fn reach_of(reach: Option<&str>, category: Option<&str>) -> Result<Reach, (&'static str, &'static str)> {
    match (reach, category) {
        (None | Some("program"), None) => Ok(Reach::Program),
        (Some("all"), None) => Ok(Reach::All),
        (Some("category"), Some(name)) => match category_of(name) {
            Some(category) => Ok(Reach::Category(category)),
            None => Err(("category", "is not transactional, marketing, otp or conversational")),
        },
        (Some("category"), None) => Err(("category", "is missing")),
        (Some("program" | "all") | None, Some(_)) => Err(("category", "goes with the reach `category`")),
        (Some(_), _) => Err(("reach", "is not program, category or all")),
    }
}

impl Ledger {
    /// Takes a file. Returns once all of it is seen, or none of it. The same file under the same name is taken once.
    pub async fn import(
        &self,
        tenant: &TenantId,
        parsed: &Parsed,
        now: Timestamp,
        epoch: impl Fn(Partition) -> Epoch,
        done: &AtomicU64,
    ) -> Result<Import, ImportRefused> {
        // One at a time: two would only slow each other and everybody else's commits down.
        let _one = self.importing.lock().await;
        let (name, key) = (parsed.name.as_str(), parsed.key);
        let id = ImportId(stable_hash(&[tenant.as_str().as_bytes(), name.as_bytes(), &parsed.content]));
        let import = match self.read_import(tenant, name).await? {
            Some(known) if known.id != id => return Err(ImportRefused::NameTaken),
            Some(known) if known.completed_at.is_some() => return Ok(known),
            Some(known) => known,
            None => {
                let revocations = parsed.changes.iter().filter(|(_, change)| matches!(change, Change::Revoked(_)));
                Import {
                    tenant: tenant.clone(),
                    name: name.to_owned(),
                    id,
                    changes: parsed.changes.len() as u64,
                    revocations: revocations.count() as u64,
                    key,
                    begun_at: now,
                    completed_at: None,
                }
            }
        };
        self.put_import(&import, epoch(Partition::DIRECTORY)).await?;
        let wide = self.write_hidden(tenant, &import, &parsed.changes, &epoch, done).await?;
        let import = Import { completed_at: Some(now), ..import };
        self.put_import(&import, epoch(Partition::DIRECTORY)).await?;
        self.imports.write().insert(id);
        wide.iter().for_each(|(person, revocation)| self.wide.add(*person, revocation));
        self.cache.clear();
        // Who made sure of a permission before has to make sure again.
        if import.revocations > 0 {
            self.revocations.fetch_add(import.revocations, Ordering::Release);
        }
        Ok(import)
    }

    /// Writes the changes so that nobody sees them yet.
    async fn write_hidden(
        &self,
        tenant: &TenantId,
        import: &Import,
        changes: &[(Party, Change)],
        epoch: &impl Fn(Partition) -> Epoch,
        done: &AtomicU64,
    ) -> Result<Vec<(PersonId, Revocation)>, Error> {
        let mut parties: BTreeMap<(Partition, ConsentId), (Party, Vec<Change>)> = BTreeMap::new();
        for (party, change) in changes {
            let id = ConsentId::new(tenant, &party.program, &party.person);
            let home = id.partition(self.store.partitions());
            let (_, all) = parties.entry((home, id)).or_insert_with(|| (party.clone(), Vec::new()));
            all.push(change.clone());
        }
        let mut wide = Vec::new();
        let mut batch: Option<(Batch, u64)> = None;
        for ((home, id), (party, changes)) in parties {
            let full = |(batch, changes): &(Batch, u64)| batch.partition != home || *changes >= PER_COMMIT as u64;
            if batch.as_ref().is_some_and(full) {
                self.commit_some(&mut batch, done).await?;
            }
            let (batch, count) = batch.get_or_insert_with(|| (Batch::new(home, epoch(home)), 0));
            *count += changes.len() as u64;
            let mut standing = Standing::default();
            for change in changes {
                standing.apply(&change);
                let row =
                    ChangeRow { party: party.clone(), change, recorded_at: import.begun_at, import: Some(import.id) };
                wide.extend(stage_line(batch, tenant, id, row));
            }
            let row = layout::encode(&StandingRow { party, standing });
            batch.put(Table::Consent, rows::imported_key(tenant, id, import.id), row);
        }
        self.commit_some(&mut batch, done).await?;
        Ok(wide)
    }

    async fn commit_some(&self, batch: &mut Option<(Batch, u64)>, done: &AtomicU64) -> Result<(), Error> {
        if let Some((batch, changes)) = batch.take() {
            self.store.commit(batch).await?;
            done.fetch_add(changes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// An import of this name.
    pub async fn read_import(&self, tenant: &TenantId, name: &str) -> Result<Option<Import>, Error> {
        let key = layout::named_key(tenant, name);
        let row = self.store.get(Partition::DIRECTORY, Table::ConsentImport, key).await?;
        row.map(|row| Ok(layout::decode(Table::ConsentImport, &row)?)).transpose()
    }

    async fn put_import(&self, import: &Import, epoch: Epoch) -> Result<(), Error> {
        let mut batch = Batch::new(Partition::DIRECTORY, epoch);
        let key = layout::named_key(&import.tenant, &import.name);
        batch.put(Table::ConsentImport, key, layout::encode(import));
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn complete_imports(&self) -> Result<HashSet<ImportId>, Error> {
        let mut complete = HashSet::new();
        let mut range = Range::prefix(Table::ConsentImport, Bytes::new(), 256);
        loop {
            let page = self.store.range(Partition::DIRECTORY, range.clone()).await?;
            for (_, value) in &page {
                let import: Import = layout::decode(Table::ConsentImport, value)?;
                complete.extend(import.completed_at.map(|_| import.id));
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
                _ => return Ok(complete),
            }
        }
    }
}
