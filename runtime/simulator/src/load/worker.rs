//! One connection's loop.

use super::Args;
use super::answer;
use super::connection::{Connection, Response};
use super::ledger::{Ledger, Line};
use super::plan::{Plan, Request};
use super::report::Tally;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Wait before a request is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// An answer shown in the report is cut to this.
const SHOWN_CHARS: usize = 300;

pub(super) async fn work(
    args: Arc<Args>,
    plan: Arc<Plan>,
    ledger: Arc<Ledger>,
    mut stop: watch::Receiver<bool>,
) -> Tally {
    let authority = args.authority().expect("checked with the other arguments");
    let mut connection = Connection::new(authority);
    let mut tally = Tally::default();
    let mut bytes = Vec::new();
    while let Some(request) = plan.next() {
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            () = turn(&request) => {}
        }
        let began = begin(&request);
        plan.write(&request.messages, &mut bytes);
        let answer = ask(&args, &mut connection, &bytes, &mut tally).await;
        tally.latencies_us.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        book(&plan, &ledger, &request, &answer, &mut tally);
    }
    tally
}

async fn turn(request: &Request) {
    if let Some(due) = request.due.filter(|due| *due > Instant::now()) {
        sleep_until(due).await;
    }
}

/// A request that is late has waited since its turn: that belongs to its latency. One that slept until its
/// turn begins when it wakes, so that the timer's millisecond doesn't.
fn begin(request: &Request) -> Instant {
    const TIMER: Duration = Duration::from_millis(2);
    let now = Instant::now();
    request.due.filter(|due| now.saturating_duration_since(*due) > TIMER).unwrap_or(now)
}

async fn ask(args: &Args, connection: &mut Connection, bytes: &[u8], tally: &mut Tally) -> io::Result<Response> {
    let patience = Duration::from_secs_f64(args.timeout);
    let give_up = Instant::now() + Duration::from_secs_f64(args.retry_for);
    loop {
        let exchanged = timeout(patience, connection.exchange(bytes)).await;
        let answer = exchanged.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let is_final = answer.as_ref().is_ok_and(|response| response.status < 500);
        if is_final || Instant::now() >= give_up {
            return answer;
        }
        tally.retries += 1;
        sleep(RETRY_PAUSE).await;
    }
}

fn book(plan: &Plan, ledger: &Ledger, request: &Request, answer: &io::Result<Response>, tally: &mut Tally) {
    let count = usize::try_from(request.messages.end - request.messages.start).expect("a batch fits in memory");
    let (status, ids) = match answer {
        Ok(response) => (Some(response.status), answer::ids(response.status, &response.body, count)),
        Err(_) => (None, vec![None; count]),
    };
    let accepted = ids.iter().flatten().count() as u64;
    tally.sent += count as u64;
    tally.accepted += accepted;
    let rest = count as u64 - accepted;
    *(if status.is_some() { &mut tally.refused } else { &mut tally.errors }) += rest;
    if rest > 0 {
        tally.last_trouble = Some(match answer {
            Ok(response) => {
                let shown: String = String::from_utf8_lossy(&response.body).chars().take(SHOWN_CHARS).collect();
                format!("{}: {shown}", response.status)
            }
            Err(error) => error.to_string(),
        });
    }
    if ledger.is_kept() {
        let time_us = plan.stamps.micros(Instant::now());
        for (n, id) in request.messages.clone().zip(&ids) {
            let (to, text_sha256) = (format!("+{}", plan.destination(n)), plan.text_sha256(n));
            ledger.write(&Line { n, id: id.as_deref(), to, text_sha256, status, time_us });
        }
    }
}
