//! What the parameters of a Salesforce source mean.
//!
//! `username`, `password`, `token`, `contact_url`, `custom_url` and `webservices` are those of the PBX. Salesforce ends
//! logins by SOAP, for which the first three stand, with its release Summer '27; the others are for OAuth.

use url::Url;

use super::link::Links;
use crate::config::{self, Complaint, Param, Params, nearest};
use crate::soap::is_name;

/// Where to log in, when `url` does not say.
const LOGIN: &str = "https://login.salesforce.com";
/// The hosts that are no company's own.
const SHARED_HOSTS: [&str; 2] = ["login.salesforce.com", "test.salesforce.com"];
/// The version of the interface that is spoken.
const VERSION: u32 = 59;
/// The last version that knows a login by SOAP.
const LAST_WITH_LOGIN: u32 = 64;
/// The versions that are accepted; older ones have been switched off.
const VERSIONS: std::ops::RangeInclusive<u32> = 37..=99;

/// What `webservices[send_call]` may say.
const OF_CLASS: [&str; 3] = ["xml", "method", "arguments"];

const KNOWN: [&str; 13] = [
    "username",
    "password",
    "token",
    "contact_url",
    "custom_url",
    "webservices",
    "version",
    "client_id",
    "client_secret",
    "private_key",
    "audience",
    "direct_line",
    "task_owner",
];

/// The settings of a source.
pub(super) struct Settings {
    /// The host to log in to.
    pub(super) login: Url,
    /// The version of the interface, such as `59.0`.
    pub(super) version: String,
    /// How to log in.
    pub(super) access: Credentials,
    /// The pages to open.
    pub(super) links: Links,
    /// What `direct_line` becomes, with `{extension}` of the owner.
    pub(super) direct_line: Option<String>,
    /// Whether a task of a call without a known agent belongs to the owner of the contact.
    pub(super) owner_of_contact: bool,
    /// The Apex class that calls are sent to.
    pub(super) class: Option<ClassSettings>,
}

/// How to log in. It holds secrets, so it is not printed.
#[derive(Clone)]
pub(super) enum Credentials {
    /// By SOAP; the security token stands behind the password.
    Password { username: String, password: String },
    /// OAuth, client credentials.
    Secret { client: String, secret: String },
    /// OAuth, a signed assertion for a user. The key is PEM, or the path of a file.
    Key { client: String, username: String, key: String, audience: Option<String> },
}

/// The Apex class that calls are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClassSettings {
    /// Its name; its WSDL is the file of that name.
    pub(super) name: String,
    /// The method that is called.
    pub(super) method: String,
    /// What its arguments are, by name, in order; empty leaves it to the WSDL.
    pub(super) arguments: Vec<(String, String)>,
}

/// Reads the settings, with everything that is wrong with them.
pub(super) fn read(source: &config::Source) -> (Option<Settings>, Vec<Complaint>) {
    let mut reader = Reader { params: &source.params, complaints: Vec::new() };
    reader.refuse_unknown();
    let settings = reader.settings(source);
    let is_wrong = reader.complaints.iter().any(|complaint| !complaint.is_warning);
    (settings.filter(|_| !is_wrong), reader.complaints)
}

struct Reader<'a> {
    params: &'a Params,
    complaints: Vec<Complaint>,
}

