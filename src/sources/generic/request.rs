//! What goes out: the caller and the number called, in the spelling that the system expects.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::settings::{Format, Settings};
use crate::number::{self, Number, Phone};
use crate::sources::Question;
use crate::sources::http::Request;

/// Builds the request. The number called may be the name of a line; then it goes out as it came in.
pub(super) fn build(settings: &Settings, question: &Question, phone: &Phone) -> Request {
    let telephone = spell(settings, question, phone);
    let dnid = match number::parse(&question.call.dnid, &question.numbering) {
        Number::Phone { phone, .. } => spell(settings, question, &phone),
        _ => question.call.dnid.clone(),
    };
    let mut url = settings.url.clone();
    url.query_pairs_mut().append_pair("telephone", &telephone).append_pair("dnid", &dnid);
    let mut request = Request::get(url);
    if settings.send_request_headers {
        let kind = match settings.format {
            Format::Json => "application/json",
            Format::Xml => "application/xml",
        };
        let headers = &mut request.headers;
        headers.insert(ACCEPT, HeaderValue::from_static(kind));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        add(headers, "x-telephone", &telephone);
        add(headers, "x-dnid", &dnid);
        add(headers, "x-project", &question.call.project);
    }
    request
}

/// As dialled from the country of the source or else of the project, unless `form` says otherwise.
fn spell(settings: &Settings, question: &Question, phone: &Phone) -> String {
    let home = settings.country.as_deref().or(question.numbering.country.as_deref());
    let forms = number::forms(phone, home);
    match (settings.form, home) {
        (Some(form), _) => forms.spelled(form).to_owned(),
        (None, Some(_)) => forms.dialled().to_owned(),
        // Nobody knows where it would be dialled from.
        (None, None) => forms.e164,
    }
}

/// A value that cannot stand in a header is left out.
fn add(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
