//! `outbox`: messages to be sent, and to be withdrawn.

use super::{check_name, invalid, wit};
use crate::call::Call;
use crate::effects::{Media, OutgoingMessage, SendOptions};
use wit::outbox::{self, SendOption};
use wit::types::{CallError, MediaResult};

/// The longest text taken: ten times what the longest multi-part SMS holds. What fits into a message of the chosen
/// channel is checked when it is accepted.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// More files than any carrier takes.
const MAX_MEDIA: usize = 10;

/// The longest id of this host is 30 bytes.
const MAX_ID_BYTES: usize = 64;

impl outbox::Host for Call {
    fn reply(&mut self, text: String) -> wasmtime::Result<Result<String, CallError>> {
        self.reply_with_media(text, Vec::new())
    }

    fn reply_with_media(
        &mut self,
        text: String,
        media: Vec<MediaResult>,
    ) -> wasmtime::Result<Result<String, CallError>> {
        self.send(outbox::OutgoingMessage { sender: None, recipient: None, text, media, options: Vec::new() })
    }

    fn send(&mut self, message: outbox::OutgoingMessage) -> wasmtime::Result<Result<String, CallError>> {
        self.enter();
        let options = match check(&message).and_then(|()| options(message.options)) {
            Ok(options) => options,
            Err(refused) => return Ok(Err(refused)),
        };
        let ordinal = self.staging.next_send()?;
        let sender = message.sender.unwrap_or_else(|| self.conversation().number.to_owned());
        let recipient = message.recipient.unwrap_or_else(|| self.conversation().contact.to_owned());
        let id = self.message_id(ordinal, &sender, &recipient);
        let media = message.media.into_iter().map(Media::from).collect();
        self.staging.send(OutgoingMessage { id: id.clone(), sender, recipient, text: message.text, media, options });
        Ok(Ok(id))
    }

    fn cancel(&mut self, id: String) -> wasmtime::Result<Result<(), CallError>> {
        self.enter();
        if let Err(refused) = check_name("the message id", &id, MAX_ID_BYTES) {
            return Ok(Err(refused));
        }
        self.staging.cancel(id)?;
        Ok(Ok(()))
    }
}

fn check(message: &outbox::OutgoingMessage) -> Result<(), CallError> {
    if message.text.is_empty() && message.media.is_empty() {
        return Err(invalid("the message is empty: give it a text or media"));
    }
    if message.text.len() > MAX_TEXT_BYTES {
        return Err(invalid(format!("the text has {} bytes: {MAX_TEXT_BYTES} are the most", message.text.len())));
    }
    if message.media.len() > MAX_MEDIA {
        return Err(invalid(format!("the message has {} files: {MAX_MEDIA} are the most", message.media.len())));
    }
    if message.sender.as_deref().is_some_and(|sender| !is_sender(sender)) {
        return Err(invalid(
            "the sender is no address: give a number with its plus sign, a short code, or up to 11 letters and digits",
        ));
    }
    if message.recipient.as_deref().is_some_and(|recipient| !is_number(recipient)) {
        return Err(invalid("the recipient is no address: give a number with its plus sign, or a short code"));
    }
    Ok(())
}

/// E.164 with its plus sign, or a short code.
fn is_number(text: &str) -> bool {
    let (digits, lengths) = match text.strip_prefix('+') {
        Some(digits) => (digits, 7..=15),
        None => (text, 3..=8),
    };
    lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_sender(text: &str) -> bool {
    let alphanumeric = (1..=11).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-')
        && text.bytes().any(|b| b.is_ascii_alphabetic());
    is_number(text) || alphanumeric
}

fn options(given: Vec<SendOption>) -> Result<SendOptions, CallError> {
    let mut options = SendOptions::default();
    for option in given {
        match option {
            SendOption::Category(category) => options.category = Some(known_category(category)?),
            SendOption::Campaign(campaign) => {
                check_name("the campaign", &campaign, 128)?;
                options.campaign = Some(campaign);
            }
            SendOption::NotBefore(at) => options.not_before = Some(at),
            SendOption::ValidFor(ms) => options.valid_for_ms = Some(ms),
            SendOption::Tag(tag) => {
                check_name("the tag's name", &tag.name, 64)?;
                options.tags.push((tag.name, tag.value));
            }
            SendOption::Other(other) => {
                return Err(invalid(format!("this host has no send option `{}`", short(&other.name))));
            }
        }
    }
    Ok(options)
}

fn known_category(category: String) -> Result<String, CallError> {
    match category.as_str() {
        "transactional" | "marketing" | "otp" | "conversational" => Ok(category),
        other => Err(invalid(format!(
            "there is no category `{}`: give transactional, marketing, otp or conversational",
            short(other)
        ))),
    }
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(40)]
}

impl From<MediaResult> for Media {
    fn from(media: MediaResult) -> Self {
        Self { url: media.url, content_type: media.content_type, size_bytes: media.size_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["+15550001111", "+4915112345678", "12345"] {
            assert!(is_number(good) && is_sender(good), "{good}");
        }
        for bad in ["", "+", "+123", "15550001111", "+1555000111122223", "+1555 000", "12"] {
            assert!(!is_number(bad) && !is_sender(bad), "{bad}");
        }
        assert!(is_sender("ACME-Shop") && !is_number("ACME-Shop"));
        assert!(!is_sender("ACME Shop of London"));
    }
}
