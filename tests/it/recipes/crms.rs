//! How each CRM behaves, as far as its documentation and those who use it say.

use serde_json::{Value, json};

use super::stand_in::{Answer, Crm, PEOPLE, Person, Request, basic, containing, digits, exactly};

fn list(people: Vec<Person>, describe: impl Fn(Person) -> Value) -> Value {
    people.into_iter().map(describe).collect()
}

/// Exact spellings, the quoted grammar of its search, credentials by HTTP Basic, 404 without a body.
pub(crate) struct Freshdesk;

impl Crm for Freshdesk {
    fn recipe(&self) -> &'static str {
        "freshdesk"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme", user = "FRESHKEY-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["FRESHKEY-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == basic("FRESHKEY-SECRET", "X")
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "code": "invalid_credentials", "message": "You have to be logged in." }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let contact =
            |person: Person| json!({ "id": person.id, "name": person.name, "phone": null, "mobile": person.phone });
        let body = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v2/search/contacts") => {
                let query = request.query("query");
                let Some(query) = query.strip_prefix('"').and_then(|query| query.strip_suffix('"')) else {
                    return Answer::json(400, &json!({ "description": "Validation failed" }));
                };
                if query.len() > 512 {
                    return Answer::json(400, &json!({ "description": "Validation failed" }));
                }
                let terms = query.split(" OR ").filter_map(|term| term.strip_prefix("mobile:'")?.strip_suffix('\''));
                let found: Vec<Person> = terms.flat_map(exactly).collect();
                json!({ "total": found.len(), "results": list(found, contact) })
            }
            ("GET", "/api/v2/contacts") => list(exactly(request.query("mobile")), contact),
            ("GET", "/api/v2/tickets") => json!([]),
            ("POST", "/api/v2/tickets") => {
                let ticket = request.json();
                let fits = request.header("content-type") == "application/json" && ticket["requester_id"].is_u64();
                let fits = fits && ticket["description"].is_string() && ticket["status"].is_u64();
                return Answer::json(if fits { 201 } else { 400 }, &json!({ "id": 900 }));
            }
            _ => return Answer::empty(404),
        };
        Answer::json(200, &body).with("X-RateLimit-Remaining", "49")
    }
    fn link(&self) -> &'static str {
        "/a/contacts/42"
    }
    fn call(&self) -> Value {
        json!({ "key": "1-2", "number": "+40722111222", "direction": "in", "outcome": "missed", "dnid": "0310000000",
                "started": 1_795_680_000_000_i64, "contact": 42 })
    }
    fn log_path(&self) -> &'static str {
        "/api/v2/tickets"
    }
}

/// A full-text search for at least six digits, results by id, ids as texts, an empty result as a list.
pub(crate) struct MiniCrm;

impl Crm for MiniCrm {
    fn recipe(&self) -> &'static str {
        "minicrm"
    }
    fn params(&self) -> &'static str {
        r#"{ SystemId = "119", APIKey = "MINIKEY-SECRET", VoipKey = "VOIP-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["MINIKEY-SECRET", "VOIP-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == basic("119", "MINIKEY-SECRET")
    }
    fn refuse(&self) -> Answer {
        Answer::empty(401)
    }
    fn limit(&self) -> Answer {
        Answer::empty(429)
    }
    fn answer(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/Api/R3/Contact" => {
                let query = request.query("Query");
                if query.len() < 6 || query != digits(query) {
                    return Answer::empty(400);
                }
                let found = containing(query);
                let count = found.len();
                let contact = |person: Person| {
                    let id = person.id.to_string();
                    (id.clone(), json!({ "Id": id, "Name": person.name, "Type": "Person", "Phone": person.phone }))
                };
                let results: serde_json::Map<String, Value> = found.into_iter().map(contact).collect();
                let results = if results.is_empty() { json!([]) } else { Value::Object(results) };
                Answer::json(200, &json!({ "Count": count, "Results": results }))
            }
            "/Api/R3/Project" => Answer::json(200, &json!({ "Count": 0, "Results": [] })),
            "/Api/CallLog" => {
                let log = request.json();
                let call = &log["Data"][0];
                let fits =
                    log["ApiKey"] == "VOIP-SECRET" && call["CallType"] == 1 && call["Date"] == "2026-11-26 08:00:00";
                Answer::empty(if fits { 200 } else { 400 })
            }
            _ => Answer::empty(404),
        }
    }
    fn link(&self) -> &'static str {
        "/119/#Contact/42"
    }
    fn log_path(&self) -> &'static str {
        "/Api/CallLog"
    }
}

