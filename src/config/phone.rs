//! Profiles for what shows a caller's name: `phone = "freeswitch"` instead of four keys that have to be known.

use super::reply::Format;

/// What a telephone or the PBX before it takes. The default is what JSON clients take: everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Phone {
    pub(crate) format: Format,
    pub(crate) name_length: Option<usize>,
    pub(crate) name_ascii: bool,
    pub(crate) name_sip_safe: bool,
}

const TEXT: Phone = Phone { format: Format::Text, name_length: None, name_ascii: false, name_sip_safe: false };

/// The profiles by their names.
///
/// FreePBX's CallerID Lookup shows any text whole; its Superfecta takes at most 60 characters, as Latin-1 without accents.
/// FreeSWITCH's mod_cidlookup takes `: / @ " \ %` for syntax. CNAM is the name service of American networks.
pub(crate) const PHONES: [(&str, Phone); 4] = [
    ("freepbx", TEXT),
    ("superfecta", Phone { name_length: Some(60), name_ascii: true, ..TEXT }),
    ("freeswitch", Phone { name_sip_safe: true, ..TEXT }),
    ("cnam", Phone { name_length: Some(15), name_ascii: true, ..TEXT }),
];

impl Phone {
    /// The profile of a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        PHONES.into_iter().find_map(|(known, phone)| (known == name).then_some(phone))
    }

    /// What the profile makes of a key's default, as TOML; `None` where it changes nothing.
    pub(crate) fn default_of(&self, key: &str) -> Option<String> {
        match key {
            "format" if self.format == Format::Text => Some("\"text\"".to_owned()),
            "name_length" => self.name_length.map(|length| length.to_string()),
            "name_ascii" => self.name_ascii.then(|| "true".to_owned()),
            "name_sip_safe" => self.name_sip_safe.then(|| "true".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Format, Reply, load_text};

    fn reply(keys: &str) -> Reply {
        let text =
            format!("[directory.d]\n[project.p]\ncountry = \"RO\"\nallow = [\"192.0.2.1\"]\nsources = [\"d\"]\n{keys}");
        load_text(&text, &|_| None).unwrap().projects["p"].reply.clone()
    }

    #[test]
    fn a_profile_stands_in_for_the_keys_that_are_not_set() {
        let plain = reply("");
        assert_eq!(
            (plain.format, plain.name_length, plain.name_ascii, plain.name_sip_safe),
            (Format::Json, None, false, false)
        );
        let freeswitch = reply("phone = \"freeswitch\"");
        assert_eq!((freeswitch.format, freeswitch.name_sip_safe), (Format::Text, true));
        let mixed = reply("phone = \"superfecta\"\nname_length = 20\nname_ascii = false\nformat = \"json\"");
        assert_eq!((mixed.format, mixed.name_length, mixed.name_ascii), (Format::Json, Some(20), false));
    }
}
