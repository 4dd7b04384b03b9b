//! Which variables an answer sets on the channel. What is null sets none: each variable costs a round trip.

use std::fmt::Write;

use crate::lookup::Answer;
use crate::model::CallerData;

use super::question::Wishes;

/// Longest command, in bytes with its line end: what every Asterisk since 1.8 takes holds more.
const LONGEST_COMMAND: usize = 4_095;

/// The variables of one answer, in the order in which they are set: what matters most comes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables {
    /// Names and values.
    pub(super) variables: Vec<(&'static str, String)>,
    /// Fields of the answer that were cut or left out, because the command would have been too long.
    pub(super) shortened: Vec<&'static str>,
}

/// The variables of an answer; without one, of a defect of calldex.
pub(super) fn of(answer: Option<&Answer>, wishes: Wishes) -> Variables {
    let mut set = Variables::default();
    let Some(answer) = answer else {
        set.add("CALLDEX_DEGRADED", "degraded", Some("calldex"));
        return set;
    };
    set.add_caller_data(&answer.caller_data, wishes);
    let missing = answer.explanation.missing().map(|source| &**source).collect::<Vec<_>>().join(",");
    set.add("CALLDEX_DEGRADED", "degraded", Some(&missing));
    set
}

impl Variables {
    fn add_caller_data(&mut self, data: &CallerData, wishes: Wishes) {
        let name = data.name.as_deref();
        let queue_position = data.queue_position.map(|place| place.to_string());
        let id = data.id.as_ref().map(ToString::to_string);
        self.add("CALLERID(name)", "name", name.filter(|_| wishes.caller_id));
        self.add("CALLDEX_DIRECT_LINE", "direct_line", data.direct_line.as_deref());
        self.add("CALLDEX_QUEUE_POSITION", "queue_position", queue_position.as_deref());
        self.add("QUEUE_PRIO", "queue_position", queue_position.as_deref().filter(|_| wishes.queue_priority));
        self.add("CALLDEX_ID", "id", id.as_deref());
        self.add("CALLDEX_NAME", "name", name);
        self.add("CALLDEX_ROUTE_IDENTIFIER", "route_identifier", data.route_identifier.as_deref());
        self.add("CALLDEX_OUTBOUND_NUMBER", "outbound_number", data.outbound_number.as_deref());
        self.add("CALLDEX_LANGUAGE", "language", data.language.as_deref());
        self.add("CALLDEX_EXTERNAL_ID", "external_id", data.external_id.as_deref());
        self.add("CALLDEX_BACKEND_LINK", "backend_link", data.backend_link.as_deref());
    }

    fn add(&mut self, variable: &'static str, field: &'static str, value: Option<&str>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return };
        let mut value: String = value.chars().filter(|character| !character.is_control()).collect();
        if command(variable, &value).len() > LONGEST_COMMAND {
            if !self.shortened.contains(&field) {
                self.shortened.push(field);
            }
            // A part of a link or of an identifier would be another one; a part of a name is still a name.
            if field != "name" {
                return;
            }
            while command(variable, &value).len() > LONGEST_COMMAND {
                value.pop();
            }
        }
        self.variables.push((variable, value));
    }
}

/// The command that sets a variable, with its LF. A CR before it would become a part of the value.
pub(super) fn command(variable: &str, value: &str) -> String {
    let mut line = String::with_capacity(variable.len() + value.len() + 24);
    // Writing into a String cannot fail.
    let _ = writeln!(line, "SET VARIABLE {variable} {}", quoted(value));
    line
}

/// A value between quotes, as Asterisk takes them apart: `"` and `\` stand behind a backslash.
pub(super) fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    out.push('"');
    for character in value.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContactId;

    const USUAL: Wishes = Wishes { caller_id: true, queue_priority: false };

    fn of_data(data: &CallerData, wishes: Wishes) -> Variables {
        let mut set = Variables::default();
        set.add_caller_data(data, wishes);
        set
    }

    #[test]
    fn a_command_is_what_asterisk_was_seen_to_take() {
        assert_eq!(
            command("CALLERID(name)", "Ștefan \"Bob\" O'Brien, Ltd; \\co"),
            "SET VARIABLE CALLERID(name) \"Ștefan \\\"Bob\\\" O'Brien, Ltd; \\\\co\"\n"
        );
    }

    #[test]
    fn what_is_null_sets_nothing() {
        assert_eq!(of_data(&CallerData::default(), USUAL), Variables::default());
        let data = CallerData { id: Some(ContactId::Integer(7)), name: Some("Ana".into()), ..CallerData::default() };
        let names: Vec<_> = of_data(&data, USUAL).variables.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["CALLERID(name)", "CALLDEX_ID", "CALLDEX_NAME"]);
    }

    #[test]
    fn the_priority_is_set_only_if_asked_and_our_own_name_is_left_alone_on_an_outbound_call() {
        let data = CallerData { queue_position: Some(5), name: Some("Ana".into()), ..CallerData::default() };
        let names = |wishes| of_data(&data, wishes).variables.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(
            names(Wishes { caller_id: false, queue_priority: true }),
            ["CALLDEX_QUEUE_POSITION", "QUEUE_PRIO", "CALLDEX_NAME"]
        );
    }

    #[test]
    fn a_name_is_cut_and_a_link_left_out_where_the_command_would_be_too_long() {
        let data = CallerData {
            name: Some("\"é".repeat(3_000)),
            backend_link: Some(format!("https://x/{}", "ă".repeat(2_100))),
            ..CallerData::default()
        };
        let set = of_data(&data, USUAL);
        assert_eq!(set.shortened, ["name", "backend_link"]);
        for (variable, value) in &set.variables {
            let length = command(variable, value).len();
            assert!((LONGEST_COMMAND - 3..=LONGEST_COMMAND).contains(&length), "{variable}: {length}");
        }
    }

    proptest::proptest! {
        /// Whatever a CRM holds: one line, and Asterisk reads back the value without its control characters.
        #[test]
        fn a_value_comes_back_whole_and_in_one_line(value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let line = command("X", &value);
            proptest::prop_assert_eq!(line.matches('\n').count(), 1);
            let inside = line.strip_prefix("SET VARIABLE X \"").and_then(|rest| rest.strip_suffix("\"\n")).unwrap();
            let mut read = String::new();
            let mut characters = inside.chars();
            while let Some(character) = characters.next() {
                proptest::prop_assert_ne!(character, '"');
                read.push(if character == '\\' { characters.next().unwrap() } else { character });
            }
            let expected: String = value.chars().filter(|character| !character.is_control()).collect();
            proptest::prop_assert_eq!(read, expected);
        }
    }
}
