//! The audit log: whatever is done to a log, it is found.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use proptest::prelude::*;
use signalbox_model::{Chance, MessageId, Partition, Status, TenantId, Timestamp};
use signalbox_records::audit::chain::Chain;
use signalbox_records::audit::export::{FrameLine, Line, MarkLine, Reader};
use signalbox_records::audit::item::Body;
use signalbox_records::audit::mark::Said;
use signalbox_records::audit::{Bad, Frame, Head, Item, Keys, Mark, Person, Summary, Verifier, hex};

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn keys() -> Keys {
    Keys::from_bytes(&[7; 64])
}

/// A log of two chains with a checkpoint after every third frame and one at the end.
struct Log {
    frames: Vec<(Partition, Frame)>,
    marks: Vec<Mark>,
}

impl Log {
    fn new(count: u64) -> Self {
        let chance = Chance::seeded(1);
        let (mut heads, mut marks, mut frames) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..2 {
            heads.push(Chain::new(&tenant(), Partition::new(index)).origin());
        }
        for i in 0..count {
            let partition = Partition::new((i % 2) as u16);
            let at = Timestamp::from_millis(1_000 * (i + 1));
            let id = MessageId::new(at, partition, &chance);
            let items = vec![
                Item::Text { message: id, digest: [i as u8; 32] },
                Item::Line { message: id, n: 0, status: Status::Accepted, person: Person([9; 8]), digest: [3; 32] },
            ];
            let body = Body { at, items }.encode();
            let head = &mut heads[usize::from(partition.index())];
            *head = Chain::new(&tenant(), partition).next(*head, &body);
            frames.push((partition, Frame { n: head.n, link: head.link, body }));
            if i % 3 == 2 || i + 1 == count {
                marks.push(mark(&marks, &heads, at));
            }
        }
        Self { frames, marks }
    }

    fn verify(&self) -> Result<Summary, Bad> {
        let mut verifier = Verifier::new(tenant(), keys().public());
        for mark in &self.marks {
            verifier.mark(mark)?;
        }
        for (partition, frame) in &self.frames {
            verifier.frame(*partition, frame.n, &frame.link, &frame.body)?;
        }
        verifier.finish(None)
    }

    fn export(&self) -> Vec<String> {
        let key = hex(&keys().public());
        let mut lines = vec![Line::Export { tenant: tenant(), key, since: None, until: None }];
        lines.extend(self.marks.iter().map(|mark| Line::Checkpoint(MarkLine::of(mark))));
        for index in 0..2 {
            let origin = Chain::new(&tenant(), Partition::new(index)).origin();
            lines.push(Line::Chain { partition: index, n: 0, link: hex(&origin.link) });
        }
        let frame = |(i, (partition, frame)): (usize, &(Partition, Frame))| {
            // Every fourth is about somebody else.
            let person = if i % 4 == 3 { Person([1; 8]) } else { Person([9; 8]) };
            Line::Frame(FrameLine::of(*partition, frame, Some(person)))
        };
        lines.extend(self.frames.iter().enumerate().map(frame));
        lines.push(Line::End { frames: self.frames.len() as u64, checkpoints: self.marks.len() as u64 });
        lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect()
    }
}

fn mark(marks: &[Mark], heads: &[Head], at: Timestamp) -> Mark {
    let ends = heads.iter().enumerate().filter(|(_, head)| head.n > 0);
    let ends = ends.map(|(i, head)| (i as u16, head.n, head.link)).collect();
    let previous = marks.last().map_or([0; 32], Mark::hash);
    Said { tenant: tenant(), n: marks.len() as u64 + 1, at, previous, ends }.sign(&keys())
}

fn read<T: AsRef<str>>(lines: &[T]) -> Result<Summary, String> {
    let mut reader = Reader::new(Some(keys().public()), Vec::new());
    for line in lines {
        reader.line(line.as_ref()).map_err(|error| error.to_string())?;
    }
    reader.finish().map_err(|error| error.to_string())
}

#[test]
fn a_log_that_nobody_touched_is_in_order() {
    let log = Log::new(10);
    assert_eq!(log.verify(), Ok(Summary { frames: 10, items: 20, marks: 4, unsigned: 0 }));
    assert_eq!(read(&log.export()), Ok(Summary { frames: 10, items: 16, marks: 4, unsigned: 0 }));
}

#[test]
fn the_first_bad_frame_is_named() {
    let mut log = Log::new(10);
    log.frames[4].1.body = log.frames[2].1.body.clone();
    assert_eq!(log.verify(), Err(Bad::Changed { partition: 0, n: 3 }));
    let mut log = Log::new(10);
    log.frames.remove(5);
    assert_eq!(log.verify(), Err(Bad::Order { partition: 1, expected: 3, found: 4 }));
}

