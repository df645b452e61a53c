//! Finds the first frame that isn't as it was written.
//!
//! It is given the frames of each chain in order, and the tenant's checkpoints in order; it knows nothing of where they
//! come from, so that the same code judges the store and an export of long ago.

use std::collections::BTreeMap;

use signalbox_model::{Partition, TenantId, Timestamp};

use super::chain::{Chain, Head};
use super::item::{Body, Item};
use super::key::PublicKey;
use super::mark::{Mark, Said};
use super::{Digest, hash};

/// What is wrong, and where first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// A frame's number isn't the next: frames were dropped, doubled, or put elsewhere.
    #[error(
        "in partition {partition}, frame {expected} should follow and frame {found} does: frames are missing, doubled or out of order"
    )]
    Order {
        /// Where.
        partition: u16,
        /// The number that should follow.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// A frame's link isn't what its body and the link before it make.
    #[error("in partition {partition}, frame {n} was changed, or the one before it was")]
    Changed {
        /// Where.
        partition: u16,
        /// Which.
        n: u64,
    },
    /// A frame's link is right and its body can't be read, or its time runs backwards: nobody but us can have made it.
    #[error("in partition {partition}, frame {n} is no frame: {why}")]
    Nonsense {
        /// Where.
        partition: u16,
        /// Which.
        n: u64,
        /// Why.
        why: String,
    },
    /// A checkpoint isn't signed by the key, or belongs elsewhere.
    #[error("checkpoint {n} {why}")]
    Mark {
        /// Which; 0 when it can't be read.
        n: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A checkpoint knows of another frame than there is.
    #[error("in partition {partition}, frame {n} isn't the one that checkpoint {mark} was made of")]
    Forked {
        /// Where.
        partition: u16,
        /// Which.
        n: u64,
        /// By which checkpoint.
        mark: u64,
    },
    /// A checkpoint knows of more frames than there are.
    #[error("in partition {partition}, the frames from {from} to {to}, which checkpoint {mark} knows, were cut off")]
    Truncated {
        /// Where.
        partition: u16,
        /// The first that is missing.
        from: u64,
        /// The last.
        to: u64,
        /// By which checkpoint.
        mark: u64,
    },
    /// A chain begins at another frame than the log says that it was cut at.
    #[error(
        "in partition {partition}, all before frame {found} is missing, and what the log says was cut ends at frame {told}: the beginning was dropped"
    )]
    Beginning {
        /// Where.
        partition: u16,
        /// The frame with which it begins; 0 when it has all.
        found: u64,
        /// The frame at which it was cut by what it says; 0 if it says nothing.
        told: u64,
    },
    /// The checkpoints begin with another than the log says that is the first.
    #[error("the checkpoints begin with {found}, and by what the log says with {told}: those before were dropped")]
    FirstMark {
        /// The first that there is.
        found: u64,
        /// The first that there should be.
        told: u64,
    },
    /// What says that the log was cut is behind the last checkpoint: anybody could have written it.
    #[error(
        "in partition {partition}, frame {n} says that the log was cut, and no checkpoint covers it: sign it first"
    )]
    UnsignedCut {
        /// Where.
        partition: u16,
        /// Which.
        n: u64,
    },
}

/// What was found to be in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames.
    pub frames: u64,
    /// Items in those that could be read.
    pub items: u64,
    /// Checkpoints.
    pub marks: u64,
    /// Frames that no checkpoint covers: they hang together, but an end of them could be missing.
    pub unsigned: u64,
}

/// Goes along a tenant's chains.
pub struct Verifier {
    tenant: TenantId,
    key: PublicKey,
    chains: BTreeMap<u16, Walk>,
    /// Links that a checkpoint says something of, by partition and number, with the checkpoint.
    expected: BTreeMap<(u16, u64), Expected>,
    last_mark: Option<(u64, Digest)>,
    first_mark: Option<u64>,
    summary: Summary,
}

#[derive(Clone, Copy)]
struct Expected {
    mark: u64,
    at: Timestamp,
    link: Digest,
}

