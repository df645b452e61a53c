//! Links to a tenant's portal: what a message becomes that may not say what it says.
//!
//! A link's token names its message and proves itself: the message's id and 80 bits of an HMAC under the tenant's own secret.
//! Nothing is kept for it, nobody guesses one, and what the tenant's portal does with it is asked by the tenant's key alone.

use data_encoding::BASE32HEX_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use signalbox_model::{Message, MessageId, TenantId};

use crate::declared;
use crate::directory::Account;
use crate::error::Error;
use crate::handle::Handle;

/// What stands for the token in the portal's URL.
pub const TOKEN: &str = "{token}";

/// Bytes of the proof. Each guess is a request with the tenant's key.
const PROOF_BYTES: usize = 10;

/// The token of a message's link.
pub(crate) fn token(account: &Account, message: MessageId) -> String {
    let mut bytes = message.as_bytes().to_vec();
    bytes.extend_from_slice(&proof(account, message));
    BASE32HEX_NOPAD.encode(&bytes).to_ascii_lowercase()
}

fn proof(account: &Account, message: MessageId) -> [u8; PROOF_BYTES] {
    let secret = account.callback_secret.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("an HMAC takes a key of any length");
    for part in [b"signalbox portal link 1".as_slice(), account.tenant.id.as_str().as_bytes(), message.as_bytes()] {
        mac.update(part);
    }
    let mac = mac.finalize().into_bytes();
    *mac.first_chunk().expect("a SHA-256 is longer than the proof")
}

impl Handle {
    /// What a message of the tenant's becomes that may only point to its portal; `None` without a portal.
    pub fn portal_pointer(&self, tenant: &TenantId, message: MessageId) -> Option<String> {
        declared::pointer(&*self.0.directory.account(tenant)?, message)
    }

    /// The message that a link's token leads to, for its tenant alone.
    pub async fn portal_message(&self, tenant: &TenantId, token: &str) -> Result<Option<Message>, Error> {
        let Some(account) = self.0.directory.account(tenant) else { return Ok(None) };
        let Ok(bytes) = BASE32HEX_NOPAD.decode(token.to_ascii_uppercase().as_bytes()) else { return Ok(None) };
        let Some((id, given)) = bytes.split_first_chunk::<16>() else { return Ok(None) };
        let id = MessageId::from_bytes(*id);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(given, &proof(&account, id)[..])) {
            return Ok(None);
        }
        Ok(self.message(tenant, id).await?.map(|record| record.message))
    }
}