#[test]
fn an_end_that_was_cut_off_is_found_by_a_checkpoint() {
    let mut log = Log::new(10);
    log.frames.truncate(8);
    assert_eq!(log.verify(), Err(Bad::Truncated { partition: 0, from: 5, to: 5, mark: 3 }));
}

#[test]
fn an_end_that_was_cut_off_with_its_checkpoints_is_found_by_one_that_was_kept() {
    let (mut log, whole) = (Log::new(10), Log::new(10));
    log.frames.truncate(6);
    log.marks.truncate(2);
    // By itself it is a log like another: nothing in it can tell.
    assert!(log.verify().is_ok());
    assert!(read(&log.export()).is_ok());
    let mut reader = Reader::new(Some(keys().public()), vec![whole.marks[3].clone()]);
    for line in log.export() {
        reader.line(&line).unwrap();
    }
    assert!(reader.finish().unwrap_err().to_string().contains("frames from 4 to 5"));
}

#[test]
fn frames_behind_the_last_checkpoint_are_counted() {
    let mut log = Log::new(10);
    log.marks.truncate(2);
    assert_eq!(log.verify().map(|summary| summary.unsigned), Ok(4));
}

#[test]
fn a_chain_that_was_made_anew_doesn_t_fit_the_checkpoints() {
    let (mut log, other) = (Log::new(4), Log::new(10));
    // Another history with right links, by somebody without the key.
    log.marks.clone_from(&other.marks);
    let chain = Chain::new(&tenant(), Partition::new(0));
    let body = Body { at: Timestamp::from_millis(1_000), items: Vec::new() }.encode();
    let head = chain.next(chain.origin(), &body);
    log.frames = vec![(Partition::new(0), Frame { n: 1, link: head.link, body })];
    assert!(matches!(log.verify(), Err(Bad::Truncated { .. } | Bad::Forked { .. })));
}

/// A log whose beginning is missing, with its checkpoints up to `mark`.
fn beheaded(count: u64, mark: u64, items: Vec<Item>) -> Result<Summary, Bad> {
    let mut log = Log::new(count);
    let at = Timestamp::from_millis(1_000 * (count + 1));
    let ends = log.marks[mark as usize - 1].said().unwrap();
    let mut heads: Vec<Head> = vec![];
    for index in 0..2 {
        let partition = Partition::new(index);
        let (_, last) = log.frames.iter().rfind(|(of, _)| *of == partition).unwrap();
        let head = Head { n: last.n, link: last.link };
        // What is told of the cut, in the first partition alone unless it is for both.
        let body = Body { at, items: items.get(usize::from(index)).cloned().into_iter().collect() }.encode();
        let next = Chain::new(&tenant(), partition).next(head, &body);
        log.frames.push((partition, Frame { n: next.n, link: next.link, body }));
        heads.push(next);
    }
    log.marks.push(self::mark(&log.marks, &heads, at));
    let mut verifier = Verifier::new(tenant(), keys().public());
    for mark in &log.marks[mark as usize - 1..] {
        verifier.mark(mark)?;
    }
    for index in 0..2 {
        let partition = Partition::new(index);
        let begin = ends.end(partition).unwrap();
        verifier.begin_whole_at(partition, begin)?;
        for (_, frame) in log.frames.iter().filter(|(of, frame)| *of == partition && frame.n > begin.n) {
            verifier.frame(partition, frame.n, &frame.link, &frame.body)?;
        }
    }
    verifier.finish(None)
}

#[test]
fn a_beginning_that_was_dropped_is_found_unless_the_log_tells_that_it_was_cut() {
    let cut = |behind, marks_from| Item::Cut { behind, mark: marks_from, marks_from };
    let told = |found, told| Err(Bad::Beginning { partition: 0, found, told });
    // The second checkpoint is of three frames in each partition.
    assert_eq!(beheaded(12, 2, vec![]), told(3, 0));
    assert_eq!(beheaded(12, 2, vec![cut(2, 2), cut(3, 2)]), told(3, 2));
    assert_eq!(beheaded(12, 2, vec![cut(3, 2)]), Err(Bad::Beginning { partition: 1, found: 3, told: 0 }));
    assert_eq!(beheaded(12, 2, vec![cut(3, 1), cut(3, 1)]), Err(Bad::FirstMark { found: 2, told: 1 }));
    assert!(beheaded(12, 2, vec![cut(3, 2), cut(3, 1)]).is_ok());
}

