//! Answers that come in pages: one after the other, also when the caller was found on one, since another contact with his
//! number may stand on the next.
//!
//! What leads to the next page comes out of the answer, so it is hostile input like everything in there: an address has to
//! be where the first page was, and pages, records and bytes are bounded. A reading that ends before the last page and has
//! not found the caller is a failure. Whoever is on the pages that nobody read is not unknown. One that has found him has
//! little time more, and loses him no more: not when a page fails, and not when pages are left.

use std::time::{Duration, Instant};

use jmespath::{Rcvar, Variable};
use minijinja::value::{Serde, Value};
use url::Url;

use super::engine::{Engine, FOLLOW_UP};
use super::mapping::{MOST_RECORDS, text_of};
use super::view::Vars;
use super::{Next, NextPlace, Plan};
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::number::{Number, Numbering};
use crate::sources::http::{Answer, BODY_LIMIT};
use crate::sources::verify::add_new;

/// Most pages that one request reads.
pub(super) const MOST_PAGES: usize = 5;

/// How long pages are turned after the one with the caller: he is known already.
const FURTHER_PAGES: Duration = FOLLOW_UP;

/// One lookup on its way.
pub(super) struct Search<'a> {
    /// What templates see.
    pub(super) vars: Vars,
    /// When the time of the source is over.
    pub(super) until: Instant,
    /// The caller, and how the numbers of the CRM are read.
    pub(super) asked: (&'a Number, &'a Numbering),
    /// Why pages were left unread. Another request may find the caller all the same.
    unread: Option<Error>,
}

impl<'a> Search<'a> {
    /// A lookup that has not asked anything yet.
    pub(super) fn begin(asked: (&'a Number, &'a Numbering), vars: Vars, until: Instant) -> Self {
        Self { vars, until, asked, unread: None }
    }

    /// Hands over who was found, unless the number has another reading that is still to be asked for.
    async fn hand_over(&self, engine: &Engine, hits: &[Hit]) {
        if self.asked.0.readings().count() == 1 {
            engine.hand_over(&engine.prefer(hits.to_vec()), &self.vars).await;
        }
    }

    /// Nobody was found.
    ///
    /// # Errors
    /// When pages were left unread: the caller may be on one of them.
    pub(super) fn end(self) -> Result<Vec<Hit>> {
        self.unread.map_or_else(|| Ok(Vec::new()), Err)
    }
}

/// A page that was read.
pub(super) struct Page {
    /// What it says.
    pub(super) data: Rcvar,
    pub(super) answer: Answer,
    /// Where it was asked for.
    pub(super) url: Url,
}

/// Which page is asked for.
pub(super) struct Turn {
    /// The address that the page before said.
    pub(super) address: Option<Url>,
    /// Most bytes that it may have.
    pub(super) limit: usize,
}

impl Default for Turn {
    /// The first page.
    fn default() -> Self {
        Self { address: None, limit: BODY_LIMIT }
    }
}

/// What was read of one request so far.
#[derive(Default)]
struct Read {
    pages: usize,
    records: usize,
    bytes: usize,
    /// How long the slowest page took.
    slowest: Duration,
}

impl Engine {
    /// Sends one request of a lookup, and turns its pages.
    ///
    /// # Errors
    /// Any failure on any page, while the caller is not found.
    pub(super) async fn look_up(&self, plan: &Plan, search: &mut Search<'_>) -> Result<Vec<Hit>> {
        if !self.is_wanted(plan, &search.vars)? {
            return Ok(Vec::new());
        }
        let mut hits = Vec::new();
        match self.turn_pages(plan, search, &mut hits).await {
            Err(error) if hits.is_empty() => return Err(error),
            Err(error) => self.note_failed(&error),
            Ok(()) => {}
        }
        Ok(hits)
    }

    async fn turn_pages(&self, plan: &Plan, search: &mut Search<'_>, hits: &mut Vec<Hit>) -> Result<()> {
        let mut vars = search.vars.clone();
        let (mut read, mut turn) = (Read::default(), Turn::default());
        // When further pages are no longer waited for, once the caller is found.
        let mut until = None;
        loop {
            vars.insert("page", Value::from(read.pages + 1));
            let start = self.clock.now();
            let within = until.map(|until| self.time_to_follow(until)).transpose()?;
            let Some(page) = self.ask_page(plan, &vars, within, turn).await? else { return Ok(()) };
            add_new(hits, self.hits(plan, &page.data, search.asked)?);
            let now = self.clock.now();
            read.count(plan, &page, now.saturating_duration_since(start));
            let next = plan.next.as_ref().map(|next| next.of(&page)).transpose()?.flatten();
            if next.is_none() && read.records <= MOST_RECORDS {
                return Ok(());
            }
            if !hits.is_empty() {
                until.get_or_insert(search.until.min(now + FURTHER_PAGES));
                search.hand_over(self, hits).await;
            }
            if let Some(why) = read.is_enough(until.unwrap_or(search.until).saturating_duration_since(now)) {
                let unread = self.explain_unread(&read, why);
                if hits.is_empty() {
                    search.unread = Some(unread);
                    return Ok(());
                }
                return Err(unread);
            }
            turn = Turn { address: None, limit: BODY_LIMIT - read.bytes };
            match next {
                Some(Lead::Address(address)) => turn.address = Some(address),
                Some(Lead::Value(value)) => drop(vars.insert("next", value)),
                None => {}
            }
        }
    }