/// A search within numbers, a token in a header only, activities that refuse `person_id`.
pub(crate) struct Pipedrive;

impl Crm for Pipedrive {
    fn recipe(&self) -> &'static str {
        "pipedrive"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme", user = "u", token = "PIPE-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["PIPE-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("x-api-token") == "PIPE-SECRET"
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "success": false, "error": "unauthorized access", "errorCode": 401 }))
    }
    fn limit(&self) -> Answer {
        let body = json!({ "success": false, "error": "Rate limit exceeded", "errorCode": 429 });
        Answer::json(429, &body).with("x-ratelimit-reset", "600")
    }
    fn answer(&self, request: &Request) -> Answer {
        let item = |person: Person| {
            json!({ "result_score": 0.5, "item": { "id": person.id, "type": "person", "name": person.name,
                    "phones": [person.phone], "emails": [], "owner": { "id": 7 }, "organization": null } })
        };
        match request.path.as_str() {
            "/api/v2/persons/search" if request.query("fields") == "phone" && request.query("term").len() >= 2 => {
                let items = list(containing(&digits(request.query("term"))), item);
                let body =
                    json!({ "success": true, "data": { "items": items }, "additional_data": { "next_cursor": null } });
                Answer::json(200, &body).with("x-daily-requests-left", "29000").with("x-ratelimit-remaining", "9")
            }
            "/api/v1/users/7" => {
                Answer::json(200, &json!({ "success": true, "data": { "id": 7, "email": "ion@example.com" } }))
            }
            "/api/v2/activities" => {
                let activity = request.json();
                let fits = activity["person_id"].is_null() && activity["participants"][0]["person_id"].is_u64();
                let fits = fits && activity["done"].is_boolean() && activity["duration"] == "00:02";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "success": fits, "data": { "id": 900 } }))
            }
            _ => Answer::json(404, &json!({ "success": false })),
        }
    }
    fn link(&self) -> &'static str {
        "/person/42"
    }
    fn log_path(&self) -> &'static str {
        "/api/v2/activities"
    }
}

/// At most five groups of filters, numbers calculated without their country code, properties as asked for only.
pub(crate) struct HubSpot;