struct Walk {
    head: Head,
    /// Before the first frame that was shown nothing is known.
    began: u64,
    at: Option<Timestamp>,
    /// All of it is shown: its beginning has to be what it says.
    is_whole: bool,
    cut: Option<Cut>,
}

/// The last cut that a chain tells of.
#[derive(Clone, Copy)]
struct Cut {
    told_in: u64,
    behind: u64,
    marks_from: u64,
}

impl Walk {
    fn from(head: Head) -> Self {
        Self { head, began: head.n, at: None, is_whole: false, cut: None }
    }
}

impl Verifier {
    /// Of a tenant whose checkpoints this key signs.
    pub fn new(tenant: TenantId, key: PublicKey) -> Self {
        let (chains, expected) = (BTreeMap::new(), BTreeMap::new());
        Self { tenant, key, chains, expected, last_mark: None, first_mark: None, summary: Summary::default() }
    }

    /// A chain is shown from behind `head` only: what lies before isn't judged, unless a checkpoint reaches over it.
    pub fn begin_at(&mut self, partition: Partition, head: Head) -> Result<(), Bad> {
        let origin = Chain::new(&self.tenant, partition).origin();
        if head.n == 0 && head != origin {
            return Err(Bad::Changed { partition: partition.index(), n: 0 });
        }
        self.confirm(partition.index(), head)?;
        self.chains.insert(partition.index(), Walk::from(head));
        Ok(())
    }

    /// A whole chain is shown, and begins behind `head`: what lies before was kept long enough and deleted, which happens at
    /// a checkpoint only, and which the chain tells of.
    pub fn begin_whole_at(&mut self, partition: Partition, head: Head) -> Result<(), Bad> {
        if head.n > 0 && !self.expected.contains_key(&(partition.index(), head.n)) {
            return Err(Bad::Order { partition: partition.index(), expected: 1, found: head.n + 1 });
        }
        self.begin_at(partition, head)?;
        self.chains.get_mut(&partition.index()).expect("it was just begun").is_whole = true;
        Ok(())
    }

    /// A checkpoint. Those that are known are shown before the frames, in their order.
    pub fn mark(&mut self, mark: &Mark) -> Result<Said, Bad> {
        let said = mark.said().map_err(|_| Bad::Mark { n: 0, why: "can't be read" })?;
        let bad = |why| Bad::Mark { n: said.n, why };
        if !mark.is_signed(&self.key) {
            return Err(bad("isn't signed by this key"));
        }
        if said.tenant != self.tenant {
            return Err(bad("is another tenant's"));
        }
        match self.last_mark {
            Some((n, _)) if said.n != n + 1 => {
                return Err(bad("doesn't follow the one before it: some are missing or out of order"));
            }
            Some((_, previous)) if said.previous != previous => {
                return Err(bad("follows another checkpoint than the one before it"));
            }
            _ => {}
        }
        self.first_mark.get_or_insert(said.n);
        self.last_mark = Some((said.n, mark.hash()));
        self.expect(&said)?;
        self.summary.marks += 1;
        Ok(said)
    }

    /// A checkpoint that was kept elsewhere; it needn't be among the others.
    pub fn kept(&mut self, mark: &Mark) -> Result<Said, Bad> {
        let said = mark.said().map_err(|_| Bad::Mark { n: 0, why: "can't be read" })?;
        if !mark.is_signed(&self.key) || said.tenant != self.tenant {
            return Err(Bad::Mark { n: said.n, why: "isn't signed by this key for this tenant" });
        }
        self.expect(&said)?;
        Ok(said)
    }

    fn expect(&mut self, said: &Said) -> Result<(), Bad> {
        for (partition, n, link) in &said.ends {
            let expected = Expected { mark: said.n, at: said.at, link: *link };
            let known = self.expected.entry((*partition, *n)).or_insert(expected);
            if known.link != *link {
                return Err(Bad::Forked { partition: *partition, n: *n, mark: said.n });
            }
        }
        Ok(())
    }

