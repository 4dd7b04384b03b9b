//! Of all contacts that were found, who is the caller?
//!
//! Pure: the same candidates give the same person, whatever order they arrived in. Certain hits come before guesses,
//! then the order of the sources decides, then the rung. Several different contacts on the winning place are settled by
//! a flag or a common company, or only a name is shown. Routing by chance would be worse than no routing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Guesses;
use crate::directory::Hit;
use crate::model::{Contact, ContactId, ContactRef, Field};
use crate::number::ladder::Rung;

/// A contact that some source has for the caller.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Name of the source.
    pub source: Arc<str>,
    /// Its place in the project's order, from 0.
    pub place: usize,
    /// The contact and its rung.
    pub hit: Hit,
}

/// The person that the answer speaks of.
#[derive(Debug, Clone)]
pub struct Person {
    /// The one contact, when there is exactly one that may be meant.
    pub contact: Option<ContactRef>,
    /// Its fields as far as they may be used.
    pub known: Arc<Contact>,
    /// The same contact as its source has it, when it may be used whole: its owner is an id of that source.
    pub whole: Option<Arc<Contact>>,
    /// The rung on which it was found.
    pub rung: Rung,
    /// Name of the source.
    pub source: Arc<str>,
    /// How the choice was made, in words for the explanation.
    pub choice: Choice,
    /// Whether its fields may steer the call, not only name the caller.
    pub steers: bool,
}

/// How one person was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// There was only one.
    Only,
    /// An agent picked it for this number, of several.
    Picked,
    /// It is flagged as the primary one of those who share the number.
    Primary,
    /// Several share the number and the company; only what all agree on is used.
    Company,
    /// Several share the number; the newest lends its name, and what all agree on is used.
    Newest,
}

impl Choice {
    /// For the explanation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Only => "the only contact on this place",
            Self::Picked => "picked by an agent for this number, among several contacts",
            Self::Primary => "flagged primary among several contacts",
            Self::Company => "several contacts of one company: its name, and what all agree on",
            Self::Newest => "several contacts: the newest one's name, and what all agree on",
        }
    }
}

/// The fields that steer a call or open a page.
const STEERING: [Field; 7] = [
    Field::BackendLink,
    Field::DirectLine,
    Field::QueuePosition,
    Field::RouteIdentifier,
    Field::OutboundNumber,
    Field::Language,
    Field::ExternalId,
];

/// The fields that a later source may fill for the same person.
const DESCRIPTIVE: [Field; 4] = [Field::Name, Field::Company, Field::Email, Field::Owner];

/// Chooses the person, or `None` when there is no candidate. `picked` is whom an agent took the caller for before: he
/// counts before the order of the sources, but a guess stays behind what is certain.
#[must_use]
pub fn choose(candidates: &[Candidate], picked: Option<&ContactRef>, guesses: Guesses, fill: bool) -> Option<Person> {
    let best = candidates.iter().map(rank).min()?;
    let mut person = match picked.and_then(|picked| find_picked(candidates, picked, best.0)) {
        Some(picked) => whole(picked, Choice::Picked),
        None => {
            let winners: Vec<&Candidate> = candidates.iter().filter(|candidate| rank(candidate) == best).collect();
            settle(&winners, &distinct(&winners))
        }
    };
    person.steers = may_steer(person.rung, guesses);
    restrict_a_guess(&mut person);
    // Whom an agent has picked he has told from the others; what they say may be about somebody else.
    let is_told_apart = person.choice == Choice::Picked;
    if fill && !is_told_apart && person.rung.is_certain() && person.contact.is_some() {
        fill_from_others(&mut person, candidates);
    }
    Some(person)
}

/// Says whether these hits name exactly one certain person, so that no later source has to be waited for.
#[must_use]
pub fn settles(hits: &[Hit]) -> bool {
    let certain = || hits.iter().filter(|hit| hit.rung.is_certain());
    let Some(first) = certain().next() else { return false };
    certain().all(|hit| hit.contact.id == first.contact.id) || primary(certain()).is_some()
}

