//! What tenants, phones and carriers do.

use signalbox_carriers::{Answer, Brought, InboundPart, Incoming, Verdict};
use signalbox_engine::{NewBinding, Request};
use signalbox_model::handler::{OnFailure, Scope};
use signalbox_model::{Address, MessageId, Receipt, ReceiptState};

use super::{House, OURS, THEIRS, part};

impl House {
    pub fn request(text: &str) -> Request {
        Request { from: OURS.to_owned(), to: THEIRS.to_owned(), text: text.to_owned(), ..Request::default() }
    }

    pub async fn send(&self, request: &Request) -> MessageId {
        self.handle.accept(&self.caller, request, None).await.expect("the request is in order").id
    }

    pub async fn bring(&self, what: Brought) -> Verdict {
        let (answer, verdict) = Answer::pair();
        let incoming = Incoming { carrier: "scripted".into(), what, answer };
        if self.intake.send(incoming).await.is_err() {
            return Verdict::Later;
        }
        verdict.await.unwrap_or(Verdict::Later)
    }

    pub async fn receipt(&self, carrier_id: &str, state: ReceiptState) -> Verdict {
        let receipt =
            Receipt { carrier_id: carrier_id.to_owned(), state, raw_code: Some("000".to_owned()), carrier_time: None };
        let (ours, theirs): (Address, Address) = (OURS.parse().unwrap(), THEIRS.parse().unwrap());
        self.bring(Brought::Receipt { receipt, ours: Some(ours), theirs: Some(theirs) }).await
    }

    pub async fn text(&self, text: &str) -> Verdict {
        self.bring(Brought::Part(part(text, None))).await
    }

    /// A text from another phone.
    pub async fn text_from(&self, phone: &str, text: &str) -> Verdict {
        self.bring(Brought::Part(InboundPart { from: phone.parse().unwrap(), ..part(text, None) })).await
    }

    /// A text from anywhere to one of the tenant's numbers.
    pub async fn text_between(&self, phone: &str, ours: &str, text: &str) -> Verdict {
        let (from, to) = (phone.parse().unwrap(), ours.parse().unwrap());
        self.bring(Brought::Part(InboundPart { from, to, ..part(text, None) })).await
    }

    /// Uploads a guest that `cargo xtask guests` has built.
    pub async fn upload_guest(&self, name: &str) {
        let path = format!("{}/../../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
        let component = std::fs::read(path).expect("`cargo xtask guests` has built it");
        self.handle.put_handler(&self.caller.tenant, name, component).await.expect("the guest is in order");
    }

    /// Uploads a guest, and binds it to the tenant's number.
    pub async fn bind_guest(&self, name: &str) {
        self.upload_guest(name).await;
        self.bind_to(name, OURS, OnFailure::default()).await;
    }

    /// Binds a guest that is uploaded.
    pub async fn bind_to(&self, name: &str, number: &str, on_failure: OnFailure) {
        let scope = Scope::Number(number.parse().unwrap());
        self.bind_scope(name, number, scope, on_failure).await;
    }

    pub async fn bind_scope(&self, handler: &str, name: &str, scope: Scope, on_failure: OnFailure) {
        let (name, handler) = (name.to_owned(), handler.to_owned());
        let binding = NewBinding { name, scope, kinds: vec![], handler, on_failure };
        self.handle.put_binding(&self.caller.tenant, binding).await.expect("the binding is in order");
    }
}