    /// The next frame of a chain.
    pub fn frame(&mut self, partition: Partition, n: u64, link: &Digest, body: &[u8]) -> Result<Body, Bad> {
        self.step(partition, n, link, &hash(&[body]))?;
        let index = partition.index();
        let nonsense = |why: String| Bad::Nonsense { partition: index, n, why };
        let body = Body::decode(body).map_err(|error| nonsense(error.why))?;
        let walk = self.chains.get_mut(&index).expect("the step made it");
        if walk.at.is_some_and(|before| body.at < before) {
            return Err(nonsense("its time lies before that of the frame before".to_owned()));
        }
        walk.at = Some(body.at);
        for item in &body.items {
            if let Item::Cut { behind, marks_from, .. } = item {
                walk.cut = Some(Cut { told_in: n, behind: *behind, marks_from: *marks_from });
            }
        }
        self.summary.items += body.items.len() as u64;
        Ok(body)
    }

    /// The next frame of a chain, of which only the body's hash is shown.
    pub fn hidden(&mut self, partition: Partition, n: u64, link: &Digest, body: &Digest) -> Result<(), Bad> {
        self.step(partition, n, link, body)
    }

    fn step(&mut self, partition: Partition, n: u64, link: &Digest, body: &Digest) -> Result<(), Bad> {
        let chain = Chain::new(&self.tenant, partition);
        let index = partition.index();
        let walk = self.chains.entry(index).or_insert_with(|| Walk::from(chain.origin()));
        let expected = walk.head.n + 1;
        if n != expected {
            return Err(Bad::Order { partition: index, expected, found: n });
        }
        let next = chain.next_by_digest(walk.head, body);
        if next.link != *link {
            return Err(Bad::Changed { partition: index, n });
        }
        walk.head = next;
        self.summary.frames += 1;
        self.confirm(index, next)
    }

    /// Does a checkpoint say otherwise?
    fn confirm(&self, partition: u16, head: Head) -> Result<(), Bad> {
        match self.expected.get(&(partition, head.n)) {
            Some(known) if known.link != head.link => Err(Bad::Forked { partition, n: head.n, mark: known.mark }),
            _ => Ok(()),
        }
    }

    /// All was shown, up to `until` or to the end: what checkpoints of that time know must have been there.
    pub fn finish(mut self, until: Option<Timestamp>) -> Result<Summary, Bad> {
        for ((partition, n), known) in &self.expected {
            let end = self.chains.get(partition).map_or(0, |walk| walk.head.n);
            if end < *n && until.is_none_or(|until| known.at <= until) {
                return Err(Bad::Truncated { partition: *partition, from: end + 1, to: *n, mark: known.mark });
            }
        }
        if until.is_none() {
            self.begins_as_told()?;
        }
        for (partition, walk) in &self.chains {
            let signed = self.expected.range((*partition, 0)..=(*partition, walk.head.n)).next_back();
            let signed = signed.map_or(walk.began, |((_, n), _)| (*n).max(walk.began));
            self.summary.unsigned += walk.head.n - signed;
        }
        Ok(self.summary)
    }

    /// Whole chains, and with them the checkpoints, begin where the log says that it was cut.
    fn begins_as_told(&self) -> Result<(), Bad> {
        let whole = || self.chains.iter().filter(|(_, walk)| walk.is_whole);
        for (partition, walk) in whole() {
            let told = walk.cut.map_or(0, |cut| cut.behind);
            if told != walk.began {
                return Err(Bad::Beginning { partition: *partition, found: walk.began, told });
            }
            let is_signed =
                |cut: Cut| self.expected.range((*partition, cut.told_in)..=(*partition, u64::MAX)).next().is_some();
            if let Some(cut) = walk.cut.filter(|cut| !is_signed(*cut)) {
                return Err(Bad::UnsignedCut { partition: *partition, n: cut.told_in });
            }
        }
        let told = whole().filter_map(|(_, walk)| walk.cut.map(|cut| cut.marks_from)).max().unwrap_or(1);
        match self.first_mark {
            Some(found) if whole().next().is_some() && found != told => Err(Bad::FirstMark { found, told }),
            _ => Ok(()),
        }
    }
}