impl Crm for HubSpot {
    fn recipe(&self) -> &'static str {
        "hubspot"
    }
    fn params(&self) -> &'static str {
        r#"{ token = "HUB-SECRET", portal = "123" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["HUB-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == "Bearer HUB-SECRET"
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "status": "error", "category": "INVALID_AUTHENTICATION" }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let asked = request.json();
        match request.path.as_str() {
            "/crm/v3/objects/contacts/search" => {
                let Some(groups) = asked["filterGroups"].as_array().filter(|groups| groups.len() <= 5) else {
                    return Answer::json(400, &json!({ "status": "error" }));
                };
                let values: Vec<&str> =
                    groups.iter().filter_map(|group| group["filters"][0]["value"].as_str()).collect();
                let calculated = |person: &Person| {
                    let digits = digits(person.phone);
                    digits.trim_start_matches("40").trim_start_matches("49").trim_start_matches('0').to_owned()
                };
                let fits =
                    |person: &Person| values.contains(&calculated(person).as_str()) || values.contains(&person.phone);
                let found: Vec<Person> = PEOPLE.into_iter().filter(fits).collect();
                let known =
                    |property: &str| asked["properties"].as_array().is_some_and(|all| all.contains(&json!(property)));
                let contact = |person: Person| {
                    let all = json!({ "firstname": person.name, "lastname": null, "phone": person.phone, "mobilephone": null });
                    let properties = all.as_object().unwrap().iter().filter(|(name, _)| known(name));
                    let properties: serde_json::Map<_, _> =
                        properties.map(|(name, value)| (name.clone(), value.clone())).collect();
                    json!({ "id": person.id.to_string(), "properties": properties })
                };
                Answer::json(200, &json!({ "total": found.len(), "results": list(found, contact) }))
            }
            "/crm/v3/objects/calls" => {
                let fits =
                    asked["properties"]["hs_call_duration"] == 61_000 && asked["associations"][0]["to"]["id"] == 42;
                Answer::json(if fits { 201 } else { 400 }, &json!({ "id": "900" }))
            }
            _ => Answer::json(404, &json!({ "status": "error" })),
        }
    }
    fn link(&self) -> &'static str {
        "/contacts/123/record/0-1/42"
    }
    fn log_path(&self) -> &'static str {
        "/crm/v3/objects/calls"
    }
}

/// A search language in which a plus finds nothing and a star stands for any beginning.
pub(crate) struct Zendesk;

impl Crm for Zendesk {
    fn recipe(&self) -> &'static str {
        "zendesk"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme", email = "a@acme.example", token = "ZEN-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ZEN-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == basic("a@acme.example/token", "ZEN-SECRET")
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "error": "Couldn't authenticate you" }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let user =
            |person: Person| json!({ "id": person.id, "name": person.name, "phone": person.phone, "email": null });
        match request.path.as_str() {
            "/api/v2/search.json" => {
                let wanted = request.query("query").split("phone:*").nth(1).unwrap_or("none");
                let found = if wanted.contains('+') { Vec::new() } else { containing(wanted) };
                Answer::json(200, &json!({ "count": found.len(), "results": list(found, user) }))
            }
            "/api/v2/users/42/tickets/requested.json" => Answer::json(200, &json!({ "tickets": [] })),
            "/api/v2/tickets.json" => {
                let ticket = &request.json()["ticket"];
                let fits = ticket["requester_id"] == 42 && ticket["comment"]["body"].is_string();
                Answer::json(if fits { 201 } else { 422 }, &json!({ "ticket": { "id": 900 } }))
            }
            _ => Answer::empty(404),
        }
    }
    fn link(&self) -> &'static str {
        "/agent/users/42"
    }
    fn call(&self) -> Value {
        Freshdesk.call()
    }
    fn log_path(&self) -> &'static str {
        "/api/v2/tickets.json"
    }
}

/// Tokens from a refresh token, one module and one exact spelling at a time, 204 for nobody.
pub(crate) struct Zoho;

impl Crm for Zoho {
    fn recipe(&self) -> &'static str {
        "zoho"
    }
    fn params(&self) -> &'static str {
        r#"{ client_id = "i", client_secret = "ZOHO-SECRET", refresh_token = "ZOHO-REFRESH", dc = "eu" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ZOHO-SECRET", "ZOHO-REFRESH", "ZOHO-ACCESS"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        let login = request.form("refresh_token") == "ZOHO-REFRESH" && request.form("client_secret") == "ZOHO-SECRET";
        (request.path == "/oauth/v2/token" && login) || request.header("authorization") == "Zoho-oauthtoken ZOHO-ACCESS"
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "code": "INVALID_TOKEN", "status": "error" }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let contact =
            |person: Person| json!({ "id": person.id.to_string(), "Full_Name": person.name, "Phone": person.phone });
        match request.path.as_str() {
            "/oauth/v2/token" => Answer::json(200, &json!({ "access_token": "ZOHO-ACCESS", "expires_in": 3600 })),
            "/crm/v6/Contacts/search" => match exactly(request.query("phone")) {
                found if found.is_empty() => Answer::empty(204),
                found => Answer::json(200, &json!({ "data": list(found, contact) })),
            },
            "/crm/v6/Leads/search" => Answer::empty(204),
            "/crm/v6/Calls" => {
                let fits = request.json()["data"][0]["Call_Duration"] == "00:02";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "data": [{ "details": { "id": "900" } }] }))
            }
            _ => Answer::json(404, &json!({ "code": "INVALID_URL_PATTERN" })),
        }
    }
    fn link(&self) -> &'static str {
        "/tab/Contacts/42"
    }
    fn log_path(&self) -> &'static str {
        "/crm/v6/Calls"
    }
}

