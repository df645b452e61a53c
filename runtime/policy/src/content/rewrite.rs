//! The changes that rules can ask for.

use crate::rules::Change;

/// What a change puts in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inserts<'a> {
    /// The brand's name.
    pub brand: Option<&'a str>,
    /// The text that points to the tenant's portal.
    pub pointer: Option<&'a str>,
}

/// What stands for the link in a pointer's wording.
pub const LINK: &str = "{link}";
/// How a pointer to a portal is worded unless its tenant says otherwise.
pub const POINTER: &str = "You have a new message. Please sign in to read it: {link}";
/// How to opt out, as it is appended.
pub const OPT_OUT: &str = "Reply STOP to opt out.";

/// The text with the changes made; `None` when one of them can't be, since what it puts in isn't known.
pub fn rewrite(text: &str, changes: &[Change], inserts: Inserts<'_>) -> Option<String> {
    let mut changed = text.to_owned();
    // A pointer to the portal leaves nothing of the text, so it comes before what is put around it.
    if changes.contains(&Change::PortalLink) {
        changed = inserts.pointer?.to_owned();
    }
    if changes.contains(&Change::NameBrand) {
        changed = format!("{}: {changed}", inserts.brand?);
    }
    if changes.contains(&Change::AppendOptOut) {
        let gap = if changed.is_empty() || changed.ends_with(char::is_whitespace) { "" } else { " " };
        changed = format!("{changed}{gap}{OPT_OUT}");
    }
    Some(changed)
}

/// Is the text nothing but a pointer to the portal, with the brand before it and how to opt out behind it or without them?
pub fn is_pointer(text: &str, inserts: Inserts<'_>) -> bool {
    let Some(pointer) = inserts.pointer else { return false };
    let bare = text.strip_suffix(OPT_OUT).unwrap_or(text).trim();
    let named = inserts.brand.and_then(|brand| bare.strip_prefix(brand)?.strip_prefix(": "));
    named.unwrap_or(bare) == pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_made_together_or_not_at_all() {
        let pointer = POINTER.replace(LINK, "https://acme.example/in");
        let acme = Inserts { brand: Some("Acme"), pointer: Some(&pointer) };
        let all = [Change::NameBrand, Change::AppendOptOut];
        assert_eq!(rewrite("Sale today!", &all, acme).unwrap(), "Acme: Sale today! Reply STOP to opt out.");
        assert_eq!(rewrite("Sale", &all, Inserts::default()), None);
        let hidden = rewrite("Your results", &[Change::NameBrand, Change::PortalLink], acme).unwrap();
        assert!(hidden.starts_with("Acme: You have") && !hidden.contains("results"), "{hidden}");
        assert!(
            is_pointer(&hidden, acme) && is_pointer(&rewrite(&hidden, &[Change::AppendOptOut], acme).unwrap(), acme)
        );
        assert!(!is_pointer(&hidden, Inserts::default()) && !is_pointer(&format!("{hidden} Your results: +"), acme));
    }
}
