//! SMPP 3.3, 3.4 and 5.0: PDU codec, session state machine and a thin tokio driver.

mod error;
pub mod pdu;
pub mod session;

pub use error::{Error, Fault};
