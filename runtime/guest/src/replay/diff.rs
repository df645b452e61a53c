//! How two ends of a call differ, line by line.

use super::End;
use crate::effects::{Effects, Note, OutgoingMessage, Scope, StateWrite, TimerWrite};
use crate::outcome::{Answer, DraftDecision};

/// `- ` before what only `was` has, `+ ` before what only `now` has; empty if they are the same.
pub fn diff(was: &End, now: &End) -> Vec<String> {
    if was == now {
        return Vec::new();
    }
    let changed = lines(&tell(was), &tell(now));
    if changed.is_empty() {
        return vec!["! they differ in something that isn't shown".to_owned()];
    }
    changed
}

/// An end in words: what was returned and asked for, or why it failed, a line each.
pub fn tell(end: &End) -> Vec<String> {
    match end {
        End::Failed { kind, message } => vec![format!("failed ({kind}): {message}")],
        End::Completed { answer, effects } => {
            let mut all = vec![returned(answer)];
            all.extend(effect_lines(effects));
            all
        }
    }
}

fn returned(answer: &Answer) -> String {
    match answer {
        Answer::Done => "returned ok".to_owned(),
        Answer::Draft(DraftDecision::Send) => "decided: send".to_owned(),
        Answer::Draft(DraftDecision::Drop(reason)) => format!("decided: drop, {reason:?}"),
        Answer::Draft(DraftDecision::Change(changes)) => format!("decided: change, {changes:?}"),
    }
}

fn effect_lines(effects: &Effects) -> Vec<String> {
    let sends = effects.sends.iter().map(send);
    let cancels = effects.cancels.iter().map(|id| format!("cancel {id}"));
    let state = effects.state.iter().map(write);
    let timers = effects.timers.iter().map(timer);
    let notes = effects.notes.iter().map(note);
    sends.chain(cancels).chain(state).chain(timers).chain(notes).collect()
}

fn send(send: &OutgoingMessage) -> String {
    let media: Vec<_> = send.media.iter().map(|media| media.url.as_str()).collect();
    let media = if media.is_empty() { String::new() } else { format!(" with {}", media.join(" ")) };
    let options = if send.options == Default::default() { String::new() } else { format!(" as {:?}", send.options) };
    format!("send {} from {} to {}: {:?}{media}{options}", send.id, send.sender, send.recipient, send.text)
}

fn write(write: &StateWrite) -> String {
    let scope = match write.scope {
        Scope::Conversation => "conversation",
        Scope::Contact => "contact",
        Scope::Tenant => "tenant",
    };
    let until = write.expires_at.map_or_else(String::new, |at| format!(" until {at}"));
    match &write.value {
        Some(value) => format!("state {scope} {:?} = {}{until}", write.key, shown(value)),
        None => format!("state {scope} {:?} deleted", write.key),
    }
}

fn timer(timer: &TimerWrite) -> String {
    match &timer.set {
        Some(set) => format!("timer {:?} at {} with {}", timer.name, set.at, shown(&set.payload)),
        None => format!("timer {:?} unset", timer.name),
    }
}

fn note(note: &Note) -> String {
    match note {
        Note::Label(name) => format!("note {name}"),
        Note::Number(name, value) => format!("note {name} = {value}"),
        Note::Text(name, text) => format!("note {name} = {text:?}"),
    }
}

/// Text as text, anything else in hex.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// What has to go from `was` and come to it to make `now`, in order, by a longest common subsequence. Effects are a few
/// hundred lines at most.
fn lines(was: &[String], now: &[String]) -> Vec<String> {
    let mut common = vec![vec![0_u32; now.len() + 1]; was.len() + 1];
    for i in (0..was.len()).rev() {
        for j in (0..now.len()).rev() {
            common[i][j] =
                if was[i] == now[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut changed) = (0, 0, Vec::new());
    while i < was.len() || j < now.len() {
        if i < was.len() && j < now.len() && was[i] == now[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == now.len() || (i < was.len() && common[i + 1][j] >= common[i][j + 1]) {
            changed.push(format!("- {}", was[i]));
            i += 1;
        } else {
            changed.push(format!("+ {}", now[j]));
            j += 1;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_is_common_isnt_shown() {
        let changed = lines(&texts(&["a", "b", "c", "d"]), &texts(&["a", "x", "c", "d", "e"]));
        assert_eq!(changed, ["- b", "+ x", "+ e"]);
        assert!(lines(&texts(&["a"]), &texts(&["a"])).is_empty());
        assert_eq!(lines(&[], &texts(&["a"])), ["+ a"]);
        assert_eq!(lines(&texts(&["a"]), &[]), ["- a"]);
    }
}
