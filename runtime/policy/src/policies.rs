//! All that a policy folder holds, and what a message is held against.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use signalbox_model::{Address, Decision, Message, Timestamp};

use crate::answers::Answers;
use crate::content::{self, Declared};
use crate::data::Tables;
use crate::error::{Complaint, Error};
use crate::facts::{Fact, FactSet, Facts, SenderType};
use crate::intent::Intents;
use crate::place::Known;
use crate::rules::{RuleSet, Whose};

/// Rules, tables, keywords and answers of one folder: whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// The rules.
    pub rules: RuleSet,
    /// The data tables.
    pub tables: Tables,
    /// The keyword lists and the phrases of revocation.
    pub intents: Intents,
    /// The host's answers.
    pub answers: Answers,
}

/// Where policies come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The folder; what this program was built with if there is none.
    pub folder: Option<PathBuf>,
    /// The packs that are switched on: `us` and whatever else is a folder of that name.
    pub packs: Vec<String>,
}

/// What is known about a message besides the message.
#[derive(Debug, Clone, Copy, Default)]
pub struct About<'a> {
    /// What its campaign declared.
    pub declared: Declared<'a>,
    /// Where its recipient said to be.
    pub place: Known<'a>,
}

/// Files of the folder that aren't rules.
const NOT_RULES: [&str; 3] = ["keywords.toml", "answers.toml", "revocation.toml"];
/// Folders whose files are rules of the narrower layers.
const LAYERS: [&str; 3] = ["carriers", "campaigns", "tenants"];
/// A folder with more is no policy folder; nobody wants it read to the end.
const MAX_FILES: usize = 10_000;

/// Bytes of a file of rules; the same is refused where rules are read that come from elsewhere.
const MAX_RULES_BYTES: usize = crate::rules::MAX_FILE_BYTES;
/// Bytes of a list of words or of answers: ours have a hundredth of it.
const MAX_WORDS_BYTES: usize = 1 << 20;

/// The facts that depend on where the recipient is.
pub(crate) const PLACE: FactSet = FactSet::of(&[
    Fact::RecipientUs,
    Fact::WindowOpen,
    Fact::PlaceCertain,
    Fact::LocalHourMin,
    Fact::LocalHourMax,
    Fact::StateCap,
    Fact::StateCapSubject,
]);

impl Policies {
    /// What this program was built with: the floor, and no pack.
    pub fn built_in() -> Self {
        Self::open(&Origin::default()).expect("the built-in policies are checked by this crate's tests")
    }

    /// What a folder holds, without packs.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        Self::open(&Origin { folder: Some(folder.to_owned()), packs: Vec::new() })
    }

    /// What is there; a file that a folder doesn't have is the built-in one. The floor can't be left out.
    pub fn open(origin: &Origin) -> Result<Self, Error> {
        let folder = origin.folder.as_deref();
        let mut complaints = Vec::new();
        let files = rule_files(origin)?;
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let keywords = read_or(folder, "keywords.toml", crate::BUILT_IN_KEYWORDS)?;
        let revocation = read_or(folder, "revocation.toml", crate::BUILT_IN_REVOCATION)?;
        let answers = read_or(folder, "answers.toml", crate::BUILT_IN_ANSWERS)?;
        let rules = keep(&mut complaints, RuleSet::parse(&files))?;
        let tables = Tables::read(|name, built_in| read_or(folder, &format!("data/{name}"), built_in));
        let words = [("keywords.toml", &*keywords), ("revocation.toml", &*revocation), ("answers.toml", &*answers)];
        let tables = keep(&mut complaints, tables)?.map(|tables| tables.beside(&words));
        let intents = Intents::parse(("keywords.toml", &keywords), ("revocation.toml", &revocation));
        let intents = keep(&mut complaints, intents)?;
        let answers = keep(&mut complaints, Answers::parse("answers.toml", &answers))?;
        let whole = || Some(Self { rules: rules?, tables: tables?, intents: intents?, answers: answers? });
        whole().ok_or(Error::Refused(complaints))
    }

    /// Whether any rule depends on where recipients are.
    pub fn asks_for_place(&self) -> bool {
        self.rules.reads().meets(PLACE)
    }

    /// What the message itself and the tables say. Consent, registration and counters stay unknown.
    pub fn facts(&self, message: &Message, about: About<'_>, now: Timestamp) -> Facts {
        let mut facts = Facts::of(message, now);
        if let Address::E164(number) = &message.from {
            let toll_free = self.tables.numbers.is_toll_free(*number);
            facts.sender_type = Some(if toll_free { SenderType::TollFree } else { SenderType::LongCode });
        }
        let reads = self.rules.reads();
        if self.asks_for_place() {
            self.place(&mut facts, message, about.place);
        }
        if reads.meets(content::FACTS) {
            let findings = self.tables.scan(&message.body.text, about.declared);
            facts.set_truths(content::FACTS.without(findings.unknown), findings.found);
        }
        facts.conversation_hours = Some(self.tables.windows.conversation_hours());
        // Not all at the stroke of midnight: each conversation at a time of its own.
        facts.day_resets = self.tables.throughput.tmobile_resets(now);
        facts.day_resets = facts.day_resets.map(|at| at + self.tables.share_of_spread(&message.conversation_id()));
        facts
    }

    fn place(&self, facts: &mut Facts, message: &Message, known: Known<'_>) {
        let Address::E164(number) = &message.to else { return };
        if !number.is_nanp() {
            facts.recipient_us = Some(false);
        }
        let Some(place) = self.tables.whereabouts(*number, known) else { return };
        facts.recipient_us = Some(place.is_us());
        facts.place_certain = Some(place.is_certain());
        let (caps, hours) = (place.caps(), place.hours(facts.now));
        (facts.state_cap, facts.state_cap_subject) = (Some(caps.0), Some(caps.1));
        (facts.local_hour_min, facts.local_hour_max) = (hours.map(|hours| hours.0), hours.map(|hours| hours.1));
        let open = place.is_open(facts.now);
        facts.window_open = Some(open);
        facts.window_opens = if open { None } else { place.turn(facts.now, &message.conversation_id()) };
    }

    /// Evaluates the rules for such a message.
    pub fn decide(&self, facts: &Facts, whose: Whose<'_>) -> Decision {
        let mut decision = self.rules.decide_for(facts, whose);
        decision.trace.tables = self.tables.hash();
        decision
    }
}

