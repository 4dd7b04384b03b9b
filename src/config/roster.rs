//! The agents that the projects of one file may name, and how they are found.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::agent::Agent;
use super::owner::plain_owner;

/// The agents that the projects of one file may name: its own, and those that the main file shares.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Roster {
    by_name: BTreeMap<Arc<str>, Arc<str>>,
    by_owner: HashMap<Arc<str>, HashMap<String, Arc<str>>>,
    by_email: HashMap<String, Arc<str>>,
    /// By user name and extension, in lower case.
    at_pbx: HashMap<String, Arc<str>>,
}

impl Roster {
    /// Puts agents together; of two with one name or one id the one that comes first counts.
    pub(crate) fn of<'a>(agents: impl Iterator<Item = &'a Agent>) -> Self {
        let (mut roster, mut extensions) = (Self::default(), Vec::new());
        for agent in agents {
            if roster.by_name.contains_key(&agent.name) {
                continue;
            }
            let name = &agent.name;
            roster.by_name.insert(Arc::clone(name), Arc::clone(name));
            for (source, id) in &agent.owner {
                let ids = roster.by_owner.entry(Arc::clone(source)).or_default();
                ids.entry(plain_owner(id).to_owned()).or_insert_with(|| Arc::clone(name));
            }
            if let Some(extension) = &agent.extension {
                extensions.push((extension.to_lowercase(), Arc::clone(name)));
            }
            if let Some(email) = &agent.email {
                roster.by_email.entry(email.clone()).or_insert_with(|| Arc::clone(name));
            }
        }
        roster.name_at_pbx(&extensions);
        roster
    }

    /// An extension that is also somebody's name means the one of that name.
    fn name_at_pbx(&mut self, extensions: &[(String, Arc<str>)]) {
        self.at_pbx = self.by_name.keys().map(|name| (name.to_lowercase(), Arc::clone(name))).collect();
        for (extension, name) in extensions {
            self.at_pbx.entry(extension.clone()).or_insert_with(|| Arc::clone(name));
        }
    }

    /// The agent whom the PBX calls this, by user name or extension; `key` is in lower case.
    #[must_use]
    pub fn at_pbx(&self, key: &str) -> Option<&Arc<str>> {
        self.at_pbx.get(key)
    }

    /// The agent of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<str>> {
        self.by_name.get(name)
    }

    /// The agent whom a source calls this: by his id there, or by his e-mail address.
    #[must_use]
    pub fn owner(&self, source: &str, owner: &str) -> Option<&Arc<str>> {
        let by_id = self.by_owner.get(source).and_then(|ids| ids.get(plain_owner(owner)));
        by_id.or_else(|| owner.contains('@').then(|| self.by_email.get(&owner.trim().to_lowercase()))?)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(AsRef::as_ref)
    }

    /// Says whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str, email: &str, owner: (&str, &str)) -> Agent {
        Agent {
            name: name.into(),
            extension: None,
            email: Some(email.to_owned()),
            owner: [(owner.0.into(), owner.1.to_owned())].into(),
            shared: false,
        }
    }

    #[test]
    fn an_owner_is_found_by_his_id_in_that_source_only_or_by_his_address() {
        let agents = [agent("ion", "ion@acme.ro", ("crm", "7")), agent("ana", "ana@acme.ro", ("helpdesk", "7"))];
        let roster = Roster::of(agents.iter());
        let owner = |source, id| roster.owner(source, id).map(AsRef::as_ref);
        assert_eq!((owner("crm", "7"), owner("helpdesk", "7"), owner("book", "7")), (Some("ion"), Some("ana"), None));
        assert_eq!(owner("book", " ION@acme.ro"), Some("ion"));
        assert_eq!(roster.named("ana").map(AsRef::as_ref), Some("ana"));
    }

    #[test]
    fn an_owner_of_salesforce_is_found_by_his_short_id_and_by_his_long_one() {
        for known in ["001D000000IqhSL", "001D000000IqhSLIAZ"] {
            let roster = Roster::of([agent("ion", "ion@acme.ro", ("crm", known))].iter());
            for (id, is_his) in [
                ("001D000000IqhSLIAZ", true),
                ("001D000000IqhSL", true),
                ("001D000000IqhSLIAA", false),
                ("001D000000iqhSL", false),
                ("001D000000IqhS", false),
            ] {
                assert_eq!(roster.owner("crm", id).is_some(), is_his, "{known}, {id}");
            }
        }
    }

    #[test]
    fn the_pbx_may_name_an_agent_by_his_extension_unless_that_is_the_name_of_another() {
        let with_extension = |name: &str, extension: &str| Agent {
            extension: Some(extension.to_owned()),
            ..agent(name, "a@b.ro", ("crm", "1"))
        };
        let roster = Roster::of([with_extension("Ion", "101"), with_extension("102", "Ion")].iter());
        let named = |key| roster.at_pbx(key).map(AsRef::as_ref);
        assert_eq!(
            (named("ion"), named("101"), named("102"), named("103")),
            (Some("Ion"), Some("Ion"), Some("102"), None)
        );
    }

    #[test]
    fn an_agent_of_the_file_stands_before_a_shared_one_of_the_same_name() {
        let agents = [agent("ion", "own@acme.ro", ("crm", "1")), agent("ion", "shared@acme.ro", ("crm", "2"))];
        let roster = Roster::of(agents.iter());
        assert!(roster.owner("crm", "1").is_some() && roster.owner("crm", "2").is_none());
    }
}