impl Reader<'_> {
    fn settings(&mut self, source: &config::Source) -> Option<Settings> {
        let login = self.login(source);
        let version = self.version();
        let access = self.access(version, login.as_ref());
        let class = self.class();
        let links = Links { contact: self.text("contact_url"), custom: self.text("custom_url") };
        let direct_line = self.text("direct_line");
        if direct_line.as_ref().is_some_and(|line| !line.contains("{extension}")) {
            self.complain("direct_line has no {extension}; expected such as direct_line=SIP/{extension}");
        }
        let version = format!("{version}.0");
        let owner_of_contact = self.owner_of_contact();
        Some(Settings { login: login?, version, access: access?, links, direct_line, owner_of_contact, class })
    }

    fn owner_of_contact(&mut self) -> bool {
        let written = self.text("task_owner");
        if !matches!(written.as_deref(), None | Some("agent" | "contact")) {
            self.complain("task_owner is neither agent nor contact");
        }
        written.as_deref() == Some("contact")
    }

    fn text(&self, name: &str) -> Option<String> {
        self.params.text(&[name]).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn complain(&mut self, message: impl Into<String>) {
        self.complaints.push(Complaint::mistake(Some("params"), message));
    }

    /// Refuses what nothing reads, at every depth: a slip in `webservices[send_call][xml]` would lose every call in silence.
    fn refuse_unknown(&mut self) {
        let params = self.params;
        self.refuse_unknown_in("", Some(params), &KNOWN);
        self.refuse_unknown_in("webservices", params.inner(&["webservices"]), &["send_call"]);
        self.refuse_unknown_in("webservices[send_call]", params.inner(&["webservices", "send_call"]), &OF_CLASS);
        for name in KNOWN.iter().filter(|name| **name != "webservices" && params.inner(&[*name]).is_some()) {
            self.complain(format!("{name} is a list or a table; expected a text"));
        }
    }

    fn refuse_unknown_in(&mut self, table: &str, params: Option<&Params>, known: &[&str]) {
        let written = |name: &str| if table.is_empty() { name.to_owned() } else { format!("{table}[{name}]") };
        for (name, _) in params.into_iter().flat_map(Params::iter) {
            let name = name.to_string();
            if known.contains(&name.as_str()) {
                continue;
            }
            let all = || known.iter().map(|name| written(name)).collect::<Vec<_>>().join(", ");
            self.complain(match nearest(&name, known.iter().copied()) {
                Some(near) => format!("there is no parameter {}; did you mean {}?", written(&name), written(near)),
                None => format!("there is no parameter {}; there are {}", written(&name), all()),
            });
        }
    }

    fn login(&mut self, source: &config::Source) -> Option<Url> {
        let written = source.url.as_ref().map_or(LOGIN, |url| url.reveal());
        match Url::parse(written) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Some(url),
            _ => {
                let message = format!("url is no address; expected the host to log in to, such as \"{LOGIN}\"");
                self.complaints.push(Complaint::mistake(Some("url"), message));
                None
            }
        }
    }

    fn version(&mut self) -> u32 {
        let Some(written) = self.text("version") else { return VERSION };
        let number = written.strip_suffix(".0").unwrap_or(&written).parse().ok();
        number.filter(|number| VERSIONS.contains(number)).unwrap_or_else(|| {
            let (first, last) = (VERSIONS.start(), VERSIONS.end());
            self.complain(format!("version is \"{written}\"; expected {first}.0 to {last}.0, such as {VERSION}.0"));
            VERSION
        })
    }

    fn access(&mut self, version: u32, login: Option<&Url>) -> Option<Credentials> {
        let (username, client) = (self.text("username"), self.text("client_id"));
        match (client, self.text("client_secret"), self.text("private_key")) {
            (Some(client), Some(secret), None) => {
                if login.and_then(Url::host_str).is_some_and(|host| SHARED_HOSTS.contains(&host)) {
                    let message = "with client_secret url has to be the company's own host, such as \
                                   \"https://acme.my.salesforce.com\"";
                    self.complaints.push(Complaint::mistake(Some("url"), message));
                }
                Some(Credentials::Secret { client, secret })
            }
            (Some(client), None, Some(key)) => {
                let audience = self.text("audience");
                if username.is_none() {
                    self.complain("username is missing: with private_key calldex logs in as a user");
                }
                username.map(|username| Credentials::Key { client, username, key, audience })
            }
            (None, None, None) => self.password(username, version),
            _ => {
                self.complain("expected client_id with either client_secret or private_key");
                None
            }
        }
    }

    fn password(&mut self, username: Option<String>, version: u32) -> Option<Credentials> {
        let (Some(username), Some(password)) = (username, self.text("password")) else {
            self.complain(
                "expected username and password (with token), or client_id with client_secret or private_key",
            );
            return None;
        };
        if version > LAST_WITH_LOGIN {
            self.complain(format!(
                "version is {version}.0, which knows no login with a password; expected {LAST_WITH_LOGIN}.0 at most"
            ));
        }
        let warning = "logging in with a password (by SOAP) ends with Salesforce's release Summer '27, announced for \
                       1 June 2027; create an app for OAuth and write client_id with client_secret or private_key";
        self.complaints.push(Complaint::warning(Some("params"), warning));
        let password = password + &self.text("token").unwrap_or_default();
        Some(Credentials::Password { username, password })
    }

    fn class(&mut self) -> Option<ClassSettings> {
        let call = self.params.inner(&["webservices", "send_call"])?;
        let (name, method) = (call.text(&["xml"]).unwrap_or_default(), call.text(&["method"]).unwrap_or_default());
        let name = name.strip_suffix(".xml").or_else(|| name.strip_suffix(".wsdl")).unwrap_or(name);
        if name.is_empty() && method.is_empty() {
            return None;
        }
        if !name.split('/').all(is_name) || !is_name(method) {
            self.complain(
                "webservices[send_call] has to name an Apex class (xml, the name of its WSDL file) and its method",
            );
            return None;
        }
        let arguments = call.inner(&["arguments"]).into_iter().flat_map(Params::iter).filter_map(|(name, param)| {
            let Param::Text(field) = param else { return None };
            Some((name.to_string(), field.reveal().to_owned()))
        });
        let arguments: Vec<(String, String)> = arguments.collect();
        for (argument, field) in &arguments {
            if !is_name(argument) || !super::class::FIELDS.contains(&field.as_str()) {
                let fields = super::class::FIELDS.join(", ");
                self.complain(format!(
                    "webservices[send_call][arguments][{argument}] is no field of a call; there are {fields}"
                ));
            }
        }
        Some(ClassSettings { name: name.to_owned(), method: method.to_owned(), arguments })
    }
}

#[cfg(test)]
mod tests;
