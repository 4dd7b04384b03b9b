//! How many contacts an import may remove: a file that was cut off must not empty an address book.

/// What an import that replaces an address book removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removal {
    /// Contacts that the file does not name.
    pub removed: u64,
    /// Contacts in the address book before the import.
    pub of: u64,
}

impl Removal {
    /// The share that goes, in hundredths of a percent, rounded up.
    fn share(self) -> u64 {
        (self.removed.saturating_mul(10_000)).div_ceil(self.of.max(1))
    }
}

/// The most contacts that an import may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MostRemoved {
    /// A share of the address book, in hundredths of a percent: 1,000 is 10 %.
    Share(u64),
    /// So many contacts.
    Contacts(u64),
}

impl Default for MostRemoved {
    /// A tenth of the address book.
    fn default() -> Self {
        Self::Share(1_000)
    }
}

impl MostRemoved {
    /// What to tell whoever removes more, and how to allow it; `None` when it is not more.
    #[must_use]
    pub fn refusal(self, removal: Removal) -> Option<String> {
        let Removal { removed, of } = removal;
        let too_many = match self {
            Self::Share(most) => removal.share() > most,
            Self::Contacts(most) => removed > most,
        };
        let percent = removal.share().div_ceil(100);
        too_many.then(|| {
            format!(
                "{removed} of the {of} contacts in the directory are not in the file ({percent} %), and at most {self} \
                 may be removed; is the file whole? To remove them all the same say --max-removed {percent}%"
            )
        })
    }
}

impl std::fmt::Display for MostRemoved {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share(share) if share % 100 == 0 => write!(out, "{} %", share / 100),
            Self::Share(share) => write!(out, "{}.{:02} %", share / 100, share % 100),
            Self::Contacts(contacts) => write!(out, "{contacts} contacts"),
        }
    }
}

impl std::str::FromStr for MostRemoved {
    type Err = String;

    /// Reads `10%`, `0.5%` or `500`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("found {text:?}, expected a share such as 10%, or a number of contacts such as 500");
        let Some(percent) = text.trim().strip_suffix('%') else {
            return text.trim().parse().map(Self::Contacts).map_err(|_| refused());
        };
        let (whole, part) = percent.trim().split_once('.').unwrap_or((percent.trim(), ""));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || part.len() > 2 || !(part.is_empty() || is_number(part)) {
            return Err(refused());
        }
        let share = format!("{whole}{part:0<2}").parse().map_err(|_| refused())?;
        if share > 10_000 { Err(refused()) } else { Ok(Self::Share(share)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_or_a_number_of_contacts_is_read() {
        for (text, most) in [
            ("10%", MostRemoved::Share(1_000)),
            ("0.5%", MostRemoved::Share(50)),
            ("100 %", MostRemoved::Share(10_000)),
            ("500", MostRemoved::Contacts(500)),
        ] {
            assert_eq!(text.parse(), Ok(most), "{text}");
        }
        for text in ["", "%", "101%", "-1%", "a%", "1.234%", "1e3", "10.%x"] {
            assert!(text.parse::<MostRemoved>().is_err(), "{text}");
        }
    }

    #[test]
    fn more_than_allowed_is_refused_with_what_would_allow_it() {
        let most = MostRemoved::default();
        assert_eq!(most.refusal(Removal { removed: 100, of: 1_000 }), None);
        assert_eq!(most.refusal(Removal { removed: 0, of: 0 }), None);
        let refusal = most.refusal(Removal { removed: 101, of: 1_000 }).unwrap();
        assert_eq!(
            refusal,
            "101 of the 1000 contacts in the directory are not in the file (11 %), and at most 10 % may be removed; \
             is the file whole? To remove them all the same say --max-removed 11%"
        );
        let allowed: MostRemoved = "11%".parse().unwrap();
        assert_eq!(allowed.refusal(Removal { removed: 101, of: 1_000 }), None);
        assert!(MostRemoved::Contacts(3).refusal(Removal { removed: 4, of: 1_000 }).is_some());
    }
}
