//! Compiled texts, each held once for the whole process, since the projects of one PBX say the same things.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What was compiled, by its text. It is dropped with the last project that uses it.
pub(super) struct Shared<T>(Mutex<Option<HashMap<Box<str>, Weak<T>>>>);

impl<T> Shared<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What was compiled from this text, or what `compile` makes of it. The lock is held while it compiles: only a
    /// configuration that is read comes here, never a call.
    ///
    /// # Errors
    /// Those of `compile`; they are not remembered.
    pub(super) fn get(&self, text: &str, compile: impl FnOnce() -> Result<T, String>) -> Result<Arc<T>, String> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = guard.get_or_insert_with(HashMap::new);
        if let Some(same) = known.get(text).and_then(Weak::upgrade) {
            return Ok(same);
        }
        if known.len() == known.capacity() {
            known.retain(|_, value| value.strong_count() > 0);
        }
        let compiled = Arc::new(compile()?);
        known.insert(text.into(), Arc::downgrade(&compiled));
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compiled_once_and_forgotten_with_its_last_user() {
        static SHARED: Shared<String> = Shared::new();
        let first = SHARED.get("a", || Ok("compiled".to_owned())).unwrap();
        let second = SHARED.get("a", || Err("not asked".to_owned())).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        assert_eq!(SHARED.get("a", || Err("asked again".to_owned())).unwrap_err(), "asked again");
    }
}
