//! `calldex number`: shows how numbers are read. It needs no configuration.
//!
//! Numbers come as arguments, or one a line on standard input as `text<TAB>country`, not trimmed, because a leading
//! space means a lost plus. The answer is one JSON object a line, in the order of the questions. A line that is no
//! number is an answer as well, so the exit code does not depend on what the lines hold.

use std::io::{BufRead, Write};

use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::number::{Number, Numbering, Phone, country_of, forms, is_known_country, nearest_country, parse};

/// The argument that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// The country code that stands for no country.
const NO_COUNTRY: &str = "ZZ";

/// How a number was read. Absent parts are null.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    kind: &'a str,
    e164: Option<String>,
    extension: Option<&'a str>,
    valid: bool,
    alternate: Option<String>,
    country: Option<String>,
    international: Option<String>,
    local: Option<&'a str>,
}

/// Reads the arguments, or standard input when there are none or the only one is `-`, and writes an answer for each.
///
/// # Errors
/// [`Kind::Invalid`] for a country that has no numbering plan, [`Kind::Unavailable`] when input or output fails. A
/// reader that closes its end early (`| head`) is no failure.
pub(crate) fn run(numbers: &[String], country: Option<&str>, input: impl BufRead, output: impl Write) -> Result<()> {
    let numbering = numbering(country)?;
    let mut output = std::io::BufWriter::new(output);
    let done = if numbers.is_empty() || numbers == [STANDARD_INPUT] {
        answer_lines(input, &numbering, &mut output)
    } else {
        numbers.iter().try_for_each(|text| answer(text, &numbering, &mut output))
    };
    match done.and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::new(Kind::Unavailable, "cannot read or write the numbers").because(error)),
        Ok(()) => Ok(()),
    }
}

/// The settings of `--country`; without it, only numbers with a country code are read.
fn numbering(country: Option<&str>) -> Result<Numbering> {
    let Some(country) = country.filter(|country| !is_none(country)) else { return Ok(Numbering::default()) };
    if is_known_country(country) {
        return Ok(Numbering::of_country(&country.to_uppercase()));
    }
    let nearest = nearest_country(country).map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    Err(Error::new(Kind::Invalid, format!("`{country}` is no two-letter country with a numbering plan{nearest}")))
}

/// Answers line by line. The settings of a country are kept for the next line, which mostly has the same.
fn answer_lines(mut input: impl BufRead, default: &Numbering, output: &mut impl Write) -> std::io::Result<()> {
    let mut line = Vec::new();
    let mut of_line = Numbering::default();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        match text.rsplit_once('\t').filter(|(_, country)| is_country_column(country.trim())) {
            Some((text, country)) => {
                set_country(&mut of_line, country.trim());
                answer(text, &of_line, output)?;
            }
            None => answer(text.strip_suffix('\r').unwrap_or(&text), default, output)?,
        }
        line.clear();
    }
    Ok(())
}

/// The last column is a country when it is empty or two letters; anything else is a part of the text.
fn is_country_column(column: &str) -> bool {
    column.is_empty() || (column.len() == 2 && column.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

fn set_country(numbering: &mut Numbering, country: &str) {
    if numbering.country.as_deref().unwrap_or_default() != country {
        numbering.country = (!is_none(country)).then(|| country.to_owned());
    }
}

fn is_none(country: &str) -> bool {
    country.is_empty() || country.eq_ignore_ascii_case(NO_COUNTRY)
}

fn answer(text: &str, numbering: &Numbering, output: &mut impl Write) -> std::io::Result<()> {
    let number = parse(text, numbering);
    serde_json::to_writer(&mut *output, &describe(&number))?;
    output.write_all(b"\n")
}

fn describe(number: &Number) -> Answer<'_> {
    let mut answer = Answer {
        kind: number.kind(),
        e164: None,
        extension: None,
        valid: false,
        alternate: None,
        country: None,
        international: None,
        local: None,
    };
    match number {
        Number::Phone { phone, extension, alternate } => {
            answer.e164 = Some(phone.key.to_string());
            answer.extension = extension.as_deref();
            answer.valid = phone.valid;
            answer.alternate = alternate.map(|Phone { key, .. }| key.to_string());
            answer.country = country_of(phone);
            answer.international = Some(forms(phone, None).international);
        }
        Number::Local(text) => answer.local = Some(text),
        Number::Withheld { .. } | Number::Unusable => {}
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(numbers: &[&str], country: Option<&str>, input: &[u8]) -> Vec<serde_json::Value> {
        let numbers: Vec<String> = numbers.iter().map(|&text| text.to_owned()).collect();
        let mut output = Vec::new();
        run(&numbers, country, input, &mut output).unwrap();
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn arguments_are_answered_in_order() {
        let found = answers(&["0722 111 222", "anonymous", "101", "Ion Popescu"], Some("ro"), b"");
        let kinds: Vec<_> = found.iter().map(|answer| answer["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["phone", "withheld", "local", "unusable"]);
        assert_eq!(found[0]["e164"], "+40722111222");
        assert_eq!(found[0]["international"], "+40 722 111 222");
        assert_eq!(found[0]["country"], "RO");
        assert_eq!(found[0]["valid"], true);
        assert!(found[0]["alternate"].is_null() && found[1]["e164"].is_null());
    }

    #[test]
    fn lines_bring_their_country_and_are_not_trimmed() {
        let input =
            b"0722111222\tRO\n 40722111222\tZZ\n40722111222\t\n0722111222\n030 123456 x5\tDE\r\n\n4312345678\tDE";
        let found = answers(&["-"], None, input);
        let numbers: Vec<_> = found.iter().map(|answer| answer["e164"].as_str().unwrap_or("-")).collect();
        let mobile = "+40722111222";
        assert_eq!(numbers, [mobile, mobile, mobile, "-", "+4930123456", "-", "+494312345678"]);
        assert_eq!(found[4]["extension"], "5");
        assert_eq!(found[6]["alternate"], "+4312345678");
    }

    #[test]
    fn invalid_text_and_tabs_inside_are_survived() {
        let found = answers(&["-"], Some("RO"), b"\xff\xfe\t\x80\n\t0722111222 \tRO\n0722\t111222\n");
        assert_eq!(found.len(), 3);
        assert_eq!(found[1]["e164"], "+40722111222");
        assert_eq!(found[2]["e164"], "+40722111222");
    }

    #[test]
    fn an_unknown_country_is_refused_with_the_nearest() {
        let error = run(&["1".to_owned()], Some("ROU"), &b""[..], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().contains("did you mean RO?"), "{error}");
    }
}