fn partner(person: Person) -> Value {
    json!({ "id": person.id, "name": person.name, "email": false, "phone": person.phone, "mobile": false,
            "commercial_company_name": false, "is_company": false, "user_id": false, "write_date": "2026-01-01 10:00:00" })
}

/// Odoo's own search finds a number with the same beginning, however it is written.
fn partners(domain: &Value) -> Vec<Person> {
    let wanted = domain[0][2].as_str().unwrap_or("none");
    let wanted = wanted.strip_prefix('+').unwrap_or(wanted);
    if domain[0][0] == "phone_mobile_search" { containing(&digits(wanted)) } else { Vec::new() }
}

/// One address for each method of each model, a key as bearer, `false` for nothing.
pub(crate) struct Odoo;

impl Crm for Odoo {
    fn recipe(&self) -> &'static str {
        "odoo"
    }
    fn params(&self) -> &'static str {
        r#"{ key = "ODOO-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ODOO-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == "bearer ODOO-SECRET"
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey" }))
    }
    fn answer(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/json/2/res.partner/search_read" => Answer::json(200, &list(partners(&request.json()["domain"]), partner)),
            "/json/2/res.partner/message_post" => {
                let fits = request.json()["ids"] == json!([42]);
                Answer::json(if fits { 200 } else { 422 }, &json!(900))
            }
            _ => Answer::json(404, &json!({ "name": "werkzeug.exceptions.NotFound" })),
        }
    }
    fn link(&self) -> &'static str {
        "/odoo/contacts/42"
    }
    fn log_path(&self) -> &'static str {
        "/json/2/res.partner/message_post"
    }
}

/// One address for everything, a login that gives a number, errors with status 200.
pub(crate) struct OdooJsonRpc;

impl Crm for OdooJsonRpc {
    fn recipe(&self) -> &'static str {
        "odoo_jsonrpc"
    }
    fn params(&self) -> &'static str {
        r#"{ database = "acme", login = "ion", key = "RPC-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["RPC-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.path == "/jsonrpc" && request.json()["params"]["args"][2] == "RPC-SECRET"
    }
    fn refuse(&self) -> Answer {
        let data = json!({ "name": "odoo.exceptions.AccessDenied" });
        Answer::json(200, &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 200, "data": data } }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let params = &request.json()["params"];
        let args = &params["args"];
        let result = match (params["service"].as_str(), args[4].as_str()) {
            (Some("common"), _) => json!(2),
            (Some("object"), Some("search_read")) if args[1] == 2 => list(partners(&args[5][0]), partner),
            (Some("object"), Some("message_post")) if args[5] == json!([[42]]) => json!(900),
            _ => return Answer::json(200, &json!({ "error": { "data": { "name": "builtins.TypeError" } } })),
        };
        Answer::json(200, &json!({ "jsonrpc": "2.0", "id": null, "result": result }))
    }
    fn link(&self) -> &'static str {
        "/web#id=42&model=res.partner&view_type=form"
    }
    fn log_path(&self) -> &'static str {
        "/jsonrpc"
    }
}

