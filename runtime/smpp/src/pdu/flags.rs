//! The bits of `esm_class` and the values of `registered_delivery`.

/// Bits of `esm_class`.
pub mod esm_class {
    /// The bits that say what kind of message a `deliver_sm` is.
    pub const TYPE: u8 = 0x3C;
    /// Type: a delivery receipt.
    pub const RECEIPT: u8 = 0x04;
    /// Type: an intermediate notification.
    pub const INTERMEDIATE: u8 = 0x20;
    /// Feature: the body begins with a user data header.
    pub const UDHI: u8 = 0x40;
    /// Feature: a reply path.
    pub const REPLY_PATH: u8 = 0x80;
}

/// Values of `registered_delivery`.
pub mod registered_delivery {
    /// No receipt.
    pub const NONE: u8 = 0;
    /// A receipt for success and for failure.
    pub const FINAL: u8 = 1;
    /// A receipt for failure only.
    pub const FAILURE: u8 = 2;
    /// A receipt for success only (5.0).
    pub const SUCCESS: u8 = 3;
}
