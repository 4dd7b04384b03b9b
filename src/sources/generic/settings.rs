//! The parameters of Generic: `type`, `root_tag`, `send_request_headers`, `ignore_response`.

use url::Url;

use crate::config::{self, Complaint, Param, Params, Secret, nearest};
use crate::error::{Error, Kind, Result};
use crate::number::Spelling;
use crate::sources::mapping::Mapping;

const TYPE: &str = "type";
const ROOT_TAG: &str = "root_tag";
const SEND_REQUEST_HEADERS: &str = "send_request_headers";
const IGNORE_RESPONSE: &str = "ignore_response";
const PARAMS: [&str; 4] = [TYPE, ROOT_TAG, SEND_REQUEST_HEADERS, IGNORE_RESPONSE];

/// How an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// What the parameters and the common keys say.
#[derive(Debug)]
pub(super) struct Settings {
    /// Where it is; it may hold a token.
    pub(super) url: Url,
    pub(super) format: Format,
    /// The element or key that holds the fields; `None` is the root.
    pub(super) root_tag: Option<String>,
    pub(super) send_request_headers: bool,
    pub(super) ignore_response: bool,
    pub(super) form: Option<Spelling>,
    /// The country that numbers are dialled from; `None` is that of the project.
    pub(super) country: Option<String>,
}

impl Settings {
    pub(super) fn read(source: &config::Source) -> Result<Self> {
        let text = |name: &str| source.params.text(&[name]).map(str::trim).filter(|text| !text.is_empty());
        // As PHP takes it: everything but "" and "0" is true.
        let switch = |name: &str| text(name).is_some_and(|text| text != "0");
        Ok(Self {
            url: read_url(source.url.as_ref()).map_err(|why| Error::new(Kind::Invalid, why))?,
            format: if text(TYPE) == Some("xml") { Format::Xml } else { Format::Json },
            root_tag: text(ROOT_TAG).map(str::to_owned),
            send_request_headers: switch(SEND_REQUEST_HEADERS),
            ignore_response: switch(IGNORE_RESPONSE),
            form: source.form,
            country: source.numbering.country.clone(),
        })
    }
}

pub(super) fn check_generic(source: &config::Source) -> Vec<Complaint> {
    let mut complaints = check_common(source);
    complaints.extend(unknown_params(&source.params, &PARAMS));
    match source.params.text(&[TYPE]).unwrap_or_default() {
        "" | "json" | "xml" => {}
        _ => complaints.push(Complaint::mistake(Some("params"), "the parameter type is neither json nor xml")),
    }
    complaints
}

pub(super) fn check_ticketsys(source: &config::Source) -> Vec<Complaint> {
    let mut complaints = check_common(source);
    if !source.params.is_empty() {
        let message = "type \"ticketsys\" takes no parameters; leave params out or write params = \"-\"";
        complaints.push(Complaint::mistake(Some("params"), message));
    }
    complaints
}

fn check_common(source: &config::Source) -> Vec<Complaint> {
    let mut complaints = Mapping::check(source);
    if let Err(why) = read_url(source.url.as_ref()) {
        complaints.push(Complaint::mistake(source.url.is_some().then_some("url"), why));
    }
    if source.query.is_some() {
        complaints.push(Complaint::mistake(Some("query"), "query belongs to type \"sql\""));
    }
    if !source.forms.is_empty() {
        let message = "one spelling is sent: write form = \"...\" instead of forms";
        complaints.push(Complaint::mistake(Some("forms"), message));
    }
    complaints
}

/// Complains about every parameter that a type does not have, and names the nearest one that it has.
pub(in crate::sources) fn unknown_params(params: &Params, known: &[&'static str]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (name, param) in params.iter() {
        let name = name.to_string();
        let message = match (known.contains(&name.as_str()), param) {
            (true, Param::Text(_)) => continue,
            (true, Param::Inner(_)) => format!("the parameter {name} has brackets; expected {name}=..."),
            (false, _) => match nearest(&name, known.iter().copied()) {
                Some(near) => format!("there is no parameter \"{name}\"; did you mean \"{near}\"?"),
                None => format!("there is no parameter \"{name}\"; there are {}", known.join(", ")),
            },
        };
        complaints.push(Complaint::mistake(Some("params"), message));
    }
    complaints
}

fn read_url(url: Option<&Secret>) -> std::result::Result<Url, String> {
    let expected = "expected one such as \"https://crm.example.com/api/caller\"";
    let url = url.ok_or_else(|| format!("there is no url; {expected}"))?;
    let read = Url::parse(url.reveal()).map_err(|why| format!("url is no URL ({why}); {expected}"))?;
    match read.scheme() {
        "http" | "https" => Ok(read),
        scheme => Err(format!("url begins with \"{scheme}:\"; {expected}")),
    }
}