/// Every rule file with its text, in the order of their names.
fn rule_files(origin: &Origin) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    if let Some(folder) = &origin.folder {
        read_folder(folder, "", &mut files)?;
        files.retain(|(name, _)| !NOT_RULES.contains(&name.as_str()));
        for layer in LAYERS {
            let path = folder.join(layer);
            if path.is_dir() {
                read_folder(&path, &format!("{layer}/"), &mut files)?;
            }
        }
    }
    if !files.iter().any(|(name, _)| name == crate::rules::set::FLOOR) {
        files.push((crate::rules::set::FLOOR.to_owned(), crate::BUILT_IN_FLOOR.to_owned()));
    }
    for pack in &origin.packs {
        read_pack(origin, pack, &mut files)?;
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn read_pack(origin: &Origin, pack: &str, files: &mut Vec<(String, String)>) -> Result<(), Error> {
    let legal = !pack.is_empty() && pack.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    let prefix = format!("{pack}/");
    let path = origin.folder.as_ref().map(|folder| folder.join(pack)).filter(|path| legal && path.is_dir());
    if let Some(path) = path.filter(|_| !LAYERS.contains(&pack) && pack != "tests" && pack != "data") {
        return read_folder(&path, &prefix, files);
    }
    let built_in = crate::BUILT_IN_PACKS.iter().filter(|(name, _)| name.starts_with(&prefix));
    let before = files.len();
    files.extend(built_in.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    if files.len() == before {
        let reason = format!("there is no pack `{pack}`: neither a folder of rules nor one that is built in (us)");
        return Err(Error::Refused(vec![Complaint { file: prefix, line: 1, column: 1, reason }]));
    }
    Ok(())
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Read { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".toml") || !path.is_file() {
            continue;
        }
        let text = read_file(&path, &format!("{prefix}{name}"), MAX_RULES_BYTES)?;
        files.push((format!("{prefix}{name}"), text));
        if files.len() > MAX_FILES {
            let reason = format!("there are more than {MAX_FILES} files of rules");
            return Err(Error::Refused(vec![Complaint { file: prefix.to_owned(), line: 1, column: 1, reason }]));
        }
    }
    Ok(())
}

/// The part, or what is wrong with it among the other complaints.
fn keep<T>(complaints: &mut Vec<Complaint>, part: Result<T, Error>) -> Result<Option<T>, Error> {
    match part {
        Ok(part) => Ok(Some(part)),
        Err(Error::Refused(found)) => {
            complaints.extend(found);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read_or(folder: Option<&Path>, name: &str, built_in: &str) -> Result<String, Error> {
    let Some(path) = folder.map(|folder| folder.join(name)) else { return Ok(built_in.to_owned()) };
    let most = if name.starts_with("data/") { crate::data::MAX_BYTES } else { MAX_WORDS_BYTES };
    match read_file(&path, name, most) {
        Err(Error::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(built_in.to_owned()),
        read => read,
    }
}

/// Reads a file of a folder, and no more of it than may be there: a pipe or a device would never come to its end, and what
/// is too large is refused before it is in memory.
fn read_file(path: &Path, name: &str, most: usize) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let refused =
        |reason: String| Error::Refused(vec![Complaint { file: name.to_owned(), line: 1, column: 1, reason }]);
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refused("isn't an ordinary file; put the file itself, or a link to it, in its place".to_owned()));
    }
    let mut text = String::new();
    let room = most as u64 + 1;
    File::open(path).map_err(failed)?.take(room).read_to_string(&mut text).map_err(failed)?;
    if text.len() > most {
        return Err(refused(format!("is larger than {most} bytes: split it")));
    }
    Ok(text)
}
