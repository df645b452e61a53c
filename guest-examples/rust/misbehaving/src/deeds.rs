//! What the words do.

use crate::signalbox::messaging::outbox::{self, OutgoingMessage, SendOption};
use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::{Attribute, CallError, HandlerError, Media};
use crate::signalbox::messaging::{contacts, conversation, log, notes, secrets, timers};
use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant, SystemTime};

pub type Done = Result<(), HandlerError>;

pub fn spin() {
    let mut n = 0_u64;
    while black_box(n) != u64::MAX {
        n = n.wrapping_add(1) % 1_000_000;
    }
}

pub fn recurse(n: u64) -> u64 {
    let array = black_box([n; 16]);
    if black_box(true) { recurse(array[3] + 1) + array[7] } else { n }
}

#[inline(never)]
pub fn recurse_lightly(n: u64) -> u64 {
    if n == u64::MAX { n } else { recurse_lightly(n.wrapping_mul(3) | 2).rotate_left(7).wrapping_mul(n) }
}

pub fn allocate() {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
    }
}

pub fn files() -> Done {
    let read = std::fs::read_to_string("/etc/passwd").map_err(|e| e.to_string());
    let wrote = std::fs::write("x", "y").map_err(|e| e.to_string());
    outbox::reply(&format!("{} {}", read.is_err(), wrote.is_err()))?;
    Ok(())
}

/// An hour, which must not take one.
pub fn sleep() {
    std::thread::sleep(Duration::from_secs(3_600));
}

/// What WASI says: everything but the log, in one line.
pub fn surroundings() -> Done {
    let began = Instant::now();
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
    let random = std::collections::hash_map::RandomState::new();
    let hash = std::hash::BuildHasher::hash_one(&random, 1_u8);
    let variables = std::env::vars().count();
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input).is_ok();
    let passed = began.elapsed() < Duration::from_millis(1);
    outbox::reply(&format!("{wall} {hash} {variables} {read} {passed}"))?;
    Ok(())
}

pub fn flood_log() {
    for n in 0..10_000 {
        log::write(log::Level::Info, &format!("line {n}"));
    }
}

pub fn flood_stdout() {
    for _ in 0..200 {
        print!("{}", "x".repeat(1_000));
        eprintln!("error");
    }
}

pub fn flood_sends() -> Done {
    for n in 0..11 {
        // A handler that ignores errors must not get away with a part of its messages.
        let _ = outbox::reply(&format!("reply {n}"));
    }
    Ok(())
}

pub fn flood_timers() -> Done {
    for n in 0..11 {
        timers::set_after(&format!("timer {n}"), 1_000, &[])?;
    }
    Ok(())
}

pub fn flood_notes() -> Done {
    for n in 0..1_000 {
        notes::number("n", f64::from(n))?;
    }
    Ok(())
}

pub fn flood_state() -> Done {
    for _ in 0..101 {
        state::get(&Scope::Tenant, "key")?;
    }
    Ok(())
}

pub fn large_state() -> Done {
    for n in 0..5 {
        state::set(&Scope::Tenant, &format!("key {n}"), &vec![0; 60 << 10], None)?;
    }
    Ok(())
}

/// Nearly as much state as an event may write, beside what was kept before.
pub fn keep_more() -> Done {
    let round = state::increment(&Scope::Conversation, "rounds", 1, None)?;
    for n in 0..4 {
        state::set(&Scope::Conversation, &format!("kept/{round}/{n}"), &vec![0; 60 << 10], None)?;
    }
    Ok(())
}

/// All of that at once.
pub fn read_all() -> Done {
    state::list(&Scope::Conversation, "kept/", None, 100)?;
    Ok(())
}

pub fn large_call() -> Done {
    state::set(&Scope::Tenant, "key", &vec![0; 2 << 20], None)?;
    Ok(())
}

pub fn tell_secret() -> Done {
    let secret = secrets::get("token").unwrap_or_default();
    log::write(log::Level::Info, &format!("the token is {secret}"));
    notes::text("token", &secret)?;
    outbox::reply(&secret)?;
    Err(HandlerError::Reject(format!("no use for {secret}")))
        .or_else(|e| if secret.len() > 20 { Err(e) } else { Ok(()) })
}

