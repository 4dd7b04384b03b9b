//! `direct_line`: where the PBX transfers the call, so the one field that can cost money. CRM text must not dial.

use std::borrow::Cow;

use super::Checked;
use crate::config::Reply;

/// Channel technologies that reach a device or a local extension.
const TECHNOLOGIES: [&str; 4] = ["SIP/", "PJSIP/", "IAX2/", "Local/"];

/// Longest line that leaves, in bytes.
const MAX_LENGTH: usize = 128;

/// Checks an agent or a queue: its form first, then the project's list when there is one.
pub(super) fn check<'a>(value: &'a str, shape: &Reply) -> Checked<'a> {
    let line = value.trim();
    if line.is_empty() {
        return Checked::Ok(Cow::Borrowed(""));
    }
    if line.len() > MAX_LENGTH {
        return Checked::Refused(format!("longer than {MAX_LENGTH} bytes").into());
    }
    if let Some(why) = if shape.direct_line_any { wrong_in_any(line) } else { wrong(line) } {
        return Checked::Refused(why.into());
    }
    match &shape.direct_lines {
        Some(listed) if !parts(line).all(|part| is_listed(part, listed)) => {
            Checked::Refused("not one of the project's agents and queues".into())
        }
        _ => Checked::Ok(Cow::Borrowed(line)),
    }
}

/// What is wrong with a line where only one device or queue is allowed.
fn wrong(line: &str) -> Option<&'static str> {
    if line.contains(['@', '&', ',']) {
        return Some("`@`, `&` and `,` need `direct_line_any` of the project");
    }
    if line.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'.' | b'-')) {
        return Some("a bare telephone number would dial out; it needs `direct_line_any` of the project");
    }
    let name = without_technology(line);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.bytes().all(fits) && name.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some("expected SIP/, PJSIP/, IAX2/ or Local/ and a name, or a queue; a name is made of A-Z a-z 0-9 . _ -")
}

/// What is wrong with a line of a project that allows any.
fn wrong_in_any(line: &str) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+/@&,".contains(&byte);
    let is_line = line.bytes().all(fits) && line.bytes().any(|byte| byte.is_ascii_alphanumeric());
    (!is_line).then_some("expected only A-Z a-z 0-9 . _ - + / @ & ,")
}

/// The targets of a line: `SIP/ion&SIP/ana` rings two, and each must be listed.
pub(super) fn parts(line: &str) -> impl Iterator<Item = &str> {
    line.split(['&', ','])
}

/// Whether the list names the target, as written or without its technology. A context behind `@` counts as written.
pub(super) fn is_listed(target: &str, listed: &[String]) -> bool {
    let name = without_technology(target);
    listed.iter().any(|listed| listed == target || listed == name)
}

pub(super) fn without_technology(line: &str) -> &str {
    TECHNOLOGIES.iter().find_map(|technology| line.strip_prefix(technology)).unwrap_or(line)
}
