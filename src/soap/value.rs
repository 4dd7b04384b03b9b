//! Values that calldex sends: what PHP calls strings, numbers, arrays and objects.

/// A value of an argument or of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// PHP's array with the keys 0, 1, 2...
    List(Vec<Value>),
    /// PHP's array with other keys.
    Map(Vec<(Key, Value)>),
    /// PHP's object.
    Struct(Vec<(String, Value)>),
}

/// The key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}
