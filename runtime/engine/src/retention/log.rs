//! The audit log is cut at a checkpoint: where it begins then is signed, and what is left verifies as before.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_model::{Partition, TenantId};
use signalbox_records::audit::item::Body;
use signalbox_records::audit::{Chain, Mark, mark};

use super::{Kind, Pass, Work, day};
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::step::Step;

/// Checkpoints that a pass cuts at most: some four days of them. A backlog takes more passes.
const MARKS: u64 = 1_000;
/// Frames of a chain in one commit, unless there are more between two checkpoints: what is left must begin at one.
const FRAMES: u64 = 20_000;

/// Deletes frames that were kept long enough, up to the last checkpoint of that time, and then the checkpoints before it.
/// Each chain's frame that the checkpoint signed stays as its beginning. What the log says is known of nobody in particular,
/// so as long as anything of the tenant's is held none of it goes.
pub(super) async fn cut(
    engine: &Engine,
    tenant: &TenantId,
    keep: Option<Duration>,
    pass: &mut Pass,
) -> Result<(), Error> {
    let Some(keep) = keep.filter(|_| !pass.is_over()) else { return Ok(()) };
    let store = &*engine.store;
    let last = mark::before(store, tenant, engine.clock.now() - keep).await.map_err(read_error)?;
    let Some(first) = mark::page(store, tenant, 0, 1).await.map_err(read_error)?.pop() else { return Ok(()) };
    let first = first.said()?.n;
    if last < first {
        return Ok(());
    }
    let count = (last - first + 1).min(MARKS);
    let marks = mark::page(store, tenant, first - 1, count as usize).await.map_err(read_error)?;
    let marks = marks.iter().map(Mark::said).collect::<Result<Vec<_>, _>>()?;
    let Some(target) = marks.last() else { return Ok(()) };
    for (partition, ..) in &target.ends {
        let partition = Partition::new(*partition);
        let ends: Vec<_> = marks.iter().filter_map(|said| Some(said.end(partition)?.n)).collect();
        Work::begin(engine, tenant, partition).await?.cut_chain(&ends, pass).await?;
        if pass.is_over() {
            return Ok(());
        }
    }
    let book = engine.holds.unmoved().await;
    if first < target.n && book.list(tenant).is_empty() {
        let mut step = Step::new(engine, mark::home(tenant, store.partitions()));
        mark::stage_cut(&mut step.batch, tenant, first, target.n);
        step.commit().await?;
    }
    Ok(())
}

impl Work<'_> {
    /// Cuts a chain at the last of the ends that checkpoints signed, in as many commits as it takes.
    async fn cut_chain(&mut self, ends: &[u64], pass: &mut Pass) -> Result<(), Error> {
        let (engine, chain) = (self.engine, Chain::new(self.tenant, self.partition));
        while !pass.is_over() {
            let Some(first) = chain.first(&*engine.store).await.map_err(read_error)? else { break };
            let few = ends.iter().rfind(|end| **end > first.n && **end - first.n <= FRAMES);
            let Some(to) = few.or_else(|| ends.iter().find(|end| **end > first.n)).copied() else { break };
            let book = engine.holds.unmoved().await;
            if !book.list(self.tenant).is_empty() {
                break;
            }
            let mut step = Step::new(engine, self.partition);
            chain.stage_cut(&mut step.batch, first.n, to);
            let of = Body::decode(&first.body).map_or(step.at, |body| body.at);
            let count = to - first.n;
            self.commit(step, Kind::Audit, BTreeMap::from([(day(of), (count, Vec::new()))]), pass).await?;
            drop(book);
            pass.goes_on(count as usize).await;
        }
        Ok(())
    }
}
