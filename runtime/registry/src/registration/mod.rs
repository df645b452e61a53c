//! Who may send what from where: brands, campaigns and their numbers (10DLC), toll-free numbers, short codes.
//!
//! | module | what it holds |
//! |---|---|
//! | `status` | where each may stand, and where it may go from there |
//! | `object` | what is registered, and the lines of its history |
//! | `form` | what is told of it, read field by field |
//! | `table` | files of it: CSV and TOML |
//! | `event` | what The Campaign Registry tells |
//! | `told` | which events were told before |
//! | `book` | in memory: where a message's sender stands, in one look |
//! | `keep` | in the store: every change with its line of the history, in one commit |

mod book;
mod event;
mod form;
mod keep;
mod object;
mod status;
mod table;
mod told;

pub use book::{Registered, Standing};
pub use event::{Event, Unread};
pub use form::{Authority, Form, Most, Wrong, declare};
pub use keep::{Changed, Outcome, Refused, Registration};
pub use object::{
    Brand, CARRIER_FIELDS, Campaign, FieldChange, Flags, Kind, Line, Number, Object, Record, ShortCode, Shown,
    TollFree, Who,
};
pub use status::{
    BrandStatus, CampaignStatus, CarrierStatus, Entity, Illegal, Life, Network, NumberStatus, Operation,
    ShortCodeStatus, TollFreeStatus, UseCase,
};
pub use table::{MAX_LINES, Row, read_csv, read_toml};
