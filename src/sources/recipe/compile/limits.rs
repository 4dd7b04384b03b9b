//! What a CRM allows: its rate, what its errors mean, and how long it then wants to be left alone.

use std::time::Duration;

use http::HeaderName;

use super::{Compiler, Place, inside, place};
use crate::config::{parse_duration, read_rate};
use crate::sources::recipe::format::{BudgetTable, ErrorTable, Meaning};
use crate::sources::recipe::{Budget, Rule, Wait};

impl Compiler<'_> {
    pub(super) fn rate(&mut self, text: Option<&str>) -> Option<crate::config::Rate> {
        let text = text?;
        let rate = read_rate(text).ok();
        if rate.is_none() {
            let message = format!("rate is {text:?}; expected a number of requests and a time, such as \"20/2s\"");
            self.wrong(&place(&["rate"]), message);
        }
        rate
    }

    pub(super) fn rules(&mut self, tables: &[ErrorTable]) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let place = inside(&place(&["error"]), index);
            if table.status.is_empty() && table.when.is_none() {
                self.wrong(&place, "an [[error]] needs status, when, or both; this one would fit every answer");
            }
            if table.meaning != Meaning::Limit && (table.wait.is_some() || table.wait_header.is_some()) {
                self.wrong(&place, "wait and wait_header do something with as = \"limit\" only");
            }
            rules.push(Rule {
                status: table.status.clone(),
                when: self.path(&table.when, &inside(&place, "when")),
                meaning: table.meaning,
                wait_header: self.header_name(&table.wait_header, &inside(&place, "wait_header")),
                wait: self.wait(&table.wait, &inside(&place, "wait")),
            });
        }
        rules
    }

    pub(super) fn budgets(&mut self, tables: &[BudgetTable]) -> Vec<Budget> {
        let mut budgets = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let place = inside(&place(&["budget"]), index);
            let header = self.header_name(&Some(table.header.clone()), &inside(&place, "header"));
            let wait_header = self.header_name(&table.wait_header, &inside(&place, "wait_header"));
            let wait = self.wait(&table.wait, &inside(&place, "wait"));
            budgets.extend(header.map(|header| Budget { header, reserve: table.reserve, wait_header, wait }));
        }
        budgets
    }

    pub(super) fn header_name(&mut self, name: &Option<String>, place: &Place) -> Option<HeaderName> {
        let name = name.as_ref()?;
        let parsed = name.parse().ok();
        if parsed.is_none() {
            self.wrong(place, format!("{name:?} is no name of a header"));
        }
        parsed
    }

    fn wait(&mut self, text: &Option<String>, place: &Place) -> Option<Wait> {
        let text = text.as_ref()?;
        if text == "day" {
            return Some(Wait::Day);
        }
        self.duration(text, place).map(Wait::For)
    }

    /// Reads a duration.
    pub(in crate::sources::recipe) fn duration(&mut self, text: &str, place: &Place) -> Option<Duration> {
        let duration = parse_duration(text).filter(|duration| !duration.is_zero());
        if duration.is_none() {
            self.wrong(place, format!("{text:?} is no duration; expected one such as \"60s\" or \"50m\""));
        }
        duration
    }
}