/// The one who is flagged as the primary one of those who share a number. Where two readings of a number have found
/// people, they share none, and the flag says nothing about those of the other reading.
fn primary<'a>(hits: impl Iterator<Item = &'a Hit> + Clone) -> Option<&'a Hit> {
    let mut readings = hits.clone().map(|hit| hit.rung == Rung::Alternate);
    let first = readings.next()?;
    let mut primaries = hits.filter(|hit| hit.contact.primary);
    let only = primaries.next().filter(|_| primaries.next().is_none());
    only.filter(|_| readings.all(|reading| reading == first))
}

/// Smaller wins: certain before guess, then the order of the sources, then the rung. The certain rungs are one class.
fn rank(candidate: &Candidate) -> (bool, usize, Option<Rung>) {
    let certain = candidate.hit.rung.is_certain();
    (!certain, candidate.place, (!certain).then_some(candidate.hit.rung))
}

/// The picked contact where it was found best, when there are others beside it and it is no worse a class than they are.
fn find_picked<'a>(candidates: &'a [Candidate], picked: &ContactRef, is_guess: bool) -> Option<&'a Candidate> {
    let is_picked = |it: &&Candidate| it.source == picked.source && it.hit.contact.id == picked.id;
    candidates.iter().find(|it| !is_picked(it))?;
    candidates.iter().filter(is_picked).min_by_key(|it| rank(it)).filter(|it| rank(it).0 == is_guess)
}

/// The different contacts among the winners, in a fixed order.
fn distinct<'a>(winners: &[&'a Candidate]) -> Vec<&'a Candidate> {
    if let [only] = winners {
        return vec![only];
    }
    let mut by_id: BTreeMap<&ContactId, &Candidate> = BTreeMap::new();
    for &winner in winners {
        let kept = by_id.entry(&winner.hit.contact.id).or_insert(winner);
        if winner.hit.rung < kept.hit.rung {
            *kept = winner;
        }
    }
    by_id.into_values().collect()
}

fn settle(winners: &[&Candidate], contacts: &[&Candidate]) -> Person {
    if let [only] = contacts {
        return whole(only, Choice::Only);
    }
    let flagged = primary(contacts.iter().map(|it| &it.hit)).map(|hit| &hit.contact.id);
    match contacts.iter().find(|it| Some(&it.hit.contact.id) == flagged) {
        Some(primary) => whole(primary, Choice::Primary),
        None => common(winners, contacts),
    }
}

fn whole(candidate: &Candidate, choice: Choice) -> Person {
    let contact = &candidate.hit.contact;
    Person {
        contact: Some(ContactRef { source: Arc::clone(&candidate.source), id: contact.id.clone() }),
        known: Arc::clone(contact),
        whole: Some(Arc::clone(contact)),
        rung: candidate.hit.rung,
        source: Arc::clone(&candidate.source),
        choice,
        steers: false,
    }
}

/// What several different contacts have in common: no id, a name, and the steering fields on which all agree.
fn common(winners: &[&Candidate], contacts: &[&Candidate]) -> Person {
    let first = contacts[0];
    let agreed = |field: Field| {
        let value = first.hit.contact.get(field)?;
        contacts.iter().all(|it| it.hit.contact.get(field) == Some(value)).then(|| value.to_owned())
    };
    let mut known = Contact::default();
    let company = agreed(Field::Company);
    let choice = if company.is_some() { Choice::Company } else { Choice::Newest };
    let newest = contacts.iter().max_by_key(|it| (it.hit.contact.updated, std::cmp::Reverse(&it.hit.contact.id)));
    let name = company.clone().or_else(|| newest?.hit.contact.get(Field::Name).map(str::to_owned));
    known.set(Field::Name, name.unwrap_or_default());
    known.set(Field::Company, company.unwrap_or_default());
    for field in STEERING {
        known.set(field, agreed(field).unwrap_or_default());
    }
    let rung = winners.iter().map(|it| it.hit.rung).min().unwrap_or(first.hit.rung);
    let source = Arc::clone(&first.source);
    Person { contact: None, known: Arc::new(known), whole: None, rung, source, choice, steers: false }
}