/// Each of these has to be refused, none of them is a reason to end the call.
pub fn bad_arguments() -> Done {
    let message = |recipient: &str, options: Vec<SendOption>| OutgoingMessage {
        sender: None,
        recipient: Some(recipient.into()),
        text: "text".into(),
        media: Vec::new(),
        options,
    };
    let refusals = [
        outbox::reply("").map(drop),
        outbox::send(&message("nobody", Vec::new())).map(drop),
        outbox::send(&message("+15550002222", vec![SendOption::Category("spam".into())])).map(drop),
        outbox::cancel(""),
        state::set(&Scope::Tenant, "", &[], None),
        state::get(&Scope::Other("world".into()), "key").map(drop),
        timers::set_at("", 0, &[]),
        timers::set_at("large", 0, &vec![0; 20_000]),
        notes::label(""),
        notes::number("n", f64::NAN),
        notes::text("t", &"x".repeat(2_000)),
    ];
    let refused = refusals.iter().filter(|r| matches!(r, Err(CallError::Invalid(_)))).count();
    outbox::reply(&format!("{refused} of {}", refusals.len()))?;
    Ok(())
}

/// Writes, and reads what it wrote.
pub fn own_writes() -> Done {
    let scope = Scope::Contact;
    state::set(&scope, "list/b", b"own", Some(1_000))?;
    state::delete(&scope, "list/a")?;
    let sum = state::increment(&scope, "count", 5, None)? + state::increment(&scope, "count", -2, None)?;
    let listed: Vec<String> = state::list(&scope, "list/", None, 10)?.into_iter().map(|e| e.key).collect();
    let deleted = state::get(&scope, "list/a")?;
    outbox::reply(&format!("{sum} {} {deleted:?}", listed.join(",")))?;
    Ok(())
}

/// Adds to what all of the tenant's conversations add to.
pub fn count() -> Done {
    state::increment(&Scope::Tenant, "count", 1, None)?;
    Ok(())
}

/// The next number, which nobody else may get.
pub fn take_a_number() -> Done {
    let last = state::get(&Scope::Tenant, "number")?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let next = last.and_then(|last| last.parse::<u64>().ok()).unwrap_or(0) + 1;
    state::set(&Scope::Tenant, "number", next.to_string().as_bytes(), None)?;
    outbox::reply(&format!("number {next}"))?;
    Ok(())
}

/// More computing than is granted by default, and much less than a minute.
pub fn work() {
    for n in 0..600_000_000_u64 {
        black_box(n);
    }
}

/// More memory than is granted by default: 80 MiB, which takes no time as long as nothing is written there.
pub fn hold() {
    let held: Vec<_> = (0..80).map(|_| black_box(Vec::<u8>::with_capacity(1 << 20))).collect();
    black_box(held);
}

pub fn withdraw() -> Done {
    let id = outbox::reply("a slip")?;
    outbox::cancel(&id)?;
    outbox::cancel("msg_of_another_event")?;
    timers::set_after("soon", 1_000, b"x")?;
    timers::cancel("soon")?;
    Ok(())
}

/// A message to somebody whose conversation may live anywhere.
pub fn send_elsewhere() -> Done {
    let id = outbox::send(&to("+15550199777", "elsewhere"))?;
    state::set(&Scope::Conversation, "sent elsewhere", id.as_bytes(), None)?;
    Ok(())
}

/// Takes back what the last event sent.
pub fn cancel_it() -> Done {
    let id = state::get(&Scope::Conversation, "sent elsewhere")?.unwrap_or_default();
    outbox::cancel(&String::from_utf8_lossy(&id))?;
    Ok(())
}

/// A message that never was, or isn't any more.
pub fn cancel_nothing() -> Done {
    outbox::cancel("msg_00000000000000000000000000")?;
    Ok(())
}

pub fn send_file() -> Done {
    let media = vec![Media { url: "file:///etc/passwd".into(), content_type: String::new(), size_bytes: 0 }];
    outbox::reply_with_media("look", &media)?;
    Ok(())
}

pub fn send_nul() -> Done {
    outbox::reply("a\0b")?;
    Ok(())
}

pub fn send_tags() -> Done {
    let tag = |n| SendOption::Tag(Attribute { name: format!("tag-{n}"), value: "x".repeat(100) });
    let options = (0..20).map(tag).collect();
    outbox::send(&OutgoingMessage { options, ..to("+15550199001", "labelled") })?;
    Ok(())
}

pub fn to(recipient: &str, text: &str) -> OutgoingMessage {
    OutgoingMessage {
        sender: None,
        recipient: Some(recipient.into()),
        text: text.into(),
        media: Vec::new(),
        options: Vec::new(),
    }
}

pub fn history() -> Done {
    let past = conversation::recent(1_000)?;
    let contact = contacts::get(None)?;
    let zone = contact.time_zone.unwrap_or_default();
    let first = past.first().map(|m| format!("{:?} {}", m.direction, m.text)).unwrap_or_default();
    outbox::reply(&format!("{} {first} {} {} {zone}", past.len(), contact.address, contact.consent))?;
    Ok(())
}