    fn explain_unread(&self, read: &Read, (kind, why): (Kind, &str)) -> Error {
        let (title, pages) = (&self.settings.recipe.title, read.pages);
        let pages = if pages == 1 { "1 page".to_owned() } else { format!("{pages} pages") };
        let message = format!("{title} has more than the {pages} that were read, and the caller may be there: {why}");
        Error::new(kind, message)
    }
}

impl Read {
    fn count(&mut self, plan: &Plan, page: &Page, took: Duration) {
        self.pages += 1;
        self.records += plan.records_in(&page.data).as_array().map_or(0, Vec::len);
        self.bytes += page.answer.body.len();
        self.slowest = self.slowest.max(took);
    }

    /// Why no further page is read; `rest` is the time that is left.
    fn is_enough(&self, rest: Duration) -> Option<(Kind, &'static str)> {
        let bounds = [
            (self.records >= MOST_RECORDS, Kind::Corrupt, "the search finds too many records"),
            (self.pages >= MOST_PAGES, Kind::Corrupt, "the search finds too many pages"),
            (self.bytes >= BODY_LIMIT, Kind::Corrupt, "the search finds too much"),
            (rest <= self.slowest, Kind::Timeout, "the time of the source does not suffice for one more"),
        ];
        bounds.into_iter().find(|(reached, ..)| *reached).map(|(_, kind, why)| (kind, why))
    }
}

/// What leads to the next page.
#[derive(Debug)]
pub(super) enum Lead {
    /// Its address.
    Address(Url),
    /// What the request is made again with.
    Value(Value),
}

impl Next {
    /// What leads from a page to the next one; `None` on the last.
    pub(super) fn of(&self, page: &Page) -> Result<Option<Lead>> {
        let found = match &self.place {
            NextPlace::Body(path) => path.find(&page.data),
            NextPlace::Header(name) => Rcvar::new(in_header(name, &page.answer)),
        };
        if !found.is_truthy() {
            return Ok(None);
        }
        let wrong = |what: &str| Error::new(Kind::Corrupt, format!("what leads to the next page is {what}"));
        if !self.is_address {
            return match &*found {
                Variable::Number(number) => Ok(Some(Lead::Value(Value::from(Serde(number))))),
                other => Ok(Some(Lead::Value(Value::from(text_of(other).ok_or_else(|| wrong("no text"))?)))),
            };
        }
        let begins =
            |address: &String| ["https://", "http://", "/", "?"].iter().any(|begin| address.starts_with(begin));
        let address = text_of(&found).filter(begins).and_then(|address| page.url.join(&address).ok());
        address.map(|address| Some(Lead::Address(address))).ok_or_else(|| wrong("no address"))
    }
}

fn in_header(name: &http::HeaderName, answer: &Answer) -> Variable {
    let values = answer.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let found = if *name == http::header::LINK {
        values.filter_map(next_link).next()
    } else {
        values.map(str::trim).find(|value| !value.is_empty())
    };
    found.map_or(Variable::Null, |found| Variable::String(found.to_owned()))
}

/// The address with `rel="next"` in a `Link` header (RFC 8288).
fn next_link(links: &str) -> Option<&str> {
    let mut rest = links;
    loop {
        let (address, behind) = rest.split_once('<')?.1.split_once('>')?;
        let end = end_of_link(behind);
        let is_next = |param: &str| {
            let (name, value) = param.split_once('=').unwrap_or_default();
            let mut words = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word.eq_ignore_ascii_case("next"))
        };
        if behind[..end].split(';').any(is_next) {
            return Some(address.trim());
        }
        rest = &behind[end..];
    }
}

/// Where the parameters of a link end: at a comma outside of quotes.
fn end_of_link(text: &str) -> usize {
    let mut quoted = false;
    let comma = text.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == ',' && !quoted
    });
    comma.map_or(text.len(), |(place, _)| place)
}

#[cfg(test)]
mod tests;
