//! A number without a plus that is valid in two countries: every kind of source is asked for both readings.

use std::process::Command;

use crate::harness::{Server, TOKEN, Tap, Workplace, has_program, wait_until};

/// In Germany a number of Hamburg; with a plus, a mobile number of Romania.
const TELEPHONE: &str = "40722333444";

fn serve(source: &str, prepare: impl FnOnce(&Workplace)) -> (Workplace, Server) {
    let workplace = Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n[source.crm]\ntimeout = \"1m\"\n{source}\n\
         [project.sales]\ncountry = \"DE\"\ntokens = [\"{TOKEN}\"]\nsources = [\"crm\"]\ndeadline = \"10s\"\n"
    ));
    prepare(&workplace);
    let server = workplace.serve();
    (workplace, server)
}

fn knows(server: &Server) {
    wait_until("the one who is known by the other reading", || {
        let reply = server.lookup(&format!("telephone={TELEPHONE}"));
        assert_eq!(reply.status, 200);
        reply.json()["name"] == "Ion"
    });
}

#[test]
fn generic_and_soap_are_asked_for_both() {
    let person = r#"{"id":7,"name":"Ion","tel":"+40 722 333 444"}"#;
    let envelope = |value: &str| {
        let body = format!(
            "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><r><return>{value}</return></r>\
             </e:Body></e:Envelope>"
        );
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let is_other = |request: &str| request.contains("0040722333444");
    let (found, nobody) = (envelope(&person.replace('"', "&quot;")), envelope("null"));
    let json =
        Tap::start(move |_, request| Some(Tap::json("200 OK", "", if is_other(request) { person } else { "null" })));
    let soap = Tap::start(move |_, request| Some(if is_other(request) { found.clone() } else { nobody.clone() }));
    for (tap, settings) in [
        (&json, "type = \"generic\"\nurl = \"http://127.0.0.1:PORT/\"".to_owned()),
        (&soap, "type = \"soap\"\nparams = \"init_params[location]=http://127.0.0.1:PORT/&init_params[uri]=urn:crm&func_name=find\"".to_owned()),
    ] {
        let source = format!("{}\nnumbers = [\"tel\"]", settings.replace("PORT", &tap.port.to_string()));
        let (_workplace, server) = serve(&source, |_| {});
        knows(&server);
        let asked = tap.requests();
        assert!(asked[0].contains("040722333444") && !is_other(&asked[0]), "{}", asked[0]);
        assert!(is_other(&asked[1]), "{}", asked[1]);
    }
}

#[test]
fn a_database_is_asked_for_both() {
    if !has_program("sqlite3", "both readings of a number in a database") {
        return;
    }
    let source = "type = \"sql\"\nurl = \"sqlite:crm.db\"\nquery = \"SELECT id, name, telephone FROM people WHERE telephone = :e164\"";
    let (_workplace, server) = serve(source, |workplace| {
        let tables = "CREATE TABLE people (id, name, telephone); INSERT INTO people VALUES (7, 'Ion', '+40722333444')";
        let made = Command::new("sqlite3").arg(workplace.path("crm.db")).arg(tables).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    });
    knows(&server);
}
