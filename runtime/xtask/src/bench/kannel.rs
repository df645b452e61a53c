//! A yardstick: what a message costs in Kannel on this machine, just now, kept in memory alone: no
//! store, no receipts, no webhooks, no handler. The same simulated carrier, one message a request.

use super::Options;
use super::figure::{Figure, Table, median};
use super::rig::{self, Programs};
use crate::house::{Carrier, CarrierPlan, Process, cpu_micros, free_address, until};
use crate::{progress, tools};
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const WARM_UP: u64 = 10_000;
const CONCURRENCY: u64 = 128;
const PATIENCE: Duration = Duration::from_secs(60);
/// Where Kannel is asked to send.
const SEND: &str = "cgi-bin/sendsms?username=bench&password=bench&from=%2B15550001111&to=%2B15552223333\
                    &text=Your+order+is+on+its+way,+parcel";

/// Kannel's two processes, bound to a carrier.
struct Kannel {
    carrier: Carrier,
    boxes: [Process; 2],
    http: SocketAddr,
}

/// Measures.
pub fn run(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    tools::need("bearerbox", &["kannel"])?;
    tools::need("ab", &["apache2-utils"])?;
    let folder = rig::folder()?;
    let mut kannel = Kannel::start(programs, folder.path())?;
    kannel.send(WARM_UP, folder.path())?;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for number in 1..=options.runs {
        let (rate, cost) = kannel.send(options.messages, folder.path())?;
        progress::say(&format!("kannel, run {number}: {rate:.0} msg/s, {cost:.0} µs each"));
        rates.push(rate);
        costs.push(cost);
    }
    let note = format!("HTTP to SMPP, in memory, no receipts; median of {}", options.runs);
    table.show(&Figure::new("kannel", median(&mut rates), "msg/s", "", note));
    let note = "user and system time of bearerbox and smsbox; where path_hook may take 250 us, this takes 105";
    table.show(&Figure::new("kannel_cpu_us", median(&mut costs), "us/msg", "", note));
    Ok(())
}

impl Kannel {
    fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        let plan = CarrierPlan { scenario: rig::SCENARIO.to_owned(), seed: Some(1), ledger: None, counts_only: true };
        let mut carrier = Carrier::start(Command::new(&programs.binaries.simulator), &plan, folder)?;
        let (http, [admin, between]) = (free_address()?, [free_address()?, free_address()?]);
        let file = folder.join("kannel.conf");
        std::fs::write(&file, configuration(carrier.smpp, http, [admin.port(), between.port()]))?;
        let bearerbox = Process::start("bearerbox", Command::new("bearerbox").arg("-v").arg("3").arg(&file), folder)?;
        carrier.wait("bound=1", PATIENCE)?;
        let smsbox = Process::start("smsbox", Command::new("smsbox").arg("-v").arg("3").arg(&file), folder)?;
        let listens = || Ok(std::net::TcpStream::connect(http).is_ok().then_some(()));
        until("smsbox to listen", PATIENCE, listens)?;
        Ok(Self { carrier, boxes: [bearerbox, smsbox], http })
    }

    /// Messages a second until all are with the carrier, and CPU time of each in µs.
    fn send(&mut self, count: u64, folder: &Path) -> Result<(f64, f64)> {
        let before = self.carrier.count("submits")?;
        let (cpu, began) = (self.cpu()?, Instant::now());
        let mut load = Command::new("ab");
        // It stands still for half a minute now and then, and goes on.
        load.args(["-q", "-k", "-s", "120", "-c", &CONCURRENCY.to_string(), "-n", &count.to_string()]);
        load.arg(format!("http://{}/{SEND}", self.http));
        Process::start("ab", &mut load, folder)?.output()?;
        until("all to be with the carrier", PATIENCE, || {
            Ok((self.carrier.count("submits")? >= before + count).then_some(()))
        })?;
        let (took, cpu) = (began.elapsed().as_secs_f64(), self.cpu()? - cpu);
        Ok((count as f64 / took, cpu as f64 / count as f64))
    }

    fn cpu(&self) -> Result<u64> {
        self.boxes.iter().map(|one| cpu_micros(one.id())).sum()
    }
}

fn configuration(smpp: SocketAddr, http: SocketAddr, [admin, between]: [u16; 2]) -> String {
    format!(
        "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = bench\n\
         smsbox-port = {between}\nsmsbox-interface = 127.0.0.1\nbox-allow-ip = 127.0.0.1\nlog-level = 3\n\n\
         group = smsc\nsmsc = smpp\nsmsc-id = simulator\nhost = {}\nport = {}\nsmsc-username = signalbox\n\
         smsc-password = sesame\nsystem-type = \"\"\ntransceiver-mode = true\nmax-pending-submits = {CONCURRENCY}\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {}\nsendsms-interface = 127.0.0.1\n\
         log-level = 3\n\ngroup = sendsms-user\nusername = bench\npassword = bench\n",
        smpp.ip(),
        smpp.port(),
        http.port(),
    )
}