/// What a rung may drive, as the ladder in the documentation says.
fn may_steer(rung: Rung, guesses: Guesses) -> bool {
    match rung {
        Rung::Exact | Rung::Alternate | Rung::Asserted | Rung::Local => true,
        Rung::Alias => guesses.alias_steers,
        Rung::Block => guesses.block_steers,
        Rung::Tail => false,
    }
}

/// Takes away what a guess must not show: a block names the company (and steers with it where the project says so), a
/// tail is only a name with a question mark.
fn restrict_a_guess(person: &mut Person) {
    let fields = &person.known.fields;
    let name = fields.get(&Field::Name).cloned();
    match person.rung {
        Rung::Block => {
            let company = fields.get(&Field::Company).cloned().or(name).unwrap_or_default();
            let mut known = if person.steers { (*person.known).clone() } else { Contact::default() };
            known.set(Field::Name, company);
            person.known = Arc::new(known);
            person.contact = person.contact.take().filter(|_| person.steers);
            person.whole = person.whole.take().filter(|_| person.steers);
        }
        Rung::Tail => {
            let mut known = Contact::default();
            known.set(Field::Name, name.map(|name| format!("{name} ?")).unwrap_or_default());
            person.known = Arc::new(known);
            person.contact = None;
            person.whole = None;
        }
        _ => {}
    }
}

