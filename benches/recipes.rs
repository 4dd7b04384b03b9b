//! How long it takes to read, map and verify an answer of ten records. The promise is under 100 us.
#![expect(clippy::unwrap_used, reason = "a measurement ends where something unexpected comes")]

use std::sync::Arc;

use calldex::sources::recipe;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// Ten people, one of whom is the caller.
fn people(describe: impl Fn(usize, String) -> Value) -> Vec<Value> {
    (0..10).map(|place| describe(place, format!("0722 111 22{place}"))).collect()
}

fn hubspot() -> Value {
    let contact = |place: usize, phone: String| {
        json!({ "id": place.to_string(), "properties": { "firstname": "Ana", "lastname": "Pop", "phone": phone,
                "email": "ana@example.com", "company": "Acme", "hubspot_owner_id": "7" } })
    };
    json!({ "total": 10, "results": people(contact) })
}

fn pipedrive() -> Value {
    let person = |place: usize, phone: String| {
        json!({ "result_score": 0.5, "item": { "id": place, "name": "Ana Pop", "phones": [phone], "emails": ["ana@example.com"],
                "owner": { "id": 7 }, "organization": { "id": 1, "name": "Acme" } } })
    };
    json!({ "success": true, "data": { "items": people(person) } })
}

fn odoo() -> Value {
    let partner = |place: usize, phone: String| {
        json!({ "id": place, "name": "Ana Pop", "email": false, "phone": phone, "user_id": [7, "Ion"], "is_company": false,
                "write_date": "2026-01-01 10:00:00" })
    };
    people(partner).into()
}

#[divan::bench(args = ["hubspot", "pipedrive", "odoo"])]
fn an_answer_of_ten_records(bencher: divan::Bencher<'_, '_>, name: &str) {
    let recipe = recipe::shipped_recipe(name).unwrap();
    let reader = recipe::answer_reader(&Arc::clone(&recipe), "+40722111222").unwrap();
    let body = match name {
        "hubspot" => hubspot(),
        "pipedrive" => pipedrive(),
        _ => odoo(),
    };
    let body = body.to_string();
    assert_eq!(reader(&body).unwrap(), 1);
    bencher.bench(|| reader(divan::black_box(&body)).unwrap());
}
