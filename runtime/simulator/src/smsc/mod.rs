//! The SMSC: [`carrier`] is the machine, one file a concern; [`listener`] gives it sockets and time.

mod agenda;
mod bind;
mod carrier;
mod deliver;
mod fate;
mod listener;
mod orders;
mod parcel;
mod receipt;
mod session;
mod spells;
mod submit;

pub(crate) use carrier::{Bounds, Carrier};
pub(crate) use listener::{Shared, serve};
pub use orders::{Break, MobileOriginated, PartOrder, Sent, Sessions};