#[test]
fn what_tells_of_a_cut_has_to_be_signed() {
    let log = Log::new(12);
    let ends = log.marks[1].said().unwrap();
    let (partition, begin) = (Partition::new(0), ends.end(Partition::new(0)).unwrap());
    let mut verifier = Verifier::new(tenant(), keys().public());
    for mark in &log.marks[1..] {
        verifier.mark(mark).unwrap();
    }
    verifier.begin_whole_at(partition, begin).unwrap();
    let mut head = begin;
    for (of, frame) in log.frames.iter().filter(|(of, frame)| *of == partition && frame.n > begin.n) {
        verifier.frame(*of, frame.n, &frame.link, &frame.body).unwrap();
        head = Head { n: frame.n, link: frame.link };
    }
    let items = vec![Item::Cut { behind: begin.n, mark: 2, marks_from: 2 }];
    let body = Body { at: Timestamp::from_millis(99_000), items }.encode();
    let forged = Chain::new(&tenant(), partition).next(head, &body);
    verifier.frame(partition, forged.n, &forged.link, &body).unwrap();
    for (of, frame) in log.frames.iter().filter(|(of, _)| *of != partition) {
        verifier.frame(*of, frame.n, &frame.link, &frame.body).unwrap();
    }
    assert_eq!(verifier.finish(None), Err(Bad::UnsignedCut { partition: 0, n: forged.n }));
}

#[test]
fn a_checkpoint_of_another_key_is_refused() {
    let mut log = Log::new(3);
    log.marks[0] = log.marks[0].said().unwrap().sign(&Keys::from_bytes(&[8; 64]));
    assert!(matches!(log.verify(), Err(Bad::Mark { n: 1, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bit_that_flips_in_a_frame_is_found(which in 0..12_usize, byte in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut log = Log::new(12);
        let frame = &mut log.frames[which].1;
        let mut bytes = [&frame.n.to_be_bytes()[..], &frame.link, &frame.body].concat();
        let at = byte.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let n = u64::from_be_bytes(bytes[..8].try_into().unwrap());
        *frame = Frame { n, link: bytes[8..40].try_into().unwrap(), body: bytes[40..].to_vec().into() };
        prop_assert!(log.verify().is_err());
    }

    #[test]
    fn any_bit_that_flips_in_a_checkpoint_is_found(which in 0..4_usize, byte in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut log = Log::new(12);
        let mark = &mut log.marks[which];
        let mut bytes = [&mark.signature[..], &mark.body].concat();
        let at = byte.index(bytes.len());
        bytes[at] ^= 1 << bit;
        *mark = Mark { signature: bytes[..64].try_into().unwrap(), body: bytes[64..].to_vec().into() };
        prop_assert!(log.verify().is_err());
    }

    #[test]
    fn a_frame_that_is_dropped_doubled_or_swapped_is_found(from in 0..12_usize, to in 0..12_usize, how in 0..3_u8) {
        let mut log = Log::new(12);
        match how {
            0 => drop(log.frames.remove(from)),
            1 => { let twice = log.frames[from].clone(); log.frames.insert(to, twice) }
            // Frames of different chains have no order among themselves.
            _ if from % 2 != to % 2 || from == to => return Ok(()),
            _ => log.frames.swap(from, to),
        }
        prop_assert!(log.verify().is_err());
    }

    #[test]
    fn any_bit_that_flips_in_an_export_is_found(byte in any::<prop::sample::Index>(), bit in 0..7_u32) {
        let log = Log::new(8);
        let whole = log.export().join("\n");
        let mut bytes = whole.into_bytes();
        let at = byte.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        // What period was asked for is a note, unless frames are missing for it; it stands in the first line.
        prop_assert!(read(&lines).is_err());
    }

    #[test]
    fn a_line_of_an_export_that_is_dropped_doubled_or_swapped_is_found(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), how in 0..3_u8) {
        let log = Log::new(8);
        let mut lines = log.export();
        let (from, to) = (from.index(lines.len()), to.index(lines.len()));
        let is_chain = |line: &str| line.starts_with("{\"kind\":\"chain\"");
        match how {
            0 if is_chain(&lines[from]) => return Ok(()), // it says that the chain begins where it begins anyway
            0 => drop(lines.remove(from)),
            1 if is_chain(&lines[from]) => return Ok(()),
            1 => { let twice = lines[from].clone(); lines.insert(to, twice) }
            _ => {
                let before = lines.clone();
                lines.swap(from, to);
                let order = |lines: &[String], prefix: &str| -> Vec<String> { lines.iter().filter(|line| line.contains(prefix)).cloned().collect() };
                // The order between chains, and of the notes where they begin, says nothing.
                let same = ["\"kind\":\"frame\",\"partition\":0", "\"kind\":\"frame\",\"partition\":1", "\"kind\":\"checkpoint\""]
                    .iter().all(|kind| order(&before, kind) == order(&lines, kind));
                if same && lines[0] == before[0] && lines.last() == before.last() { return Ok(()) }
            }
        }
        prop_assert!(read(&lines).is_err());
    }
}
