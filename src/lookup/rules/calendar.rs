//! What time it is for a project: the clock of its time zone, its hours and its holidays.

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use minijinja::value::{Object, Value};

use crate::config::{Hours, Project, Routing, Span};

/// The time zone of this name, of the bundled database; UTC when there is none, which the configuration refuses.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}

/// `time` in a rule: a moment as the clocks of the project show it.
#[derive(Debug)]
pub(super) struct Calendar {
    now: DateTime,
    project: Arc<Project>,
}

/// The attributes of `time`.
pub(super) const ATTRIBUTES: [&str; 11] =
    ["clock", "date", "day", "holiday", "hour", "hours", "minute", "month", "weekday", "weekend", "year"];

impl Calendar {
    /// The moment so many milliseconds after 1970 UTC.
    pub(super) fn at(millis: i64, zone: &TimeZone, project: &Arc<Project>) -> Self {
        let moment = Timestamp::from_millisecond(millis).unwrap_or_default();
        Self { now: moment.to_zoned(zone.clone()).datetime(), project: Arc::clone(project) }
    }

    fn routing(&self) -> &Routing {
        &self.project.routing
    }

    fn is_holiday(&self, date: Date) -> bool {
        self.routing().holidays.iter().any(|holiday| holiday.is_on(date))
    }

    /// Whether these hours hold now.
    fn holds(&self, hours: &Hours) -> bool {
        let minute = u16::from(self.now.hour().unsigned_abs()) * 60 + u16::from(self.now.minute().unsigned_abs());
        let today = self.now.date();
        let yesterday = today.checked_sub(1.day()).unwrap_or(today);
        let spans = |date: Date| {
            let spans: &[Span] = if self.is_holiday(date) { &hours.on_holidays } else { &hours.open };
            spans.iter().filter(move |span| span.begins_on(date.weekday()))
        };
        let is_over_night = |span: &Span| span.to <= span.from;
        let today_holds = spans(today).any(|span| minute >= span.from && (minute < span.to || is_over_night(span)));
        today_holds || spans(yesterday).any(|span| is_over_night(span) && minute < span.to)
    }
}

impl Object for Calendar {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let now = &self.now;
        Some(match key {
            "clock" => Value::from(now.strftime("%H:%M").to_string()),
            "date" => Value::from(now.date().to_string()),
            "year" => Value::from(now.year()),
            "month" => Value::from(now.month()),
            "day" => Value::from(now.day()),
            "hour" => Value::from(now.hour()),
            "minute" => Value::from(now.minute()),
            "weekday" => Value::from(WEEKDAYS[usize::from(now.weekday().to_monday_zero_offset().unsigned_abs())]),
            "weekend" => Value::from(now.weekday().to_monday_zero_offset() >= 5),
            "holiday" => Value::from(self.is_holiday(now.date())),
            "hours" => Value::from_object(NamedHours(Arc::clone(self))),
            _ => return None,
        })
    }
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// `time.hours`
#[derive(Debug)]
struct NamedHours(Arc<Calendar>);

impl Object for NamedHours {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let hours = self.0.routing().hours.get(key)?;
        Some(Value::from(self.0.holds(hours)))
    }
}
