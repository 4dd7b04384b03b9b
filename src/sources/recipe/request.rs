//! Makes one request out of its plan. Where it goes is checked after its address was made: a parameter or a field of a CRM
//! cannot send the credentials anywhere else.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use minijinja::value::Value;
use url::Url;

use super::auth_plan::Carry;
use super::settings::Settings;
use super::template::Template;
use super::{Body, Plan, Tree};
use crate::error::{Error, Kind, Result};
use crate::sources::http::{BODY_LIMIT, Request};

/// The address that all paths begin with.
///
/// # Errors
/// [`Kind::Invalid`] when there is none.
pub(super) fn base(settings: &Settings, context: &Value) -> Result<String> {
    if let Some(url) = &settings.url {
        return Ok(url.as_str().trim_end_matches('/').to_owned());
    }
    let recipe = &settings.recipe;
    let template = recipe.base.as_ref().ok_or_else(|| invalid("the source has no url"))?;
    let base = text(settings, template, context, "the address of the CRM")?;
    Ok(base.trim_end_matches('/').to_owned())
}

/// Makes a request with the credentials. `context` holds what its templates may name, `base` among it.
///
/// # Errors
/// [`Kind::Invalid`] when a part of it cannot be made, or when it would go to a host that is not allowed.
pub(super) fn make(settings: &Settings, plan: &Plan, base: &str, context: &Value) -> Result<Request> {
    let mut request = make_login(settings, plan, base, context)?;
    carry(settings, context, &mut request.headers)?;
    Ok(request)
}

/// Makes a request without the credentials that go into headers: while it logs in, there is no token yet.
///
/// # Errors
/// As [`make`].
pub(super) fn make_login(settings: &Settings, plan: &Plan, base: &str, context: &Value) -> Result<Request> {
    let recipe = &settings.recipe;
    let mut path = text(settings, &plan.path, context, "the path of a request")?;
    if let Carry::Path { value } = &recipe.auth.carry {
        path.insert_str(0, &text(settings, value, context, "the path of the credentials")?);
    }
    let mut url: Url =
        format!("{base}{path}").parse().map_err(|_| invalid("the address of a request cannot be made"))?;
    add_query(settings, plan, context, &mut url)?;
    check_host(settings, &url, context)?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, template) in recipe.headers.iter().chain(&plan.headers) {
        if let Some(value) = optional(settings, template, context)? {
            headers.insert(name, header(&value, false)?);
        }
    }
    let body = body(settings, &plan.body, context, &mut headers)?;
    Ok(Request { method: plan.method.clone(), url, headers, body: body.into(), limit: BODY_LIMIT })
}

/// Sends a request to the address of the next page instead. That has to be where the first page was: what an answer says
/// cannot send the credentials anywhere else.
///
/// # Errors
/// [`Kind::Invalid`] for any other address.
pub(super) fn turn(settings: &Settings, request: &mut Request, next: Url) -> Result<()> {
    let refuse =
        |why: &str| Err(invalid(&format!("the next page is not asked for: {why}, and it gets no credentials")));
    if !next.username().is_empty() || next.password().is_some() {
        return refuse("its address holds a user");
    }
    if next.origin() != request.url.origin() {
        return refuse("the first page was at another address");
    }
    let mut next = next;
    if let Carry::Query { name, .. } = &settings.recipe.auth.carry {
        let own = request.url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned());
        let named = next.query_pairs().any(|(other, _)| other == name.as_str());
        if let Some(own) = own.filter(|_| !named) {
            next.query_pairs_mut().append_pair(name, &own);
        }
    }
    request.url = next;
    Ok(())
}

/// Makes the request of a token: a form to an address of its own.
///
/// # Errors
/// As [`make`].
pub(super) fn make_token_request(
    settings: &Settings,
    url: &Template,
    pairs: &[(String, String)],
    context: &Value,
) -> Result<Request> {
    let url = text(settings, url, context, "the address of the tokens")?;
    let mut url: Url = url.parse().map_err(|_| invalid("the address of the tokens is none"))?;
    if let Some(own) = &settings.url {
        let mut moved = own.clone();
        moved.set_path(&format!("{}{}", own.path().trim_end_matches('/'), url.path()));
        moved.set_query(url.query());
        url = moved;
    }
    check_host(settings, &url, context)?;
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut request = Request::post(url, form);
    request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    Ok(request)
}

fn add_query(settings: &Settings, plan: &Plan, context: &Value, url: &mut Url) -> Result<()> {
    let mut pairs = Vec::new();
    for (name, template) in &plan.query {
        pairs.extend(optional(settings, template, context)?.map(|value| (name.as_str(), value)));
    }
    if let Carry::Query { name, value } = &settings.recipe.auth.carry {
        pairs.push((name, text(settings, value, context, "the credentials")?));
    }
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(())
}

