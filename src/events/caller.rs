//! What is known about the caller of a call, as it is kept with the call and shown on its card.

use serde::{Deserialize, Serialize};

use crate::lookup::{Explanation, Outcome, Project};
use crate::model::{ContactId, ContactRef, Field};

/// Most candidates that are kept.
const MOST_CANDIDATES: usize = 10;

/// What is known about the caller of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caller {
    /// The contact, when exactly one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Named>,
    /// What to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The page to open; its scheme has been checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether a source has not answered yet, so that more may become known.
    #[serde(default)]
    pub incomplete: bool,
    /// Whether nobody was found because a source failed, so that the caller may be known all the same.
    #[serde(default)]
    pub undetermined: bool,
    /// How the caller was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<String>,
    /// Whether that is a guess.
    #[serde(default)]
    pub guess: bool,
    /// Whether it became known after the call was first shown.
    #[serde(default)]
    pub late: bool,
    /// Whether an agent has said who it is; then it is he unless an agent says otherwise.
    #[serde(default)]
    pub by_agent: bool,
    /// All who may be meant, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Choice>,
}

/// A contact by source and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Name of the source or address book.
    pub source: String,
    /// The id within it, as text.
    pub id: String,
}

/// One of several who may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Who it is.
    #[serde(flatten)]
    pub contact: Named,
    /// What to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The page to open; its scheme has been checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// How he was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<String>,
    /// Whether that is a guess.
    #[serde(default)]
    pub guess: bool,
}

impl Named {
    /// The same as a reference.
    #[must_use]
    pub fn to_ref(&self) -> ContactRef {
        ContactRef { source: self.source.as_str().into(), id: ContactId::from_text(&self.id) }
    }
}

impl From<&ContactRef> for Named {
    fn from(contact: &ContactRef) -> Self {
        Self { source: contact.source.to_string(), id: contact.id.to_string() }
    }
}

impl Caller {
    /// The caller of a lookup. `contact_id` is the id that the PBX got with its answer, which settles who is meant.
    #[must_use]
    pub fn of(project: &Project, explanation: &Explanation, contact_id: Option<&str>) -> Self {
        let person = explanation.person.as_ref();
        let data = &explanation.decision.caller_data;
        let known = |field| person.and_then(|person| person.known.get(field)).map(str::to_owned);
        let candidates = choices(project, explanation);
        let caller = Self {
            contact: person.and_then(|person| person.contact.as_ref()).map(Named::from),
            name: data.name.clone().or_else(|| known(Field::Name)),
            company: known(Field::Company),
            link: data.backend_link.clone(),
            email: known(Field::Email),
            undetermined: explanation.outcome == Outcome::Undetermined,
            rung: person.map(|person| person.rung.as_str().to_owned()),
            guess: person.is_some_and(|person| !person.rung.is_certain()),
            late: false,
            by_agent: false,
            incomplete: explanation.outcome != Outcome::Withheld && explanation.missing().next().is_some(),
            candidates: if candidates.len() > 1 { candidates } else { Vec::new() },
        };
        match contact_id.filter(|id| caller.contact.as_ref().is_none_or(|contact| contact.id != **id)) {
            Some(id) => caller.prefer(|choice| choice.id == *id),
            None => caller,
        }
    }

    /// Makes the candidate that fits the caller; all stay to choose from.
    #[must_use]
    pub fn prefer(mut self, fits: impl Fn(&Named) -> bool) -> Self {
        let found = self.candidates.iter().find(|choice| fits(&choice.contact)).cloned();
        if let Some(Choice { contact, name, company, link, email, rung, guess }) = found {
            (self.contact, self.name, self.company) = (Some(contact), name, company);
            (self.link, self.email, self.rung, self.guess) = (link, email, rung, guess);
        }
        self
    }

    /// What is known after this lookup of a call whose caller was `before`: what an agent has said stays, also when a
    /// source that was asked earlier answers later.
    #[must_use]
    pub(super) fn after(self, before: Option<Self>) -> Self {
        let Some(before) = before.filter(|before| before.by_agent && !self.by_agent) else { return self };
        let found = self.prefer(|contact| before.contact.as_ref() == Some(contact));
        let fits = before.contact.is_none() && !found.is_nobody()
            || before.contact.is_some() && found.contact == before.contact;
        let told = if fits { found } else { Self { incomplete: found.incomplete, ..before } };
        Self { by_agent: true, ..told }
    }

    /// Whether this candidate is a guess beside one who is certain.
    pub(super) fn is_weaker(&self, contact: &ContactRef) -> bool {
        let is_guess = self.candidates.iter().any(|choice| choice.guess && choice.contact.to_ref() == *contact);
        is_guess && self.candidates.iter().any(|choice| !choice.guess)
    }

    /// Whether nobody is known.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.contact.is_none() && self.name.is_none() && self.candidates.is_empty()
    }
}

fn choices(project: &Project, explanation: &Explanation) -> Vec<Choice> {
    let found = explanation.candidates().into_iter().take(MOST_CANDIDATES);
    let choice = |candidate: crate::lookup::merge::Candidate| {
        let contact = &candidate.hit.contact;
        let text = |field| contact.get(field).map(str::to_owned);
        let answer = explanation.answer_for(project, &candidate).caller_data;
        Choice {
            contact: Named { source: candidate.source.to_string(), id: contact.id.to_string() },
            name: answer.name.clone().or_else(|| text(Field::Name)),
            company: text(Field::Company),
            link: answer.backend_link.clone(),
            email: text(Field::Email),
            rung: Some(candidate.hit.rung.as_str().to_owned()),
            guess: !candidate.hit.rung.is_certain(),
        }
    };
    found.map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_preferred_keeps_nothing_of_whom_he_replaces() {
        let named = |id: &str| Named { source: "customers".into(), id: id.into() };
        let choice = |id: &str, email: Option<&str>| Choice {
            contact: named(id),
            name: Some(format!("name {id}")),
            company: None,
            link: None,
            email: email.map(str::to_owned),
            rung: Some(if id == "3" { "alias" } else { "exact" }.to_owned()),
            guess: id == "3",
        };
        let ana = Caller {
            contact: Some(named("1")),
            name: Some("Ana".into()),
            company: Some("Acme".into()),
            link: Some("https://crm.example.com/1".into()),
            email: Some("ana@example.com".into()),
            rung: Some("alternate".into()),
            candidates: vec![choice("1", Some("ana@example.com")), choice("2", None), choice("3", Some("eva@x.ro"))],
            ..Caller::default()
        };
        let of = |id: &str| {
            let caller = ana.clone().prefer(|contact| contact.id == id);
            (caller.contact, caller.name, caller.company, caller.link, caller.email)
        };
        assert_eq!(of("2"), (Some(named("2")), Some("name 2".into()), None, None, None));
        assert_eq!(of("3").4.as_deref(), Some("eva@x.ro"));
        assert_eq!(of("9").4, ana.email, "nobody of this id may be calling");
        let how = |id: &str| {
            let caller = ana.clone().prefer(|contact| contact.id == id);
            (caller.rung, caller.guess)
        };
        assert_eq!(how("2"), (Some("exact".into()), false));
        assert_eq!(how("3"), (Some("alias".into()), true));
        assert_eq!(how("9"), (Some("alternate".into()), false));
    }
}
