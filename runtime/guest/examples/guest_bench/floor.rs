//! Bare wasmtime: a store, an instance, the export looked up and called.

use crate::bare::Bare;
use crate::runtimes;
use signalbox_guest::bindings::exports::signalbox::messaging::{draft_handler, message_handler};
use signalbox_guest::bindings::signalbox::messaging::{self as wit, types as wit_types};
use signalbox_guest::{Event, Handler, InboundMessage, Names, OutboundDraft};
use std::time::{Duration, Instant};
use wasmtime::Store;
use wasmtime::component::{HasSelf, Instance, InstancePre, Linker};

/// A handler's component without the host: the same code, and the same slots of the pool.
pub struct Floor {
    engine: wasmtime::Engine,
    settings: Names,
    pre: InstancePre<Bare>,
    message: Option<message_handler::GuestIndices>,
    draft: Option<draft_handler::GuestIndices>,
}

impl Floor {
    /// Imports that aren't the contract's trap when they are called.
    pub fn new(handler: &Handler, settings: Names) -> wasmtime::Result<Self> {
        let component = handler.component();
        let engine = component.engine().clone();
        let mut linker = Linker::<Bare>::new(&engine);
        wit::calendar::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::contacts::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::conversation::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::http::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::log::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::notes::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::outbox::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::secrets::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::settings::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::state::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        wit::timers::add_to_linker::<_, HasSelf<Bare>>(&mut linker, |bare| bare)?;
        runtimes::add_to(&mut linker, component)?;
        linker.define_unknown_imports_as_traps(component)?;
        let pre = linker.instantiate_pre(component)?;
        let message = message_handler::GuestIndices::new(&pre).ok();
        let draft = draft_handler::GuestIndices::new(&pre).ok();
        Ok(Self { engine, settings, pre, message, draft })
    }

    /// One event, on a fresh instance. An error is a trap: the component needs something that isn't here.
    pub async fn call(&self, event: &Event<'_>) -> wasmtime::Result<Duration> {
        let began = Instant::now();
        let mut store = Store::new(&self.engine, Bare(self.settings.clone()));
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate_async(&mut store).await?;
        match event {
            Event::Message(m) => self.on_message(&mut store, &instance, m).await?,
            Event::Draft(d) => self.on_draft(&mut store, &instance, d).await?,
            Event::Receipt(_) | Event::Timer(_) => unreachable!("not measured"),
        }
        drop(store);
        Ok(began.elapsed())
    }

    async fn on_message(
        &self,
        store: &mut Store<Bare>,
        instance: &Instance,
        m: &InboundMessage<'_>,
    ) -> wasmtime::Result<()> {
        let guest = self.message.as_ref().expect("it handles messages").load(&mut *store, instance)?;
        let message = wit_types::InboundMessage {
            event_id: "evt_06cq3k5v7m2h8n4p9r1t6w0x3z",
            attempt: 1,
            id: m.id,
            channel: m.channel,
            sender: m.sender,
            recipient: m.recipient,
            text: m.text,
            media: &[],
            received_at: m.received_at,
            attributes: &[],
        };
        guest.call_on_message(store, message).await?.expect("ok");
        Ok(())
    }

    async fn on_draft(
        &self,
        store: &mut Store<Bare>,
        instance: &Instance,
        d: &OutboundDraft<'_>,
    ) -> wasmtime::Result<()> {
        let guest = self.draft.as_ref().expect("it looks at drafts").load(&mut *store, instance)?;
        let draft = wit_types::OutboundDraft {
            event_id: "evt_06cq3k5v7m2h8n4p9r1t6w0x3z",
            attempt: 1,
            id: d.id,
            channel: d.channel,
            origin: d.origin,
            category: d.category,
            sender: d.sender,
            recipient: d.recipient,
            text: d.text,
            media: &[],
            accepted_at: d.accepted_at,
            attributes: &[],
        };
        guest.call_on_draft(store, draft).await?.expect("ok");
        Ok(())
    }
}
