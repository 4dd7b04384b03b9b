//! What stands in a recipe file: the tables, their keys, and what each means.
//!
//! These types are the one description of the format. They read the files, the JSON Schema for editors is made from them,
//! and so is the reference, docs/recipes.md; the comments below are its text.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::number::Spelling;

/// One recipe: how contacts are found, and calls written down, in one CRM. No code, no loops, no includes: templates where
/// something is sent or shown, JMESPath where something is read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A recipe of calldex")]
pub struct RecipeFile {
    /// The version of this format; `1` without it.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1))]
    pub format: u32,
    /// The name of the CRM, for people.
    pub title: String,
    /// Where its interface is described.
    #[serde(default)]
    pub docs: Vec<String>,
    /// Most requests in a time that the CRM allows, such as `"50/1m"`; the key `rate` of a source raises or lowers it.
    pub rate: Option<String>,
    /// Most requests in a day (UTC).
    pub daily: Option<u32>,
    /// The spellings that `number` goes through, in order, until one finds the caller: `e164 digits double_zero dialled
    /// national national_formatted national_significant international`. With one request that carries several, use
    /// `forms.e164` and so on instead, and write `["e164"]`, as without it. National ones are left out for foreign numbers.
    #[serde(default = "international")]
    #[schemars(schema_with = "spellings")]
    pub forms: Vec<String>,
    /// Whether a contact counts only when one of its own numbers is the caller's. Switch it off only for a CRM that
    /// answers without numbers.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Which of several contacts is meant: conditions on `contact`, in order, such as `contact.number_label == 'mobile'`. Where
    /// some contacts fulfil one and others do not, only those that do are kept.
    #[serde(default)]
    pub prefer: Vec<String>,
    /// What an administrator has to fill in, by name. Names may be those of a parameter string of the PBX.
    #[serde(default)]
    pub param: BTreeMap<String, ParamTable>,
    /// Where the CRM is.
    #[serde(default)]
    pub http: HttpTable,
    /// How calldex proves who it is.
    #[serde(default)]
    pub auth: AuthTable,
    /// Requests that find contacts by number, tried in order for each spelling until one finds the caller.
    #[serde(default)]
    pub lookup: Vec<RequestTable>,
    /// What of a record becomes a contact: JMESPath by field. `id` is needed; `numbers` is a list such as `[phone, mobile]`, or
    /// names its numbers: `{mobile: mobile, work: phone}`, `phones[].{number: value, label: type}`. Known fields: `name
    /// first_name last_name company email owner backend_link direct_line queue_position route_identifier outbound_number
    /// language external_id updated primary`. Any other name is kept for rules and templates.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Further requests, in order, when exactly one contact was found: its company, an open deal. They never lose the caller:
    /// at the deadline he is answered without them.
    #[serde(default)]
    pub then: Vec<RequestTable>,
    /// Who the owner of a contact is: one request by `contact.owner`, whose `map` gives `email`, `name`, `extension`. The
    /// answer is remembered for an hour.
    pub users: Option<RequestTable>,
    /// Templates of the answer's fields: `name backend_link direct_line queue_position route_identifier outbound_number
    /// language external_id`. One that cannot be made leaves its field as mapped.
    #[serde(default)]
    pub out: BTreeMap<String, String>,
    /// Requests that write a finished call down, in order; those whose `when` does not hold are left out.
    #[serde(default)]
    pub log_call: Vec<RequestTable>,
    /// The request that makes a contact, from `new.number name company email`.
    pub create: Option<RequestTable>,
    /// The request that finds contacts by `search.text`; its records are mapped by `map`.
    pub search: Option<RequestTable>,
    /// What answers mean that a status alone does not say; the first rule that fits counts.
    #[serde(default)]
    pub error: Vec<ErrorTable>,
    /// What answers say about the requests that are left.
    #[serde(default)]
    pub budget: Vec<BudgetTable>,
    /// Recorded answers and what has to come of them; run by `calldex recipe test`, and before a recipe is used.
    #[serde(default)]
    pub test: Vec<TestTable>,
}

/// `[param.NAME]`: something that an administrator fills in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamTable {
    /// What it is, for people.
    pub title: String,
    /// A regular expression that the whole value has to match.
    pub pattern: Option<String>,
    /// The value where none is given; without a default the parameter is needed.
    pub default: Option<String>,
    /// The values to choose from.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether it is a credential: it can then stand neither in an address nor in what is shown.
    #[serde(default)]
    pub secret: bool,
    /// Whether it may stay empty without a default.
    #[serde(default)]
    pub optional: bool,
}

/// `[http]`: where the CRM is. The key `url` of a source takes the place of scheme, host and port of everything here.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpTable {
    /// The address that all paths begin with, a template such as `https://{{ param.domain }}.example.com`. Without it a
    /// source needs `url`. With a login it may be what that says, `{{ session.NAME }}`, together with `hosts`.
    pub base: Option<String>,
    /// Hosts that may be asked, such as `*.example.com`, checked after an address was made; templates. Without them only
    /// the host of `base`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Headers of every request, templates.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The format of answers: XML is turned into JSON before it is mapped.
    #[serde(default)]
    pub answer: AnswerFormat,
}

