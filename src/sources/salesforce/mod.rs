//! `type = "salesforce"`: contacts, leads and accounts of Salesforce, found by a search over all telephone fields.
//!
//! `session` logs in, `org` sends requests in that session and minds the daily limit, `search` and `records` are the
//! question and the answer, `task` and `class` write a call down, `create` makes a contact.

mod call_log;
mod class;
mod create;
mod limits;
mod link;
mod login;
mod org;
mod owners;
mod records;
mod search;
mod session;
mod settings;
mod task;

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use super::verify::{NUMBER_LABEL, order, prefer, verify};
use super::{ApiType, Built, Inputs, LoggingIn, Pending, Question, Source, Workbench};
use crate::config::{self, Complaint};
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::Contact;
use crate::number::{self, Number, Numbering, Spelling};
use org::Org;
use owners::Owners;

/// What is kept of the source's time for the answer itself.
const TO_ANSWER: Duration = Duration::from_millis(50);

/// Its name in the configuration, and how it is made.
pub(super) const SALESFORCE: ApiType = ApiType { name: "salesforce", check, build };

/// Says what is wrong with the settings of a source.
fn check(source: &config::Source) -> Vec<Complaint> {
    settings::read(source).1
}

/// Makes a source.
fn build(source: &config::Source, bench: Workbench) -> Result<Built> {
    let wrong = || Error::new(Kind::Invalid, "the parameters of this source are wrong");
    let settings = settings::read(source).0.ok_or_else(wrong)?;
    let access = login::Access::of(&settings.access, source)?;
    let class = settings.class.as_ref().map(|class| class::Class::of(class, source));
    let silent = |why: &Error| format!("finished calls are not sent to its class: {why}");
    let fault = class.as_ref().and_then(|class| class.as_ref().err()).map(silent);
    let agents = Arc::clone(&bench.agents);
    let org = Arc::new(Org::new(settings.login.clone(), settings.version.clone(), access, bench));
    let parts = call_log::Parts {
        source: Arc::clone(&source.name),
        org: Arc::clone(&org),
        class,
        agents,
        owner_of_contact: settings.owner_of_contact,
    };
    let call_log: Arc<dyn super::CallLog> = Arc::new(call_log::Calls(Arc::new(parts)));
    let salesforce = Salesforce {
        name: Arc::clone(&source.name),
        numbering: source.numbering.clone(),
        forms: source.forms.clone(),
        links: settings.links,
        owners: settings.direct_line.map(Owners::new),
        timeout: source.timeout,
        org,
    };
    let contact_maker: Arc<dyn super::ContactMaker> = Arc::new(create::Contacts(Arc::clone(&salesforce.org)));
    Ok(Built {
        call_log: Some(call_log),
        contact_maker: Some(contact_maker),
        fault,
        ..Built::finder(Arc::new(Shared(Arc::new(salesforce))))
    })
}

struct Salesforce {
    name: Arc<str>,
    numbering: Numbering,
    forms: Vec<Spelling>,
    links: link::Links,
    owners: Option<Owners>,
    timeout: Duration,
    org: Arc<Org>,
}

/// A source that lookups hold as long as they need it.
struct Shared(Arc<Salesforce>);

impl Source for Shared {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn inputs(&self) -> Inputs {
        // Without a country of its own, numbers are read with that of the project.
        Inputs { numbering: self.0.numbering.country.is_none(), ..Inputs::default() }
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let salesforce = Arc::clone(&self.0);
        Box::pin(async move { salesforce.find(&question).await })
    }

    fn log_in(&self) -> Option<LoggingIn> {
        let org = Arc::clone(&self.0.org);
        Some(Box::pin(async move { org.session().await.map(|_| ()) }))
    }

    fn link_for_unknown(&self, question: &Question) -> Option<String> {
        self.0.links.of_nobody(&question.number)
    }
}

/// Whether the caller's number is the mobile one of a contact: that is his own, an office number may be anybody's.
fn is_mobile(contact: &Contact) -> bool {
    contact.custom.get(NUMBER_LABEL).is_some_and(|labels| labels.split(", ").any(|label| label == records::MOBILE))
}

impl Salesforce {
    async fn find(&self, question: &Question) -> Result<Vec<Hit>> {
        let spellings = self.spellings(question);
        let Some(query) = search::sosl(&spellings) else { return Ok(Vec::new()) };
        let until = self.org.now() + self.timeout;
        let (answer, session) = self.org.search(&query).await?;
        let records::Found { contacts, records, hidden } = records::contacts(&answer)?;
        if contacts.is_empty() && hidden {
            // Without this the answer would be taken at its word, whomever it names.
            let message = "it finds records and shows no number of them; let its user read the telephone fields";
            return Err(Error::new(Kind::Invalid, message));
        }
        let mut hits = verify(contacts, &question.number, &question.numbering_of(&self.numbering));
        if hits.is_empty() && records >= search::MOST_RECORDS {
            let message = format!("the search finds {records} records and more, and the caller may be among those");
            return Err(Error::new(Kind::Corrupt, message));
        }
        prefer(&mut hits, is_mobile);
        order(&mut hits);
        for hit in &mut hits {
            let contact = Arc::make_mut(&mut hit.contact);
            self.links.set(contact, &session.instance, &question.number);
        }
        if let Some(owners) = &self.owners {
            let now = self.org.now();
            let rest = until.saturating_duration_since(now).saturating_sub(TO_ANSWER);
            owners.set_lines(&mut hits, now, rest, |query| async move { self.org.query(&query).await }).await;
        }
        Ok(hits)
    }

    /// The digits to look for, of both readings of a number without plus.
    fn spellings(&self, question: &Question) -> Vec<String> {
        let Number::Phone { phone, alternate, .. } = &*question.number else { return Vec::new() };
        let phones = [Some(phone), alternate.as_ref()].into_iter().flatten();
        let country = question.numbering_of(&self.numbering).country;
        let forms = phones.map(|phone| number::forms(phone, country.as_deref()));
        forms
            .flat_map(|forms| {
                let spelled = |spelling: &Spelling| forms.spelled(*spelling).to_owned();
                if self.forms.is_empty() {
                    forms.spellings().into_iter().map(str::to_owned).collect::<Vec<_>>()
                } else {
                    self.forms.iter().map(spelled).collect()
                }
            })
            .collect()
    }
}
