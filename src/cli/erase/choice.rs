//! Several contacts have the number: a person says which of them are meant.

use std::io::{BufRead, Write};

use super::{Candidate, line};
use crate::error::{Error, Kind, Result};

/// Shows the contacts on standard error and reads the choice: numbers, `all`, or nothing to stop.
///
/// # Errors
/// `Refused` when there is nobody to ask (`ask` is `None`) or the answer is empty; `Invalid` for one that means nobody.
pub(super) fn choose(candidates: Vec<Candidate>, ask: Option<&mut dyn BufRead>) -> Result<Vec<Candidate>> {
    let mut shown = format!("{} contacts have it:\n", candidates.len());
    for (place, candidate) in candidates.iter().enumerate() {
        shown.push_str(&format!("{:>4}  {}\n", place + 1, line(candidate)));
    }
    let Some(input) = ask else {
        let hint = "nothing was erased: say --yes to take all, or --id with --directory for one of them";
        return Err(Error::new(Kind::Refused, format!("{shown}{hint}")));
    };
    // When standard error is gone, the answer is empty as well.
    let _ = write!(std::io::stderr(), "{shown}Which? Numbers such as 1,3, or all, or nothing to stop: ");
    let mut answer = String::new();
    input
        .read_line(&mut answer)
        .map_err(|error| Error::new(Kind::Unavailable, "cannot read the answer").because(error))?;
    pick(candidates, answer.trim())
}

fn pick(candidates: Vec<Candidate>, answer: &str) -> Result<Vec<Candidate>> {
    if answer.eq_ignore_ascii_case("all") {
        return Ok(candidates);
    }
    if answer.is_empty() {
        return Err(Error::new(Kind::Refused, "nothing was erased"));
    }
    let count = candidates.len();
    let place = |text: &str| text.parse::<usize>().ok().filter(|place| (1..=count).contains(place));
    let words = answer.split([',', ' ']).filter(|text| !text.is_empty());
    let places: Option<Vec<usize>> = words.map(place).collect();
    let Some(places) = places.filter(|places| !places.is_empty()) else {
        let message = format!("found {answer:?}, expected numbers from 1 to {count}, or all; nothing was erased");
        return Err(Error::new(Kind::Invalid, message));
    };
    let numbered = candidates.into_iter().enumerate();
    Ok(numbered.filter(|(place, _)| places.contains(&(place + 1))).map(|(_, candidate)| candidate).collect())
}
