//! `/agent/contacts`: finds contacts, makes one of an unknown caller, or adds his number to one; in an address book, or in
//! the system of a source that can make contacts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::super::Http;
use super::super::question::{MAX_QUERY, Parameters};
use super::{Answered, Asked, Problem, answer, json_body};
use crate::directory::Book;
use crate::events::accounts::Session;
use crate::events::{Named, OwnCall};
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::Key;
use crate::sources::ContactMaker;
use crate::sources::recipe::NewContact;

/// Most contacts that are found.
const MOST: usize = 20;

/// Searches at a time: each may read a whole address book, and calls come first.
static SEARCHES: Semaphore = Semaphore::const_new(2);

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
        let _turn = SEARCHES.acquire().await.map_err(|_| Problem::signed_out())?;
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
        let maker = asked.maker(&session, &saved.place)?;
        let call = asked.own_call(&session, saved.card).await?;
        let no_number = || Problem::new(StatusCode::BAD_REQUEST, "this caller has no number to keep");
        let number = call.number.ok_or_else(no_number)?;
        if let Some(maker) = maker {
            return asked.make_elsewhere(&*maker, &saved, &call, number).await;
        }
        let book = asked.book(&session, &saved.place)?;
        let directory = http.reception.lookup.directory();
        let number = ContactNumber { written: number.to_string(), ..ContactNumber::default() };
        let stored = match &saved.contact {
            Some(id) => {
                let missing = || Problem::new(StatusCode::NOT_FOUND, "this contact is not there any more");
                directory.add_number(&book, &ContactId::from_text(id), number).await?.ok_or_else(missing)?
            }
            None => directory.put(&book, Contact { numbers: vec![number], ..new_contact(&saved)? }).await?,
        };
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

impl Asked<'_> {
    /// Makes a contact in the system of a source.
    async fn make_elsewhere(&self, maker: &dyn ContactMaker, saved: &Saved, call: &OwnCall, number: Key) -> Answered {
        if saved.contact.is_some() {
            let words = "a number cannot be added to a contact there; add it in that system";
            return Err(Problem::new(StatusCode::BAD_REQUEST, words));
        }
        let contact = new_contact(saved)?;
        let field = |field: Field| contact.get(field).map(|text| (field.as_str().to_owned(), text.to_owned()));
        let mut fields: BTreeMap<String, String> =
            [Field::Name, Field::Company, Field::Email].into_iter().filter_map(field).collect();
        fields.insert("number".to_owned(), number.to_string());
        let made = maker.make_contact(NewContact { fields }).await.map_err(|error| {
            tracing::warn!(target: "calldex::agent", source = %saved.place, "a contact was not made: {error}");
            Problem::new(StatusCode::BAD_GATEWAY, format!("{}: {error}", saved.place))
        })?;
        // Nobody knew this number until now.
        self.http.reception.lookup.forget_unknown();
        let known = |field| contact.get(field).map(str::to_owned);
        let named = made.as_ref().map(|id| Named { source: saved.place.clone(), id: id.clone() });
        self.http.events.show_made(call, named, known(Field::Name), known(Field::Company)).await;
        Ok(self.reply(StatusCode::OK, &json!({ "place": saved.place, "id": made })))
    }

    /// Who makes contacts, where the name is that of a source of the agent's project which can.
    fn maker(&self, session: &Session, name: &str) -> Result<Option<Arc<dyn ContactMaker>>, Problem> {
        let current = self.http.reception.current();
        let project = current.projects.get(session.account.project.as_str()).ok_or_else(Problem::signed_out)?;
        let is_asked = project.config.sources.iter().any(|source| **source == *name);
        Ok(current.live.get(name).filter(|_| is_asked).and_then(|live| live.contact_maker.clone()))
    }

    /// An address book of the agent's project.
    fn book(&self, session: &Session, name: &str) -> Result<Book, Problem> {
        let current = self.http.reception.current();
        let project = current.projects.get(session.account.project.as_str()).ok_or_else(Problem::signed_out)?;
        let book = self.http.reception.lookup.books(project).find(|book| *book.name == *name).cloned();
        book.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such address book"))
    }
}
