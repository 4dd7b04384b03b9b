//! The time that rules see, above all where the clocks are put forward or back. Romania does so on the last Sundays of
//! March and October, at 01:00 UTC.

use super::{holds, said};

/// The minute that the rule sees, and whether the hours of the case hold.
fn case(spans: &str, tests: &str) -> String {
    format!(
        "holidays = [\"12-25\", \"2026-11-30\"]\n[project.sales.hours.x]\nopen = [{spans}]\non_holidays = [\"daily 10:00-11:00\"]\n\
         [[project.sales.rule]]\nwhen = \"caller.unknown and time.hours.x\"\nqueue = \"open\"\n{tests}"
    )
}

fn test(time: &str, open: bool) -> String {
    let expected = if open { "open" } else { "" };
    format!(
        "[[project.sales.test]]\ntelephone = \"0722111222\"\ntime = {time}\nexpect = {{ direct_line = \"{expected}\" }}\n"
    )
}

#[test]
fn hours_end_with_the_minute_that_is_named() {
    let tests = [
        test("2026-11-27T08:59:59", false),
        test("2026-11-27T09:00:00", true),
        test("2026-11-27T17:59:59", true),
        test("2026-11-27T18:00:00", false),
        test("2026-11-28T12:00:00", false),
    ];
    holds(&case("\"mon-fri 09:00-18:00\"", &tests.concat()));
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_begins() {
    let tests = [
        test("2026-11-27T22:00:00", true),
        test("2026-11-28T05:59:00", true),
        test("2026-11-28T06:00:00", false),
        test("2026-11-28T23:00:00", false),
        test("2026-11-27T05:00:00", false),
    ];
    holds(&case("\"fri 22:00-06:00\"", &tests.concat()));
}

#[test]
fn on_a_holiday_other_hours_hold() {
    let tests = [
        test("2026-12-25T09:30:00", false),
        test("2026-12-25T10:30:00", true),
        test("2026-11-30T09:30:00", false),
        test("2027-11-30T09:30:00", true),
    ];
    holds(&case("\"daily 09:00-18:00\"", &tests.concat()));
}

#[test]
fn hours_move_along_with_summer_time() {
    // 09:00 in Bucharest is 07:00 UTC in winter and 06:00 UTC in summer.
    let tests = [
        test("2026-03-28T06:59:00Z", false),
        test("2026-03-28T07:00:00Z", true),
        test("2026-03-29T05:59:00Z", false),
        test("2026-03-29T06:00:00Z", true),
        test("2026-10-24T06:00:00Z", true),
        test("2026-10-25T06:30:00Z", false),
        test("2026-10-25T07:00:00Z", true),
    ];
    holds(&case("\"daily 09:00-18:00\"", &tests.concat()));
}

#[test]
fn the_hour_that_is_skipped_and_the_one_that_comes_twice() {
    // On 29 March 2026 the clocks go from 03:00 to 04:00; on 25 October they show 03:00 to 04:00 twice.
    let tests = [
        test("2026-03-29T00:59:59Z", true),
        test("2026-03-29T01:00:00Z", false),
        test("2026-10-25T00:30:00Z", true),
        test("2026-10-25T01:30:00Z", true),
        test("2026-10-25T02:00:00Z", false),
        // A time that no clock shows is read as if the clocks had gone on.
        test("2026-03-29T03:30:00", false),
    ];
    holds(&case("\"sun 02:00-04:00\"", &tests.concat()));
}

#[test]
fn a_test_without_a_time_does_not_depend_on_when_it_runs() {
    let rule = "[[project.sales.rule]]\nwhen = \"caller.unknown\"\nname = \"{{ time.weekday }} {{ time.date }} {{ time.clock }} \
                {{ time.weekend }} {{ time.holiday }}\"\n";
    let test = "[[project.sales.test]]\ntelephone = \"0722111222\"\nexpect = { name = \"wednesday 2026-01-14 12:00 false false\" }\n";
    assert_eq!(said(&format!("{rule}{test}")), "");
}