/// The format of answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// JSON.
    #[default]
    Json,
    /// XML, turned into JSON. A record that is there once counts as a list of one; for none to mean that nobody is known, the
    /// path says so: "c || `[]`".
    Xml,
}

/// `[auth]`: how calldex proves who it is. Which keys are needed depends on `kind`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthTable {
    /// The way.
    #[serde(default)]
    pub kind: AuthKind,
    /// `basic`: the user, a template.
    pub username: Option<String>,
    /// `basic`: the password, a template.
    pub password: Option<String>,
    /// `bearer`: the token, a template.
    pub token: Option<String>,
    /// `header`, `query`: the name.
    pub name: Option<String>,
    /// `header`, `query`, `path`: the value, a template. With a session it may use `session.token`.
    pub value: Option<String>,
    /// OAuth2: where tokens come from, a template of a whole address.
    pub token_url: Option<String>,
    /// OAuth2: the client's id, a template.
    pub client_id: Option<String>,
    /// OAuth2: the client's secret, a template.
    pub client_secret: Option<String>,
    /// `oauth2_refresh`: the refresh token, a template.
    pub refresh_token: Option<String>,
    /// OAuth2: the scope, a template.
    pub scope: Option<String>,
    /// `jwt_bearer`: who signs (`iss`), a template.
    pub issuer: Option<String>,
    /// `jwt_bearer`: whom he speaks for (`sub`), a template.
    pub subject: Option<String>,
    /// `jwt_bearer`: whom it is meant for (`aud`), a template.
    pub audience: Option<String>,
    /// `jwt_bearer`: the private RSA key in PEM, a template.
    pub key: Option<String>,
    /// OAuth2 and `session`: the word before the token in `Authorization`, `Bearer` without it.
    pub scheme: Option<String>,
    /// `session`: the request that logs in.
    pub login: Option<RequestTable>,
    /// OAuth2 and `session`: JMESPath on the answer of the login, by name, for `session.NAME` in templates. `token` is the
    /// token; `access_token` of the answer without it.
    #[serde(default)]
    pub session: BTreeMap<String, String>,
    /// OAuth2 and `session`: how long a session is used when the answer has no `expires_in`, such as `"50m"`; an hour
    /// without it.
    pub lifetime: Option<String>,
}

/// The ways to prove who one is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// Nothing is sent.
    #[default]
    None,
    /// HTTP Basic: `username`, `password`.
    Basic,
    /// `Authorization: Bearer`: `token`.
    Bearer,
    /// A header: `name`, `value`.
    Header,
    /// A parameter of the query, for CRMs that allow nothing else: `name`, `value`. It is never shown.
    Query,
    /// The beginning of the path, for CRMs that allow nothing else: `value`. It is never shown.
    Path,
    /// OAuth2 client credentials: `token_url`, `client_id`, `client_secret`.
    Oauth2Client,
    /// OAuth2 with a refresh token: `token_url`, `client_id`, `client_secret`, `refresh_token`.
    Oauth2Refresh,
    /// OAuth2 with a signed assertion (RS256): `token_url`, `issuer`, `subject`, `audience`, `key`.
    JwtBearer,
    /// A login that gives a token: `login`, `session`; with `name` and `value` where the token goes, else
    /// `Authorization`. Without a `token` nothing is added, and bodies use `session.NAME`.
    Session,
}

/// A request, and what is read from its answer.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestTable {
    /// The path of a `GET`, a template that begins with `/`.
    pub get: Option<String>,
    /// The path of a `POST`.
    pub post: Option<String>,
    /// The path of a `PUT`.
    pub put: Option<String>,
    /// The path of a `PATCH`.
    pub patch: Option<String>,
    /// Parameters of the query, templates; one whose template has no value is left out.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Further headers, templates.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body: texts are templates, and a text that is one lone `{{ ... }}` keeps its type. Keys without a value are
    /// left out.
    pub json: Option<serde_json::Value>,
    /// A body of a form, templates.
    pub form: Option<BTreeMap<String, String>>,
    /// An XML body, one template; values are escaped.
    pub xml: Option<String>,
    /// A condition without which the request is left out.
    pub when: Option<String>,
    /// `lookup`, `search`: JMESPath to the list of records; without it the answer of a `lookup` is the list, and a `search` is
    /// read as the first `[[lookup]]`. What is no list counts as a failure, so that a CRM that answers something else is
    /// never "unknown".
    pub records: Option<String>,
    /// `lookup`: JMESPath to what leads to the next page; null, false or empty on the last one. It is the whole address of
    /// that page, or, where templates of the request name `next` or `page`, the request is made again: `next` is what was
    /// found, `page` counts from 1.
    pub next: Option<String>,
    /// `lookup`: the header that leads to the next page, in the place of `next`. Of `Link` it is the address with
    /// `rel="next"`.
    pub next_header: Option<String>,
    /// `then`, `users`: JMESPath on the answer, by the field of the contact that it fills. `lookup`, `search`: JMESPath on a
    /// record, in the place of the same keys of `[map]`.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// `log_call`, `create`: JMESPath to the id of what was made. Without one in the answer it is made all the same.
    pub id: Option<String>,
    /// `then`: whether it is asked where two to four contacts are left too, about each of them and at the same time.
    /// `prefer` then chooses once more, by what was found; not when one of these requests fails.
    #[serde(default)]
    pub several: bool,
}

