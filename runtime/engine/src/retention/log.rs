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
        let end = |said: &mark::Said| Some(End { n: said.end(partition)?.n, mark: said.n });
        let ends: Vec<_> = marks.iter().filter_map(end).collect();
        Work::begin(engine, tenant, partition).await?.cut_chain(&ends, first, pass).await?;
        if pass.is_over() {
            return Ok(());
        }
    }
    let book = engine.holds.unmoved().await;
    if first < target.n && book.list(tenant).is_empty() {
        let home = mark::home(tenant, store.partitions());
        let begins = Chain::new(tenant, home).first(store).await.map_err(read_error)?;
        let mut step = Step::new(engine, home);
        step.log_cut(tenant, begins.map_or(0, |frame| behind(frame.n)), target.n, target.n);
        mark::stage_cut(&mut step.batch, tenant, first, target.n);
        step.commit().await?;
    }
    Ok(())
}

/// Where a checkpoint says that a chain ended.
struct End {
    n: u64,
    mark: u64,
}

/// Behind which frame a chain is shown whose first is `first`.
fn behind(first: u64) -> u64 {
    if first > 1 { first } else { 0 }
}

impl Work<'_> {
    /// Cuts a chain at the last of the ends that checkpoints signed, in as many commits as it takes.
    /// `marks_from` is the first checkpoint, which this doesn't change.
    async fn cut_chain(&mut self, ends: &[End], marks_from: u64, pass: &mut Pass) -> Result<(), Error> {
        let (engine, chain) = (self.engine, Chain::new(self.tenant, self.partition));
        while !pass.is_over() {
            let Some(first) = chain.first(&*engine.store).await.map_err(read_error)? else { break };
            let few = ends.iter().rfind(|end| end.n > first.n && end.n - first.n <= FRAMES);
            let Some(to) = few.or_else(|| ends.iter().find(|end| end.n > first.n)) else { break };
            let book = engine.holds.unmoved().await;
            if !book.list(self.tenant).is_empty() {
                break;
            }
            let mut step = Step::new(engine, self.partition);
            chain.stage_cut(&mut step.batch, first.n, to.n);
            step.log_cut(self.tenant, to.n, to.mark, marks_from);
            let of = Body::decode(&first.body).map_or(step.at, |body| body.at);
            let count = to.n - first.n;
            self.commit(step, Kind::Audit, BTreeMap::from([(day(of), (count, Vec::new()))]), pass).await?;
            drop(book);
            pass.goes_on(count as usize).await;
        }
        Ok(())
    }
}
