//! `/agent/contacts`: finds contacts, makes one of an unknown caller, or adds his number to one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Http;
use super::super::question::{MAX_QUERY, Parameters};
use super::{Asked, Problem, answer, json_body};
use crate::directory::Book;
use crate::events::accounts::Session;
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::Key;

/// Most contacts that are found.
const MOST: usize = 20;

/// Most characters of a field that is typed into the page.
const LONGEST: usize = 200;

pub(super) async fn find(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, _, request_id| async move {
        let asked = Asked { http: &http, parts, request_id };
        let (session, _) = asked.session().await?;
        let query = asked.parts.uri.query().unwrap_or_default().as_bytes();
        let parameters = Parameters::from_query(&query[..query.len().min(MAX_QUERY)]).into_asked();
        let other = |name: &str| parameters.others.get(name).map(String::as_str).unwrap_or_default();
        let book = asked.book(&session, other("place"))?;
        let found = http.reception.lookup.directory().search(&book, other("find").trim(), MOST).await?;
        let contacts: Vec<Value> = found.iter().map(shown).collect();
        Ok(asked.reply(StatusCode::OK, &json!({ "contacts": contacts })))
    })
    .await
}

fn shown(contact: &Contact) -> Value {
    json!({
        "id": contact.id.to_string(),
        "name": contact.get(Field::Name),
        "company": contact.get(Field::Company),
        "numbers": contact.numbers.iter().map(|number| number.written.as_str()).collect::<Vec<_>>(),
    })
}

/// What the page sends: a new contact, or one that gets the number.
#[derive(Deserialize)]
struct Saved {
    card: i64,
    place: String,
    contact: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    company: String,
    #[serde(default)]
    email: String,
}

pub(super) async fn save(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, body, request_id| async move {
        let saved: Saved = json_body(&parts, body).await?;
        let asked = Asked { http: &http, parts, request_id };
        let (session, _) = asked.changing().await?;
        let book = asked.book(&session, &saved.place)?;
        let call = asked.own_call(&session, saved.card).await?;
        let no_number = || Problem::new(StatusCode::BAD_REQUEST, "this caller has no number to keep");
        let number = call.number.ok_or_else(no_number)?;
        let directory = http.reception.lookup.directory();
        let contact = match &saved.contact {
            Some(id) => {
                let found = directory.get(&book, &ContactId::from_text(id)).await?;
                let missing = || Problem::new(StatusCode::NOT_FOUND, "this contact is not there any more");
                with_number(found.ok_or_else(missing)?, number)
            }
            None => with_number(new_contact(&saved)?, number),
        };
        let stored = directory.put(&book, contact).await?;
        http.events.look_again(&call).await;
        Ok(asked.reply(StatusCode::OK, &json!({ "place": saved.place, "id": stored.id.to_string() })))
    })
    .await
}

fn new_contact(saved: &Saved) -> Result<Contact, Problem> {
    let mut contact = Contact::default();
    for (field, text) in [(Field::Name, &saved.name), (Field::Company, &saved.company), (Field::Email, &saved.email)] {
        if text.chars().count() > LONGEST {
            return Err(Problem::new(StatusCode::BAD_REQUEST, format!("{} is too long", field.as_str())));
        }
        contact.set(field, text.trim());
    }
    if contact.fields.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a contact has a name or a company"));
    }
    Ok(contact)
}

fn with_number(mut contact: Contact, number: Key) -> Contact {
    contact.numbers.push(ContactNumber { written: number.to_string(), ..ContactNumber::default() });
    contact
}

impl Asked<'_> {
    /// An address book of the agent's project.
    fn book(&self, session: &Session, name: &str) -> Result<Book, Problem> {
        let current = self.http.reception.current();
        let project = current.projects.get(session.account.project.as_str()).ok_or_else(Problem::signed_out)?;
        let book = self.http.reception.lookup.books(project).find(|book| *book.name == *name).cloned();
        book.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such address book"))
    }
}
