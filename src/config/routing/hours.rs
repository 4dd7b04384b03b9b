//! `[project.NAME.hours.NAME]`: working hours, in the time zone of the project.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};

use super::check_attribute;
use crate::config::keys::{Key, Kind, Section};
use crate::config::reader::Reader;

/// Working hours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// On days that are no holidays.
    pub open: Vec<Span>,
    /// On holidays.
    pub on_holidays: Vec<Span>,
}

/// From a minute of some days of the week to another one, which lies on the next day when it is not later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The days on which it begins: bit 0 is Monday.
    pub days: u8,
    /// Minutes since midnight.
    pub from: u16,
    /// Minutes since midnight, up to 1440; the first minute outside.
    pub to: u16,
}

/// A holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holiday {
    /// The same day every year: month and day.
    Yearly(i8, i8),
    /// A day of one year.
    Once(Date),
}

/// The days of a week as they are written.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const SPAN: &str = "days and times such as \"mon-fri 09:00-12:30 13:30-18:00\", \"sat,sun 10:00-14:00\" or \
                    \"daily 22:00-06:00\"";

/// The keys of `[project.NAME.hours.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "project.NAME.hours.NAME",
    about: "Hours that rules know as `time.hours.NAME`, true or false. They are of the project's time zone, so that a \
            change to summer time moves them along. A time that ends before it begins ends on the next day.",
    groups: &[&[
        Key::new("open", Kind::Texts(SPAN), "", "When it is true on days that are no holidays."),
        Key::new("on_holidays", Kind::Texts(SPAN), "", "When it is true on `holidays`; without it never."),
    ]],
};

impl Hours {
    pub(super) fn read(name: &str, reader: Reader<'_>) -> Option<(Arc<str>, Self)> {
        let name = check_attribute("hours", name, &reader);
        let spans = |key| reader.parse_list(key, |text| Span::parse_all(text).ok_or_else(String::new)).concat();
        let hours = Self { open: spans("open"), on_holidays: spans("on_holidays") };
        reader.finish();
        Some((name?, hours))
    }
}

impl Span {
    /// Reads `mon-fri 09:00-12:30 13:30-18:00`.
    fn parse_all(text: &str) -> Option<Vec<Self>> {
        let mut words = text.split_whitespace();
        let days = parse_days(&words.next()?.to_lowercase())?;
        let spans: Option<Vec<Self>> = words
            .map(|word| {
                let (from, to) = word.split_once('-')?;
                let (from, to) = (parse_minute(from)?, parse_minute(to)?);
                (from < 1440 && from != to).then_some(Self { days, from, to })
            })
            .collect();
        spans.filter(|spans| !spans.is_empty())
    }

    /// Whether it begins on this day of the week.
    #[must_use]
    pub fn begins_on(&self, day: Weekday) -> bool {
        self.days & (1 << day.to_monday_zero_offset()) != 0
    }
}

fn parse_days(text: &str) -> Option<u8> {
    if text == "daily" {
        return Some(0b111_1111);
    }
    let place = |day: &str| DAYS.iter().position(|known| *known == day);
    text.split(',').try_fold(0, |days, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let count = (last + 7 - first) % 7 + 1;
        Some((0..count).fold(days, |days, step| days | 1 << ((first + step) % 7)))
    })
}

fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
}

impl Holiday {
    /// Reads `12-25` or `2027-05-02`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let dated = |text: &str| text.parse::<Date>().ok().filter(|date| date.to_string() == text);
        if let Some(date) = dated(text) {
            return Some(Self::Once(date));
        }
        // A leap year, so that the 29th of February is a day.
        let day = dated(&format!("2024-{text}"))?;
        Some(Self::Yearly(day.month(), day.day()))
    }

    /// Whether this day is one.
    #[must_use]
    pub fn is_on(&self, date: Date) -> bool {
        match *self {
            Self::Yearly(month, day) => date.month() == month && date.day() == day,
            Self::Once(once) => date == once,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_as_people_write_them() {
        let spans = Span::parse_all("Mon-Fri 9:00-12:30 13:30-18:00").unwrap();
        assert_eq!(spans[0], Span { days: 0b001_1111, from: 540, to: 750 });
        assert_eq!(spans[1], Span { days: 0b001_1111, from: 810, to: 1080 });
        assert_eq!(Span::parse_all("sat-mon,wed 22:00-06:00").unwrap()[0].days, 0b110_0101);
        assert_eq!(Span::parse_all("daily 00:00-24:00").unwrap()[0], Span { days: 0b111_1111, from: 0, to: 1440 });
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "mon",
            "mon 9-17",
            "mon 09:00",
            "mon 09:00-25:00",
            "mon 24:00-06:00",
            "mon 09:60-10:00",
            "mon 09:00-09:00",
        ] {
            assert_eq!(Span::parse_all(text), None, "{text}");
        }
        for text in ["monday 09:00-17:00", "mon- 09:00-17:00", "09:00-17:00", "mon +9:00-10:00"] {
            assert_eq!(Span::parse_all(text), None, "{text}");
        }
    }

    #[test]
    fn a_holiday_is_a_day_of_every_year_or_of_one() {
        assert_eq!(Holiday::parse("12-25"), Some(Holiday::Yearly(12, 25)));
        assert!(Holiday::parse("2027-05-02").unwrap().is_on(Date::constant(2027, 5, 2)));
        assert!(!Holiday::parse("2027-05-02").unwrap().is_on(Date::constant(2028, 5, 2)));
        for text in ["25.12.", "13-01", "2027-02-30", "12-25T10:00", "20270502", "2-3"] {
            assert_eq!(Holiday::parse(text), None, "{text}");
        }
    }
}
