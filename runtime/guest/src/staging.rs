//! What a call asked for so far. It becomes [`Effects`] when the call ends well, and is dropped when it doesn't.

use crate::effects::{Effects, Note, OutgoingMessage, Scope, StateWrite, TimerSet, TimerWrite};
use crate::limits::Limits;
use crate::stop::Stop;
use std::collections::BTreeMap;

/// A staged value: none where the key is to be forgotten.
#[derive(Debug)]
struct Staged {
    value: Option<Vec<u8>>,
    /// If all that was done is adding.
    added: Option<i64>,
    expires_at: Option<u64>,
}

/// Collects effects within the limits. Going over one ends the call.
#[derive(Debug)]
pub(crate) struct Staging {
    sends: Vec<OutgoingMessage>,
    sends_asked: u32,
    cancels: Vec<String>,
    state: BTreeMap<(Scope, String), Staged>,
    state_ops: u32,
    state_bytes: usize,
    timers: BTreeMap<String, Option<TimerSet>>,
    timers_asked: u32,
    notes: Vec<Note>,
    limits: Limits,
}

impl Staging {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            sends: Vec::new(),
            sends_asked: 0,
            cancels: Vec::new(),
            state: BTreeMap::new(),
            state_ops: 0,
            state_bytes: 0,
            timers: BTreeMap::new(),
            timers_asked: 0,
            notes: Vec::new(),
            limits: *limits,
        }
    }

    /// The place of the next message among the event's sends.
    pub(crate) fn next_send(&mut self) -> Result<u32, Stop> {
        let ordinal = self.sends_asked;
        count(&mut self.sends_asked, "sends", self.limits.sends)?;
        Ok(ordinal)
    }

    pub(crate) fn send(&mut self, message: OutgoingMessage) {
        self.sends.push(message);
    }

    /// Takes back a send of this call, or notes an earlier one for the engine.
    pub(crate) fn cancel(&mut self, id: String) -> Result<(), Stop> {
        let before = self.sends.len();
        self.sends.retain(|message| message.id != id);
        if self.sends.len() == before && !self.cancels.contains(&id) {
            if self.cancels.len() >= self.limits.sends as usize {
                return Err(Stop::Limit { name: "cancels", most: u64::from(self.limits.sends) });
            }
            self.cancels.push(id);
        }
        Ok(())
    }

    /// Counts a read or a write of state.
    pub(crate) fn state_op(&mut self) -> Result<(), Stop> {
        count(&mut self.state_ops, "state operations", self.limits.state_ops)
    }

    /// What this call wrote under a key: none if it didn't, `Some(None)` if it deleted it.
    pub(crate) fn written(&self, scope: Scope, key: &str) -> Option<Option<&[u8]>> {
        // A tuple key needs an owned text to look up; most calls write nothing, and skip that.
        if self.state.is_empty() {
            return None;
        }
        self.state.get(&(scope, key.to_owned())).map(|staged| staged.value.as_deref())
    }

    /// Writes or deletes a key.
    pub(crate) fn write(
        &mut self,
        scope: Scope,
        key: String,
        value: Option<Vec<u8>>,
        expires_at: Option<u64>,
    ) -> Result<(), Stop> {
        let added = key.len() + value.as_ref().map_or(0, Vec::len);
        let place = (scope, key);
        let replaced = self.state.get(&place).map_or(0, |old| place.1.len() + old.value.as_ref().map_or(0, Vec::len));
        self.state_bytes = self.state_bytes - replaced + added;
        if self.state_bytes > self.limits.state_bytes {
            return Err(Stop::Limit { name: "bytes of state", most: self.limits.state_bytes as u64 });
        }
        self.state.insert(place, Staged { value, added: None, expires_at });
        Ok(())
    }

    /// Adds to a key, whose sum is then `value`. Beside other additions of this call it stays one; beside a write it is
    /// part of that.
    pub(crate) fn add(
        &mut self,
        scope: Scope,
        key: String,
        by: i64,
        value: Vec<u8>,
        expires_at: Option<u64>,
    ) -> Result<(), Stop> {
        let place = (scope, key);
        let before = match self.state.get(&place) {
            None => Some(0),
            Some(staged) => staged.added,
        };
        self.write(scope, place.1.clone(), Some(value), expires_at)?;
        if let Some(staged) = self.state.get_mut(&place) {
            // What doesn't fit any more is no longer told from a write of the sum.
            staged.added = before.and_then(|before| before.checked_add(by));
        }
        Ok(())
    }

    /// How many keys this call deleted: so many more have to be read for a list to come out full.
    pub(crate) fn deleted(&self) -> usize {
        self.state.values().filter(|staged| staged.value.is_none()).count()
    }

    /// Lays this call's own writes over what the store listed.
    pub(crate) fn overlay(
        &self,
        scope: Scope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        stored: Vec<(String, Vec<u8>)>,
        stored_is_all: bool,
    ) -> Vec<(String, Vec<u8>)> {
        // Past the last stored key there may be more that weren't read: own writes there must wait for their turn.
        let horizon = if stored_is_all { None } else { stored.last().map(|(key, _)| key.clone()) };
        let mut merged: BTreeMap<String, Vec<u8>> = stored.into_iter().collect();
        let own = self.state.range((scope, prefix.to_owned())..);
        for ((_, key), staged) in own.take_while(|((s, key), _)| *s == scope && key.starts_with(prefix)) {
            let seen = after.is_some_and(|after| key.as_str() <= after);
            let beyond = horizon.as_ref().is_some_and(|horizon| key > horizon);
            match &staged.value {
                Some(value) if !seen && !beyond => drop(merged.insert(key.clone(), value.clone())),
                _ => drop(merged.remove(key)),
            }
        }
        merged.into_iter().take(limit).collect()
    }

    pub(crate) fn timer(&mut self, name: String, set: Option<TimerSet>) -> Result<(), Stop> {
        count(&mut self.timers_asked, "timers", self.limits.timers)?;
        self.timers.insert(name, set);
        Ok(())
    }

    pub(crate) fn note(&mut self, note: Note) -> Result<(), Stop> {
        if self.notes.len() >= self.limits.notes as usize {
            return Err(Stop::Limit { name: "notes", most: u64::from(self.limits.notes) });
        }
        self.notes.push(note);
        Ok(())
    }

    pub(crate) fn into_effects(self) -> Effects {
        Effects {
            sends: self.sends,
            cancels: self.cancels,
            state: self
                .state
                .into_iter()
                .map(|((scope, key), staged)| StateWrite {
                    scope,
                    key,
                    value: staged.value,
                    added: staged.added,
                    expires_at: staged.expires_at,
                })
                .collect(),
            timers: self.timers.into_iter().map(|(name, set)| TimerWrite { name, set }).collect(),
            notes: self.notes,
        }
    }
}

