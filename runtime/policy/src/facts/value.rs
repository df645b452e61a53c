//! What a fact can be.

/// A fact's type, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A fact's value, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Nobody said.
    Unknown,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The position of a word in its [`Kind::Word`].
    Word(u8),
}

impl Value {
    /// From the number by which it is kept with decisions; unknown when it can't be one of that kind.
    pub(crate) fn from_stored(stored: Option<i64>, kind: Kind) -> Self {
        match (stored, kind) {
            (Some(number), Kind::Bool) => Self::Bool(number != 0),
            (Some(number), Kind::Int) => Self::Int(number),
            (Some(number), Kind::Word(_)) => u8::try_from(number).map_or(Self::Unknown, Self::Word),
            (None, _) => Self::Unknown,
        }
    }
}

/// A Rust type that a fact can have.
pub trait Known: Copy {
    /// What rules see it as.
    const KIND: Kind;
    /// The value that rules see.
    fn value(self) -> Value;
    /// The number by which it is kept with decisions.
    fn number(self) -> u32;
    /// The other way; `None` when it isn't one.
    fn from_value(value: Value) -> Option<Self>;
}

impl Known for bool {
    const KIND: Kind = Kind::Bool;

    fn value(self) -> Value {
        Value::Bool(self)
    }

    #[inline]
    fn number(self) -> u32 {
        self.into()
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Bool(truth) = value { Some(truth) } else { None }
    }
}

impl Known for u32 {
    const KIND: Kind = Kind::Int;

    fn value(self) -> Value {
        Value::Int(self.into())
    }

    #[inline]
    fn number(self) -> u32 {
        self
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(number) = value { number.try_into().ok() } else { None }
    }
}
