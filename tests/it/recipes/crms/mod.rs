//! How each CRM behaves, as far as its documentation and those who use it say.

mod bitrix24;
mod dynamics365;
mod freshdesk;
mod hubspot;
mod in_the_query;
mod minicrm;
mod odoo;
mod odoo_jsonrpc;
mod pipedrive;
mod salesforce;
mod thief;
mod zendesk;
mod zoho;

use std::sync::Arc;

use serde_json::Value;

use super::book::Person;
use super::stand_in::Crm;

pub(crate) use bitrix24::Bitrix24;
pub(crate) use dynamics365::Dynamics365;
pub(crate) use freshdesk::Freshdesk;
pub(crate) use hubspot::HubSpot;
pub(crate) use in_the_query::{InTheQuery, RECIPE_IN_THE_QUERY};
pub(crate) use minicrm::MiniCrm;
pub(crate) use odoo::Odoo;
pub(crate) use odoo_jsonrpc::OdooJsonRpc;
pub(crate) use pipedrive::Pipedrive;
pub(crate) use salesforce::{BY_PASSWORD, SECRETS, Salesforce};
pub(crate) use thief::Thief;
pub(crate) use zendesk::Zendesk;
pub(crate) use zoho::Zoho;

/// Those that a recipe asks.
pub(crate) fn recipes() -> Vec<Arc<dyn Crm>> {
    vec![
        Arc::new(Bitrix24),
        Arc::new(Dynamics365),
        Arc::new(Freshdesk),
        Arc::new(HubSpot),
        Arc::new(MiniCrm),
        Arc::new(Odoo),
        Arc::new(OdooJsonRpc),
        Arc::new(Pipedrive),
        Arc::new(Zendesk),
        Arc::new(Zoho),
    ]
}

/// All of them.
pub(crate) fn all() -> Vec<Arc<dyn Crm>> {
    let mut all = recipes();
    all.push(Arc::new(Salesforce::default()));
    all
}

fn list(people: Vec<Person>, describe: impl Fn(Person) -> Value) -> Value {
    people.into_iter().map(describe).collect()
}

/// Whether a value is a date of this format, with a time or without.
fn is_moment(value: &Value, format: &str) -> bool {
    value.as_str().is_some_and(|text| jiff::civil::Date::strptime(format, text).is_ok())
}

/// The text of a JSON body at a place.
fn text_at(body: &Value, place: &str) -> Option<String> {
    body.pointer(place).and_then(Value::as_str).map(str::to_owned)
}