/// `[[error]]`: what an answer means. Without a rule: 401 and 403 are `refused`; 429, and 503 with a time to wait, are
/// `limit`; 408 and other 5xx are `retry`; 2xx are fine, 204 without records; the rest is `wrong`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorTable {
    /// The statuses that it is about; any without it.
    #[serde(default)]
    pub status: Vec<u16>,
    /// JMESPath on the body; the rule fits when it gives something that is not null, false or empty.
    pub when: Option<String>,
    /// What it means.
    #[serde(rename = "as")]
    pub meaning: Meaning,
    /// `limit`: the header that says how long to wait, beside `Retry-After` and `X-RateLimit-Reset`: seconds, or seconds since
    /// 1970.
    pub wait_header: Option<String>,
    /// `limit`: how long to wait when neither `Retry-After` nor `wait_header` says so, such as `"60s"`, or `"day"` for until
    /// midnight UTC. It counts for more than `X-RateLimit-Reset`, which some send with every answer.
    pub wait: Option<String>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Nobody is known. What should have been written is not: to `log_call` and `create` it is a failure.
    Unknown,
    /// The credentials are refused: the source stops and raises an alarm.
    Refused,
    /// The session is over: it is renewed once.
    Session,
    /// Too many requests: the source keeps quiet.
    Limit,
    /// A passing failure.
    Retry,
    /// The request or the recipe is wrong.
    Wrong,
}

/// `[[budget]]`: a header with what is left; at `reserve` or less the source keeps quiet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetTable {
    /// The header with the number of requests that are left.
    pub header: String,
    /// How many are left to others; 0 without it.
    #[serde(default)]
    pub reserve: u64,
    /// The header that says how long to wait.
    pub wait_header: Option<String>,
    /// How long to wait when no header says so, such as `"2s"`, or `"day"` for until midnight UTC.
    pub wait: Option<String>,
}

/// `[[test]]`: recorded answers, and what has to come of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestTable {
    /// What it shows.
    pub name: String,
    /// The parameters.
    #[serde(default)]
    pub param: BTreeMap<String, String>,
    /// The `url` of the source, for a recipe without `base`.
    pub url: Option<String>,
    /// The country of numbers without a country code.
    #[serde(default = "romania")]
    pub country: String,
    /// The caller's number, for a lookup.
    pub telephone: Option<String>,
    /// The finished call, for `log_call`: its fields by name.
    pub call: Option<BTreeMap<String, serde_json::Value>>,
    /// The new contact, for `create`.
    pub new: Option<BTreeMap<String, String>>,
    /// The text, for `search`.
    pub search: Option<String>,
    /// The agents that `log_call` knows, by name: `owner` is the id in this CRM.
    #[serde(default)]
    pub agent: BTreeMap<String, BTreeMap<String, String>>,
    /// The requests that have to be made, in order, and the answers to them.
    #[serde(default)]
    pub exchange: Vec<ExchangeTable>,
    /// The contacts that have to be found; of each the fields that are named, and `id` with its type.
    #[serde(default)]
    pub contacts: Vec<BTreeMap<String, serde_json::Value>>,
    /// The id that `log_call` or `create` has to give.
    pub id: Option<String>,
    /// How it has to fail: `refused busy unavailable timeout corrupt invalid not_found`.
    pub fails: Option<String>,
    /// How long the source has to keep quiet afterwards, such as `"30s"`; `"day"` for until midnight UTC.
    pub quiet: Option<String>,
}

/// `[[test.exchange]]`: a request, and the recorded answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeTable {
    /// Method and whole address, such as `GET https://acme.example.com/contacts?phone=%2B40722111222`. The order of the
    /// query does not matter.
    pub request: String,
    /// Headers that have to be there, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The JSON that has to be sent.
    pub sends: Option<String>,
    /// The status of the answer; 200 without it.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub answer_headers: BTreeMap<String, String>,
    /// The body of the answer.
    #[serde(default)]
    pub body: String,
}

fn one() -> u32 {
    1
}

fn spellings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "enum": Spelling::WORDS } })
}

fn international() -> Vec<String> {
    vec!["e164".to_owned()]
}

fn yes() -> bool {
    true
}

fn romania() -> String {
    "RO".to_owned()
}

fn ok() -> u16 {
    200
}
