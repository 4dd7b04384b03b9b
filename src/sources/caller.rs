//! Who caused a request, and whether a refusal may be about what he has put into it.
//!
//! A firewall before a system may refuse a single request for an odd value in it, and a system may fail at it. Of the caller's number only digits leave,
//! but the number that was called, the number as the PBX sent it and further parameters can be any text, and whoever calls
//! may have chosen it. What comes of such a request says nothing about the credentials.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Inputs, Question};
use crate::number::Number;

/// A longer text is odd, whatever it is made of.
const LONGEST: usize = 32;

/// The caller of one lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Stands for his number, however it was spelled.
    pub(crate) id: u64,
    /// Whether nothing that he could have chosen goes into the request but a valid number and plain words.
    pub(crate) is_plain: bool,
}

impl Caller {
    /// No caller: calldex asks of its own accord.
    pub(crate) fn nobody() -> Self {
        Self { id: 0, is_plain: true }
    }

    /// The caller of a question to a source that uses so much of the call.
    pub(crate) fn of(question: &Question, inputs: &Inputs) -> Self {
        let mut hasher = DefaultHasher::new();
        match &*question.number {
            Number::Phone { phone, .. } => phone.key.hash(&mut hasher),
            other => other.hash(&mut hasher),
        }
        Self { id: hasher.finish(), is_plain: is_plain(question, inputs) }
    }
}

fn is_plain(question: &Question, inputs: &Inputs) -> bool {
    let (call, params) = (&question.call, &question.call.params);
    let valid = matches!(&*question.number, Number::Phone { phone, .. } if phone.valid);
    valid
        && (!inputs.dnid || is_plain_text(&call.dnid))
        && (!inputs.raw || is_plain_text(&call.telephone))
        && inputs.params.iter().filter_map(|name| params.get(name)).all(|value| is_plain_text(value))
}

/// A number as people write it, or a word.
fn is_plain_text(text: &str) -> bool {
    let is_number = || text.bytes().all(|byte| byte.is_ascii_digit() || b"+ ()-./".contains(&byte));
    let is_word = || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
    text.len() <= LONGEST && !text.contains("..") && (is_number() || is_word())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::Call;
    use crate::sources::stand_in::question;

    fn caller(change: impl FnOnce(&mut Call), inputs: &Inputs) -> Caller {
        let question = question("0722111222");
        let mut call = (*question.call).clone();
        change(&mut call);
        Caller::of(&Question { call: Arc::new(call), ..(*question).clone() }, inputs)
    }

    #[test]
    fn a_text_is_plain_when_no_firewall_would_mind_it() {
        for plain in ["", "0310 000 000", "+40 (31) 000-0000", "sales_2", "desk-1.example"] {
            assert!(is_plain_text(plain), "{plain}");
        }
        for odd in ["' OR 1=1", "../etc/passwd", "<script>", "a b", "../..", "%00", "linia ț", "${x}", &"1".repeat(33)]
        {
            assert!(!is_plain_text(odd), "{odd}");
        }
    }

    #[test]
    fn only_what_goes_into_the_request_matters() {
        let evil = || "' OR 1=1".to_owned();
        let asks = |name: &str| Inputs { params: vec![name.to_owned()], ..Inputs::default() };
        let dnid = Inputs { dnid: true, ..Inputs::default() };
        let raw = Inputs { raw: true, ..Inputs::default() };
        assert!(caller(|_| {}, &dnid).is_plain);
        assert!(caller(|call| call.dnid = evil(), &Inputs::default()).is_plain);
        assert!(!caller(|call| call.dnid = evil(), &dnid).is_plain);
        assert!(!caller(|call| call.telephone = evil(), &raw).is_plain);
        let with_name = |call: &mut Call| call.params = BTreeMap::from([("name".into(), evil())]);
        assert!(!caller(with_name, &asks("name")).is_plain);
        assert!(caller(with_name, &asks("queue")).is_plain);
        let other = Caller::of(&question("0722111333"), &dnid);
        assert_ne!(other.id, caller(|_| {}, &dnid).id);
    }

    #[test]
    fn a_number_that_nobody_can_have_is_odd() {
        assert!(!Caller::of(&question("+40123456789012345"), &Inputs::default()).is_plain);
    }
}