/// The code of a webhook in the path, exact spellings, 503 for one request too many.
pub(crate) struct Bitrix24;

impl Crm for Bitrix24 {
    fn recipe(&self) -> &'static str {
        "bitrix24"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme.bitrix24.ro", user = "1", hook = "HOOKSECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["HOOKSECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.path.starts_with("/rest/1/HOOKSECRET/")
    }
    fn refuse(&self) -> Answer {
        Answer::json(
            401,
            &json!({ "error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials" }),
        )
    }
    fn limit(&self) -> Answer {
        Answer::json(503, &json!({ "error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests" }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let asked = request.json();
        let contact = |person: Person| {
            json!({ "ID": person.id.to_string(), "NAME": person.name, "LAST_NAME": null,
                    "PHONE": [{ "VALUE_TYPE": "WORK", "VALUE": person.phone }] })
        };
        match request.path.rsplit('/').next().unwrap_or_default() {
            "crm.contact.list.json" => {
                let found = exactly(asked["filter"]["PHONE"].as_str().unwrap_or_default());
                Answer::json(200, &json!({ "total": found.len(), "result": list(found, contact) }))
            }
            "crm.timeline.comment.add.json" => {
                let fits = asked["fields"]["ENTITY_ID"] == 42;
                Answer::json(if fits { 200 } else { 400 }, &json!({ "result": 900 }))
            }
            _ => Answer::json(404, &json!({ "error": "ERROR_METHOD_NOT_FOUND" })),
        }
    }
    fn link(&self) -> &'static str {
        "/crm/contact/details/42/"
    }
    fn log_path(&self) -> &'static str {
        "/rest/1/HOOKSECRET/crm.timeline.comment.add.json"
    }
}

/// Tokens by client credentials, OData filters, ids that are GUIDs.
pub(crate) struct Dynamics365;

impl Crm for Dynamics365 {
    fn recipe(&self) -> &'static str {
        "dynamics365"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme.crm4.dynamics.com", tenant = "t", client_id = "i", client_secret = "DYN-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["DYN-SECRET", "DYN-ACCESS"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        let login = request.path == "/t/oauth2/v2.0/token" && request.form("client_secret") == "DYN-SECRET";
        login || request.header("authorization") == "Bearer DYN-ACCESS"
    }
    fn refuse(&self) -> Answer {
        Answer::json(401, &json!({ "error": "invalid_client" }))
    }
    fn answer(&self, request: &Request) -> Answer {
        let contact = |person: Person| json!({ "contactid": person.id.to_string(), "fullname": person.name, "telephone1": person.phone });
        match request.path.as_str() {
            "/t/oauth2/v2.0/token" if request.form("scope").ends_with("/.default") => {
                Answer::json(200, &json!({ "access_token": "DYN-ACCESS", "expires_in": 3599 }))
            }
            "/api/data/v9.2/contacts" if request.header("odata-version") == "4.0" => {
                let filter = request.query("$filter");
                let wanted = filter.split("contains(telephone1,'").nth(1).and_then(|rest| rest.split('\'').next());
                let found =
                    PEOPLE.into_iter().filter(|person| person.phone.contains(wanted.unwrap_or("none"))).collect();
                Answer::json(200, &json!({ "value": list(found, contact) }))
            }
            "/api/data/v9.2/phonecalls" => {
                let call = request.json();
                let fits = call["regardingobjectid_contact_phonecall@odata.bind"] == "/contacts(42)"
                    && call["directioncode"] == false;
                Answer::json(if fits { 201 } else { 400 }, &json!({ "activityid": "900" }))
            }
            _ => Answer::json(404, &json!({ "error": { "code": "0x80060888" } })),
        }
    }
    fn link(&self) -> &'static str {
        "/main.aspx?etn=contact&pagetype=entityrecord&id=42"
    }
    fn log_path(&self) -> &'static str {
        "/api/data/v9.2/phonecalls"
    }
}
