//! Text: the name alone. FreePBX and FreeSWITCH take any body for the name, so for an unknown caller there is none.

use crate::model::CallerData;

/// Writes the name without control characters, or nothing.
pub(super) fn write(answer: &CallerData) -> String {
    let mut out = answer.name.clone().unwrap_or_default();
    out.retain(|character| !character.is_control());
    out
}

/// How many bytes a character takes.
pub(super) fn written_len(character: char) -> usize {
    if character.is_control() { 0 } else { character.len_utf8() }
}
