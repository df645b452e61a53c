//! [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0, symmetric scheme: HMAC-SHA256 of
//! `id.timestamp.body`, one signature a secret.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::hmac::{Context, HMAC_SHA256, Key};
use signalbox_model::Chance;

/// What stands before a secret.
pub const SECRET_PREFIX: &str = "whsec_";

/// Why a text isn't a secret. Doesn't repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a signing secret: `whsec_` and the base64 of 24 to 64 bytes; several are separated by spaces")]
pub struct BadSecret;

/// Signs with one secret, or with several while a tenant changes them.
#[derive(Clone)]
pub struct Signer(Vec<Key>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

impl Signer {
    /// Reads `whsec_…`, or several of them separated by spaces.
    pub fn parse(secrets: &str) -> Result<Self, BadSecret> {
        let keys: Vec<_> = secrets.split_ascii_whitespace().map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(BadSecret) } else { Ok(Self(keys)) }
    }

    /// The `webhook-signature` header.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let timestamp = timestamp.to_string();
        let mut header = String::with_capacity(self.0.len() * 48);
        for key in &self.0 {
            let mut mac = Context::with_key(key);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                mac.update(part);
            }
            if !header.is_empty() {
                header.push(' ');
            }
            header.push_str("v1,");
            STANDARD.encode_string(mac.sign(), &mut header);
        }
        header
    }
}

fn key(secret: &str) -> Result<Key, BadSecret> {
    let text = secret.strip_prefix(SECRET_PREFIX).ok_or(BadSecret)?;
    let bytes = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| BadSecret)?;
    if !(24..=64).contains(&bytes.len()) {
        return Err(BadSecret);
    }
    Ok(Key::new(HMAC_SHA256, &bytes))
}

/// A new secret of 256 bits.
pub fn new_secret(chance: &Chance) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(chance.bytes32()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_verifies() {
        let signer = Signer::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let (a, b) = (new_secret(&Chance::seeded(1)), new_secret(&Chance::seeded(2)));
        let both = Signer::parse(&format!("{a} {b}")).unwrap().sign("id", 1, b"x");
        let alone = |secret: &str| Signer::parse(secret).unwrap().sign("id", 1, b"x");
        assert_eq!(both, format!("{} {}", alone(&a), alone(&b)));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for bad in ["", "   ", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_%%%", &short, &long] {
            assert_eq!(Signer::parse(bad).err(), Some(BadSecret), "{bad}");
        }
    }
}
