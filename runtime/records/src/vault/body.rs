//! The stored form of a message whose body is sealed: the message without its words, and these apart.

use serde::{Deserialize, Serialize};
use signalbox_model::{Body, Chance, Message, Sealed, Veil};
use signalbox_store::layout::{self, Unreadable};
use signalbox_store::{Batch, Table};

use super::cipher::Key;
use crate::Error;

/// What the rows of sealed messages begin with; others begin with the 1 of every row.
const FORM: u8 = 2;
/// The generation of words that were never sealed, and were erased.
const NONE: u32 = 0;

#[derive(Serialize, Deserialize)]
struct Row {
    generation: u32,
    sealed: Vec<u8>,
    message: Message,
}

/// Words, as they are under the key.
type Words = (Body, Option<Body>);

pub(super) fn seal(key: &Key, generation: u32, message: &Message, chance: &Chance) -> Vec<u8> {
    let words = layout::encode(&(&message.body, &message.original));
    key.seal(&about(message, &generation.to_be_bytes()), words.to_vec(), chance)
}

pub(super) fn open(key: &Key, message: &Message, sealed: &Sealed) -> Result<Words, Error> {
    let words = key.open(&about(message, &sealed.generation.to_be_bytes()), &sealed.bytes);
    let words = words.ok_or(Error::Sealed { why: "its row was changed, or is another message's" })?;
    Ok(layout::decode(Table::Message, &words)?)
}

/// A body is bound to its place: a row that is moved to another message or tenant doesn't open there.
fn about<'a>(message: &'a Message, generation: &'a [u8; 4]) -> [&'a [u8]; 4] {
    [b"message's body", message.tenant.as_str().as_bytes(), message.id.as_bytes(), generation]
}

/// Writes a message whose words are under `veil` rather than as they are: sealed, or erased.
pub fn stage_sealed(batch: &mut Batch, message: &Message, veil: &Veil) {
    let (generation, sealed) = match veil {
        Veil::Sealed(sealed) => (sealed.generation, sealed.bytes.clone()),
        Veil::Open | Veil::Erased => (NONE, Vec::new()),
    };
    let bare = Message { body: Body::default(), original: None, ..message.clone() };
    let row = Row { generation, sealed, message: bare };
    let key = layout::message_key(&message.tenant, message.id);
    batch.put(Table::Message, key, layout::encode_as(FORM, &row));
}

/// Reads a message's row in either form. Sealed words stay sealed: the vault opens them.
pub(crate) fn decode_message(bytes: &[u8]) -> Result<Message, Unreadable> {
    if bytes.first() != Some(&FORM) {
        return layout::decode(Table::Message, bytes);
    }
    let Row { generation, sealed, mut message } = layout::decode_as(FORM, Table::Message, bytes)?;
    message.erase();
    if generation != NONE {
        message.veil = Veil::Sealed(Box::new(Sealed { generation, bytes: sealed }));
    }
    Ok(message)
}