/// Fills empty descriptive fields from the certain, unambiguous answers of the other sources, in their order.
fn fill_from_others(person: &mut Person, candidates: &[Candidate]) {
    let mut places: Vec<usize> = candidates.iter().map(|it| it.place).collect();
    places.sort_unstable();
    places.dedup();
    let mut known = (*person.known).clone();
    for place in places {
        let of_place: Vec<&Candidate> =
            candidates.iter().filter(|it| it.place == place && it.hit.rung.is_certain()).collect();
        let [only] = distinct(&of_place)[..] else { continue };
        for field in DESCRIPTIVE {
            if let (None, Some(value)) = (known.get(field), only.hit.contact.get(field)) {
                known.set(field, value);
            }
        }
    }
    person.known = Arc::new(known);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(id: u32, fields: &[(Field, &str)]) -> Contact {
        let mut contact = Contact { id: ContactId::Integer(id), ..Contact::default() };
        for (field, value) in fields {
            contact.set(*field, *value);
        }
        contact
    }

    fn candidate(place: usize, rung: Rung, contact: Contact) -> Candidate {
        let hit = Hit { contact: Arc::new(contact), rung };
        Candidate { source: format!("source{place}").into(), place, hit }
    }

    fn chosen(candidates: &[Candidate]) -> Person {
        choose(candidates, None, Guesses::default(), false).unwrap()
    }

    #[test]
    fn nobody_is_chosen_from_nothing() {
        assert!(choose(&[], None, Guesses::default(), true).is_none());
    }

    #[test]
    fn the_order_of_the_sources_decides_and_not_the_order_of_arrival() {
        let mut candidates = vec![
            candidate(1, Rung::Exact, contact(2, &[(Field::Name, "CRM")])),
            candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Directory")])),
        ];
        assert_eq!(chosen(&candidates).known.get(Field::Name), Some("Directory"));
        candidates.reverse();
        assert_eq!(chosen(&candidates).known.get(Field::Name), Some("Directory"));
    }

    #[test]
    fn a_certain_hit_of_a_later_source_beats_a_guess_of_an_earlier_one() {
        let candidates = [
            candidate(0, Rung::Block, contact(1, &[(Field::Name, "Acme")])),
            candidate(1, Rung::Exact, contact(2, &[(Field::Name, "Ana")])),
        ];
        assert_eq!(chosen(&candidates).known.get(Field::Name), Some("Ana"));
    }

    #[test]
    fn several_contacts_lend_only_what_they_agree_on() {
        let candidates = [
            candidate(
                0,
                Rung::Exact,
                contact(
                    1,
                    &[(Field::Name, "Ana"), (Field::DirectLine, "SIP/ion"), (Field::BackendLink, "https://a/1")],
                ),
            ),
            candidate(
                0,
                Rung::Exact,
                contact(
                    2,
                    &[(Field::Name, "Dan"), (Field::DirectLine, "SIP/ion"), (Field::BackendLink, "https://a/2")],
                ),
            ),
        ];
        let person = chosen(&candidates);
        assert_eq!(person.contact, None);
        assert_eq!(person.choice, Choice::Newest);
        assert_eq!(person.known.get(Field::Name), Some("Ana"), "equally old: the lower id, for ever");
        assert_eq!(person.known.get(Field::DirectLine), Some("SIP/ion"));
        assert_eq!(person.known.get(Field::BackendLink), None);
    }

    #[test]
    fn the_newest_of_several_contacts_lends_its_name() {
        let newer = Contact { updated: 5, ..contact(2, &[(Field::Name, "Dan")]) };
        let candidates =
            [candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana")])), candidate(0, Rung::Exact, newer)];
        assert_eq!(chosen(&candidates).known.get(Field::Name), Some("Dan"));
    }

    #[test]
    fn colleagues_who_share_a_switchboard_are_their_company() {
        let candidates = [
            candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana"), (Field::Company, "Acme")])),
            candidate(0, Rung::Exact, contact(2, &[(Field::Name, "Dan"), (Field::Company, "Acme")])),
        ];
        let person = chosen(&candidates);
        assert_eq!(person.known.get(Field::Name), Some("Acme"));
        assert_eq!((person.choice, person.contact), (Choice::Company, None));
    }

    #[test]
    fn a_primary_contact_speaks_for_all() {
        let primary = Contact { primary: true, ..contact(2, &[(Field::Name, "Dan"), (Field::QueuePosition, "5")]) };
        let candidates =
            [candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana")])), candidate(0, Rung::Exact, primary)];
        let person = chosen(&candidates);
        assert_eq!(person.contact.unwrap().id, ContactId::Integer(2));
        assert_eq!(person.choice, Choice::Primary);
    }

    #[test]
    fn whom_an_agent_has_picked_is_meant_while_there_is_a_choice() {
        let picked =
            |place: usize, id: u32| ContactRef { source: format!("source{place}").into(), id: ContactId::Integer(id) };
        let choose = |candidates: &[Candidate], picked: ContactRef| {
            super::choose(candidates, Some(&picked), Guesses::default(), false).unwrap()
        };
        let primary = Contact { primary: true, ..contact(1, &[(Field::Name, "Ana")]) };
        let crm = candidate(1, Rung::Alternate, contact(9, &[(Field::Name, "CRM"), (Field::DirectLine, "SIP/x")]));
        let mut all = vec![
            candidate(0, Rung::Exact, primary),
            candidate(0, Rung::Exact, contact(2, &[(Field::Name, "Dan")])),
            crm,
            candidate(2, Rung::Alias, contact(5, &[(Field::Name, "Guess")])),
        ];
        for _ in 0..2 {
            for (place, id, name) in [(0, 2, "Dan"), (0, 1, "Ana"), (1, 9, "CRM")] {
                let person = choose(&all, picked(place, id));
                assert_eq!((person.known.get(Field::Name), person.choice), (Some(name), Choice::Picked));
                assert!(person.steers && person.contact == Some(picked(place, id)));
            }
            all.reverse();
        }
        // A guess, and whoever is not among them, change nothing.
        for gone in [picked(2, 5), picked(0, 77), picked(1, 2)] {
            assert_eq!(choose(&all, gone).choice, Choice::Primary);
        }
        let only = [candidate(0, Rung::Exact, contact(2, &[]))];
        assert_eq!(choose(&only, picked(0, 2)).choice, Choice::Only);
    }

    #[test]
    fn two_readings_that_find_two_people_do_not_route() {
        let candidates = [
            candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana"), (Field::DirectLine, "SIP/ana")])),
            candidate(0, Rung::Alternate, contact(2, &[(Field::Name, "Dan"), (Field::DirectLine, "SIP/dan")])),
        ];
        let person = chosen(&candidates);
        assert_eq!(person.contact, None);
        assert_eq!(person.known.get(Field::DirectLine), None);
    }

    #[test]
    fn primary_among_those_of_one_reading_says_nothing_about_the_other_reading() {
        let primary = Contact { primary: true, ..contact(2, &[(Field::Name, "Dan"), (Field::DirectLine, "SIP/dan")]) };
        let candidates = [
            candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana"), (Field::DirectLine, "SIP/ana")])),
            candidate(0, Rung::Alternate, primary),
        ];
        let person = chosen(&candidates);
        assert_eq!((person.contact, person.known.get(Field::DirectLine)), (None, None));
        assert!(!settles(&candidates.map(|it| it.hit)), "a later source may know better");
    }

    #[test]
    fn a_guess_steers_only_where_the_project_says_so() {
        let candidates =
            [candidate(0, Rung::Alias, contact(1, &[(Field::Name, "Ana"), (Field::DirectLine, "SIP/ion")]))];
        assert!(!chosen(&candidates).steers);
        let guesses = Guesses { alias_steers: true, ..Guesses::default() };
        assert!(choose(&candidates, None, guesses, false).unwrap().steers);
    }

    #[test]
    fn a_tail_is_a_name_with_a_question_mark_and_nothing_else() {
        let fields = [(Field::Name, "Ana"), (Field::BackendLink, "https://crm/1")];
        let person = chosen(&[candidate(0, Rung::Tail, contact(1, &fields))]);
        assert_eq!(person.known.get(Field::Name), Some("Ana ?"));
        assert_eq!(person.known.get(Field::BackendLink), None);
        assert_eq!(person.contact, None);
        assert!(!person.steers);
    }

    #[test]
    fn a_block_shows_the_company() {
        let fields = [(Field::Name, "Ana"), (Field::Company, "Acme")];
        assert_eq!(chosen(&[candidate(0, Rung::Block, contact(1, &fields))]).known.get(Field::Name), Some("Acme"));
    }

    #[test]
    fn later_sources_fill_what_describes_and_never_what_steers() {
        let candidates = [
            candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana")])),
            candidate(
                1,
                Rung::Exact,
                contact(9, &[(Field::Email, "ana@acme.ro"), (Field::DirectLine, "SIP/x"), (Field::Name, "Other")]),
            ),
        ];
        let person = choose(&candidates, None, Guesses::default(), true).unwrap();
        assert_eq!(person.known.get(Field::Email), Some("ana@acme.ro"));
        assert_eq!(person.known.get(Field::Name), Some("Ana"));
        assert_eq!(person.known.get(Field::DirectLine), None);
        assert_eq!(person.contact.unwrap().id, ContactId::Integer(1));
    }

    #[test]
    fn whom_an_agent_picked_gets_nothing_of_those_he_was_told_from() {
        let candidates = [
            candidate(0, Rung::Exact, contact(1, &[(Field::Name, "Ana"), (Field::Email, "ana@acme.ro")])),
            candidate(1, Rung::Exact, contact(9, &[(Field::Name, "Dan")])),
        ];
        let dan = ContactRef { source: Arc::clone(&candidates[1].source), id: ContactId::Integer(9) };
        let person = choose(&candidates, Some(&dan), Guesses::default(), true).unwrap();
        assert_eq!((person.known.get(Field::Name), person.known.get(Field::Email)), (Some("Dan"), None));
    }

    #[test]
    fn one_certain_person_settles_the_question_and_a_crowd_or_a_guess_does_not() {
        let hit = |id, rung| candidate(0, rung, contact(id, &[])).hit;
        assert!(settles(&[hit(1, Rung::Exact)]));
        assert!(settles(&[hit(1, Rung::Exact), hit(1, Rung::Alternate), hit(5, Rung::Alias)]));
        assert!(!settles(&[hit(1, Rung::Exact), hit(2, Rung::Exact)]));
        assert!(!settles(&[hit(1, Rung::Alias)]));
        assert!(!settles(&[]));
    }
}