/// Refuses every address that does not belong to the CRM.
fn check_host(settings: &Settings, url: &Url, context: &Value) -> Result<()> {
    // What a login says may hold whatever it was sent.
    let place = if settings.is_at_session() { "the address of the login" } else { url.host_str().unwrap_or_default() };
    let refuse = |why: &str| Err(invalid(&format!("a request to {place} is not sent: {why}")));
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("its address holds a user");
    }
    if let Some(own) = &settings.url {
        let same = own.scheme() == url.scheme()
            && own.host() == url.host()
            && own.port_or_known_default() == url.port_or_known_default();
        return if same { Ok(()) } else { refuse("it is not the host of url") };
    }
    if url.scheme() != "https" || url.port().is_some() {
        return refuse("its address is not https on the usual port");
    }
    let host = url.host_str().unwrap_or_default();
    for template in &settings.recipe.hosts {
        let allowed = text(settings, template, context, "an allowed host")?;
        if fits(host, &allowed) {
            return Ok(());
        }
    }
    let own = base(settings, context)?.parse::<Url>().ok();
    let is_own = own.as_ref().is_some_and(|own| own.host() == url.host()) && settings.recipe.hosts.is_empty();
    if is_own { Ok(()) } else { refuse("the recipe does not allow this host") }
}

/// Whether a host is `allowed`, where `*.` stands for any name in front.
fn fits(host: &str, allowed: &str) -> bool {
    match allowed.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(domain).is_some_and(|front| front.len() > 1 && front.ends_with('.')),
        None => host == allowed,
    }
}

fn body(settings: &Settings, body: &Body, context: &Value, headers: &mut HeaderMap) -> Result<Vec<u8>> {
    let (kind, bytes) = match body {
        Body::None => return Ok(Vec::new()),
        Body::Json(tree) => {
            let json =
                fill(settings, tree, context)?.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new()));
            ("application/json", serde_json::to_vec(&json).map_err(|error| invalid(&error.to_string()))?)
        }
        Body::Form(pairs) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, template) in pairs {
                if let Some(value) = optional(settings, template, context)? {
                    form.append_pair(name, &value);
                }
            }
            ("application/x-www-form-urlencoded", form.finish().into_bytes())
        }
        Body::Xml(template) => {
            let xml = text(settings, template, context, "the XML of a request")?;
            ("text/xml; charset=utf-8", xml.into_bytes())
        }
    };
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    Ok(bytes)
}

/// Fills in JSON; what has no value is left out, and a table of which nothing is left.
fn fill(settings: &Settings, tree: &Tree, context: &Value) -> Result<Option<serde_json::Value>> {
    Ok(match tree {
        Tree::Fixed(value) => Some(value.clone()),
        Tree::Made(template) => {
            let made = settings.recipe.templates.value(template, context);
            made.map_err(|why| invalid(&format!("the body of a request cannot be made: {why}")))?
        }
        Tree::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                list.extend(fill(settings, item, context)?);
            }
            Some(serde_json::Value::Array(list))
        }
        Tree::Table(entries) => {
            let mut table = serde_json::Map::with_capacity(entries.len());
            for (key, item) in entries {
                if let Some(value) = fill(settings, item, context)? {
                    table.insert(key.clone(), value);
                }
            }
            (!table.is_empty() || entries.is_empty()).then_some(serde_json::Value::Object(table))
        }
    })
}

/// Adds the credentials that go into headers.
fn carry(settings: &Settings, context: &Value, headers: &mut HeaderMap) -> Result<()> {
    let (name, value): (HeaderName, String) = match &settings.recipe.auth.carry {
        Carry::Basic { username, password } => {
            let user = text(settings, username, context, "the user")?;
            let password = optional(settings, password, context)?.unwrap_or_default();
            (AUTHORIZATION, format!("Basic {}", encode(&format!("{user}:{password}"))))
        }
        Carry::Header { name, scheme, value } => {
            let value = text(settings, value, context, "the credentials")?;
            (name.clone(), scheme.as_ref().map_or_else(|| value.clone(), |scheme| format!("{scheme} {value}")))
        }
        Carry::Nothing | Carry::Query { .. } | Carry::Path { .. } => return Ok(()),
    };
    headers.insert(name, header(&value, true)?);
    Ok(())
}

fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn header(value: &str, secret: bool) -> Result<HeaderValue> {
    let wrong = |_| invalid("a header cannot hold control characters");
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(wrong)?;
    value.set_sensitive(secret);
    Ok(value)
}

/// The text of a template that must have a value.
pub(super) fn text(settings: &Settings, template: &Template, context: &Value, what: &str) -> Result<String> {
    optional(settings, template, context)?.ok_or_else(|| invalid(&format!("{what} names something without a value")))
}

fn optional(settings: &Settings, template: &Template, context: &Value) -> Result<Option<String>> {
    settings.recipe.templates.render(template, context).map_err(|why| invalid(&why))
}

fn invalid(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_host_is_allowed_by_its_name_or_by_any_name_in_front() {
        assert!(fits("acme.freshdesk.com", "*.freshdesk.com") && fits("api.hubapi.com", "api.hubapi.com"));
        for host in ["freshdesk.com", ".freshdesk.com", "acme.freshdesk.com.evil.example", "evilfreshdesk.com", ""] {
            assert!(!fits(host, "*.freshdesk.com"), "{host}");
        }
    }
}
