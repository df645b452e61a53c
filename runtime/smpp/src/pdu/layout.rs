//! One table a PDU body: field names and order as in the specification, and how each is coded.

use std::fmt;

use bytes::Bytes;

/// Reads and writes one PDU body.
pub(super) trait Body: Sized {
    fn read(r: &mut super::Reader) -> Result<Self, crate::Error>;
    fn write(&self, w: &mut super::Writer<'_>) -> Result<(), crate::Error>;
}

/// `field: Type => coding(arguments)` in wire order. A coding is a method of that name on `Reader` and on `Writer`.
macro_rules! layout {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty => $coding:ident $(($($arg:expr),*))?,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::pdu::layout::Body for $name {
            #[inline]
            fn read(r: &mut $crate::pdu::Reader) -> Result<Self, $crate::Error> {
                Ok(Self { $($field: r.$coding(stringify!($field) $($(, $arg)*)?)?,)* })
            }

            #[inline]
            fn write(&self, w: &mut $crate::pdu::Writer<'_>) -> Result<(), $crate::Error> {
                $(w.$coding(stringify!($field), &self.$field $($(, $arg)*)?)?;)*
                Ok(())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$crate::pdu::layout::Loggable::loggable(&self.$field)))*
                    .finish()
            }
        }
    };
}
pub(super) use layout;

/// What of a field may be shown: everything but octets that can hold a body, a number or a password.
pub(super) trait Loggable: fmt::Debug {
    fn loggable(&self) -> &dyn fmt::Debug;
}

macro_rules! shown_as_they_are {
    ($($type:ty),*) => {$(
        impl Loggable for $type {
            fn loggable(&self) -> &dyn fmt::Debug {
                self
            }
        }
    )*};
}
shown_as_they_are!(u8, super::COctetString, super::Tlvs, Vec<super::DestAddress>, Vec<super::UnsuccessSme>);

impl Loggable for Bytes {
    fn loggable(&self) -> &dyn fmt::Debug {
        &"<body>"
    }
}
