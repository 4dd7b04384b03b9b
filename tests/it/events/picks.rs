//! Whom an agent picks stays picked: for the call, whatever is answered later, and for the next ones.

use serde_json::json;

use super::agent::Page;
use super::report;
use crate::harness::{CONFIGURATION, RECIPE, Server, TinyCrm, Workplace};

/// A family that shares a number, and a CRM that knows somebody else by it and takes its time.
fn workplace(crm: &TinyCrm) -> Workplace {
    let hasty = CONFIGURATION.replace("deadline = \"10s\"", "deadline = \"100ms\"");
    let both = hasty.replace(r#"["customers"]"#, r#"["customers", "crm"]"#);
    let source =
        format!("\n[source.crm]\ntype = \"tiny\"\nurl = \"http://127.0.0.1:{}\"\ntimeout = \"60s\"\n", crm.port);
    let family = "id,name,telephone\n1,Ana Pop,0722 111 222\n2,Dan Pop,0722 111 222\n";
    let workplace = Workplace::new(&(both + &source));
    workplace.write("recipes/tiny.toml", RECIPE);
    workplace.write("contacts.csv", family);
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    workplace
}

#[test]
fn no_late_answer_and_no_id_from_the_pbx_puts_aside_whom_an_agent_has_picked() {
    let crm = TinyCrm::start();
    crm.add(json!({ "id": "t7", "name": "Elena Văcărescu", "number": "+40722111222" }));
    crm.hold_back(true);
    let workplace = workplace(&crm);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let mut listener = page.listen("");
    let rings = |server: &Server, call: u32| {
        let event = format!("event=ringing&agent=ion&uniqueid={call}&telephone=0722111222&contact_id=1");
        report(server, &event);
    };
    rings(&server, 1);
    let card = listener.until("\"candidates\":[{");
    assert_eq!(card["name"], "Ana Pop", "the PBX says so, and nobody else anything");
    let dan = json!({ "source": "customers", "id": "2" });
    assert_eq!(page.post(&format!("/agent/cards/{}/choice", card["id"]), &dan).status, 200);
    listener.until("\"name\":\"Dan Pop\",\"company\":null");
    listener.forget();
    crm.hold_back(false);
    let card = listener.until("\"source\":\"crm\"");
    assert_eq!((&card["id"], &card["name"]), (&json!(1), &json!("Dan Pop")), "{card}");
    assert_eq!(card["candidates"].as_array().unwrap().len(), 3, "the late one can be picked too: {card}");
    server.kill();
    let server = workplace.serve();
    let page = Page { address: server.address, ..page };
    let cards = page.state()["cards"].clone();
    assert_eq!(cards[0]["name"], "Dan Pop", "{cards}");
    let mut listener = page.listen(page.state()["event_id"].as_str().unwrap());
    rings(&server, 2);
    let card = listener.until("\"candidates\":[{");
    assert_eq!((&card["id"], &card["name"]), (&json!(2), &json!("Dan Pop")), "{card}");
}