fn count(counter: &mut u32, name: &'static str, most: u32) -> Result<(), Stop> {
    if *counter >= most {
        return Err(Stop::Limit { name, most: u64::from(most) });
    }
    *counter += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staging() -> Staging {
        Staging::new(&Limits::default())
    }

    fn entry(key: &str) -> (String, Vec<u8>) {
        (key.into(), b"stored".to_vec())
    }

    fn keys(entries: &[(String, Vec<u8>)]) -> Vec<&str> {
        entries.iter().map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn the_last_write_of_a_key_wins_and_only_it_counts() {
        let mut staging = staging();
        for _ in 0..50 {
            staging.write(Scope::Tenant, "k".into(), Some(vec![0; 200 << 10]), None).unwrap();
        }
        assert!(staging.write(Scope::Tenant, "l".into(), Some(vec![0; 60 << 10]), None).is_err());
    }

    #[test]
    fn additions_stay_additions_until_something_is_written() {
        let mut staging = staging();
        let add = |staging: &mut Staging, by: i64, sum: &str| {
            staging.add(Scope::Tenant, "n".into(), by, sum.into(), None).unwrap();
        };
        add(&mut staging, 5, "12");
        add(&mut staging, -2, "10");
        assert_eq!(staging.state[&(Scope::Tenant, "n".into())].added, Some(3));
        staging.write(Scope::Tenant, "n".into(), None, None).unwrap();
        add(&mut staging, 1, "1");
        let write = &staging.into_effects().state[0];
        assert_eq!((write.added, write.value.as_deref()), (None, Some(&b"1"[..])));
    }

    #[test]
    fn a_list_shows_own_writes_and_hides_own_deletes() {
        let mut staging = staging();
        staging.write(Scope::Contact, "a2".into(), Some(b"own".to_vec()), None).unwrap();
        staging.write(Scope::Contact, "a3".into(), None, None).unwrap();
        staging.write(Scope::Contact, "b".into(), Some(b"own".to_vec()), None).unwrap();
        staging.write(Scope::Tenant, "a9".into(), Some(b"own".to_vec()), None).unwrap();
        let stored = vec![entry("a1"), entry("a3"), entry("a4")];
        let listed = staging.overlay(Scope::Contact, "a", None, 10, stored, true);
        assert_eq!(keys(&listed), ["a1", "a2", "a4"]);
    }

    #[test]
    fn own_writes_past_what_was_read_wait_for_their_turn() {
        let mut staging = staging();
        staging.write(Scope::Contact, "a9".into(), Some(b"own".to_vec()), None).unwrap();
        let first = staging.overlay(Scope::Contact, "a", None, 2, vec![entry("a1"), entry("a2")], false);
        assert_eq!(keys(&first), ["a1", "a2"]);
        let rest = staging.overlay(Scope::Contact, "a", Some("a2"), 2, vec![entry("a3")], true);
        assert_eq!(keys(&rest), ["a3", "a9"]);
    }

    #[test]
    fn a_send_withdrawn_in_the_same_call_leaves_no_trace() {
        let mut staging = staging();
        let message = OutgoingMessage {
            id: "msg_1".into(),
            sender: String::new(),
            recipient: String::new(),
            text: String::new(),
            media: Vec::new(),
            options: Default::default(),
        };
        staging.send(message);
        staging.cancel("msg_1".into()).unwrap();
        staging.cancel("msg_0".into()).unwrap();
        let effects = staging.into_effects();
        assert!(effects.sends.is_empty());
        assert_eq!(effects.cancels, ["msg_0"]);
    }
}
