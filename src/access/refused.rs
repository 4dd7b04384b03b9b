//! Remembers who was refused lately, for the administrator who wonders why nothing works.
//!
//! A wrong allow-list is the mistake of the first day: here stand the address that really arrived, the project and the
//! reason. The list is bounded, and what outsiders can make up (projects that do not exist) has a part of its own, so
//! that it cannot push out the entries of real projects. The lock is taken for refused requests only.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::gate::Reason;
use crate::config::SHORT_TOKEN;

/// Most entries kept for projects that exist, and again for those that do not.
const MOST: usize = 256;

/// Most digits of a name that is no project and is shown all the same; with more it may hold a telephone number.
const MOST_DIGITS: usize = 4;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The address, without port.
    pub address: IpAddr,
    /// The project asked for, `(admin)` for the administrators' pages, or `(unreadable)` for a name that could not be
    /// one: it may hold a secret or a number.
    pub project: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// How often, since it came onto the list.
    pub count: u64,
    /// When last, in milliseconds since 1970 UTC.
    pub last: i64,
}

/// The list, and the number of refusals by reason since the start.
#[derive(Debug, Default)]
pub struct RefusedList {
    counts: [AtomicU64; Reason::ALL.len()],
    real: Mutex<Vec<Refused>>,
    made_up: Mutex<Vec<Refused>>,
}

impl RefusedList {
    /// How many requests were refused since the start, by reason: for the metrics, where no address may stand.
    pub fn counts(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(&self.counts).map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
    }

    /// The list, the latest first.
    #[must_use]
    pub fn latest(&self) -> Vec<Refused> {
        let mut all: Vec<_> = [&self.real, &self.made_up].into_iter().flat_map(|part| lock(part).clone()).collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.last));
        all
    }

    /// Notes a refusal; `exists` says whether there is such a project.
    pub(crate) fn note(&self, address: IpAddr, project: &str, exists: bool, reason: Reason, utc_millis: i64) {
        if let Some(count) = self.counts.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut entries = lock(if exists { &self.real } else { &self.made_up });
        let project = if exists || is_readable(project) { project } else { "(unreadable)" };
        let same = |entry: &&mut Refused| {
            entry.address == address && entry.reason == reason && entry.project.as_ref() == project
        };
        if let Some(entry) = entries.iter_mut().find(same) {
            entry.count += 1;
            entry.last = utc_millis;
            return;
        }
        let entry = Refused { address, project: project.into(), reason, count: 1, last: utc_millis };
        if entries.len() < MOST {
            entries.push(entry);
        } else if let Some(oldest) = entries.iter_mut().min_by_key(|entry| entry.last) {
            *oldest = entry;
        }
    }
}

/// Whether a name that is no project can be shown: short and plain, unlike a token or a telephone number that a slip in
/// the URL put in its place.
pub(crate) fn is_readable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() < SHORT_TOKEN
        && name.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn lock(part: &Mutex<Vec<Refused>>) -> std::sync::MutexGuard<'_, Vec<Refused>> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number))
    }

    #[test]
    fn the_same_refusal_is_one_line_with_a_count() {
        let list = RefusedList::default();
        list.note(address(1), "sales", true, Reason::AddressNotAllowed, 10);
        list.note(address(1), "sales", true, Reason::AddressNotAllowed, 30);
        list.note(address(1), "sales", true, Reason::TokenWrong, 20);
        let latest = list.latest();
        assert_eq!(latest.len(), 2);
        assert_eq!((latest[0].reason, latest[0].count, latest[0].last), (Reason::AddressNotAllowed, 2, 30));
        assert_eq!((latest[1].reason, latest[1].count, latest[1].last), (Reason::TokenWrong, 1, 20));
        let counted: Vec<_> = list.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(Reason::AddressNotAllowed, 2), (Reason::TokenWrong, 1)]);
    }

    #[test]
    fn a_flood_of_made_up_projects_pushes_out_no_real_one_and_the_list_stays_small() {
        let list = RefusedList::default();
        list.note(address(1), "sales", true, Reason::AddressNotAllowed, 1);
        for number in 0..5_000_u32 {
            list.note(address(number), &format!("p{number}"), false, Reason::UnknownProject, i64::from(number) + 2);
        }
        let latest = list.latest();
        assert_eq!(latest.len(), MOST + 1);
        assert_eq!(latest.last().unwrap().project.as_ref(), "sales");
        assert_eq!(latest[0].project.as_ref(), "p4999", "the oldest go, the latest stay");
    }

    #[test]
    fn a_name_that_could_hold_a_secret_or_a_number_is_not_kept() {
        let list = RefusedList::default();
        let secrets =
            ["sales&token=hunter2", "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t", "", "naïve", "a b", "sixteen-secretly"];
        let numbers = ["0722111222", "40722111222", "101", "sip-0722111222", "-40722"];
        for name in secrets.into_iter().chain(numbers) {
            list.note(address(1), name, false, Reason::UnknownProject, 1);
        }
        list.note(address(1), "slaes", false, Reason::UnknownProject, 0);
        let names: Vec<_> = list.latest().into_iter().map(|entry| entry.project.to_string()).collect();
        assert_eq!(names, ["(unreadable)", "slaes"]);
    }
}
