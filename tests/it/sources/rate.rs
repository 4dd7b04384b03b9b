//! The rate of a source, counted where the requests arrive: it is kept whatever becomes of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Server, TOKEN, Tap, Workplace, get, wait_until};

/// Requests that the source may make in an hour, so that no clock has a say in the test.
const RATE: usize = 40;

/// A server with eight workers whose source may ask so often.
fn serve(tap: &Tap, keys: &str) -> (Workplace, Server) {
    let workplace = Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
         [source.crm]\ntimeout = \"1m\"\nrate = \"{RATE}/1h\"\ncountry = \"RO\"\n{}\n\
         [project.sales]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"crm\"]\ndeadline = \"10s\"\n",
        keys.replace("PORT", &tap.port.to_string())
    ));
    workplace.write("recipes/own.toml", RECIPE);
    let server = workplace.serve_with(|command| {
        command.env("TOKIO_WORKER_THREADS", "8");
    });
    (workplace, server)
}

/// Asks for its callers in two requests.
const RECIPE: &str = "format = 1\ntitle = \"Own\"\n\
    [[lookup]]\nget = \"/first\"\nquery = { number = \"{{ forms.e164 }}\" }\nrecords = \"@\"\n\
    [[lookup]]\nget = \"/second\"\nquery = { number = \"{{ forms.e164 }}\" }\nrecords = \"@\"\n\
    [map]\nid = \"id\"\nname = \"name\"\nnumbers = \"[number]\"\n";

const GENERIC: &str = "type = \"generic\"\nurl = \"http://127.0.0.1:PORT/caller\"";

/// Hundreds of different callers at once; every one of them gets an answer.
fn call(server: &Server) -> usize {
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for line in 0..16 {
            let (answered, address) = (&answered, server.address);
            scope.spawn(move || {
                for number in 0..20 {
                    let reply =
                        get(address, &format!("/sales/lookup?telephone=0722{line:03}{number:03}&token={TOKEN}"));
                    assert_eq!(reply.status, 200);
                    if reply.header("x-calldex-degraded").is_none() {
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    answered.into_inner()
}

/// Calls until the source has made as many requests as it may; failures in a row let it rest meanwhile.
fn use_up(tap: &Tap, server: &Server) {
    wait_until("the last request of the rate", || {
        call(server);
        tap.requests().len() >= RATE
    });
}

fn found() -> String {
    Tap::json("200 OK", "", r#"{"id":7,"name":"Ana"}"#)
}

#[test]
fn a_burst_of_callers_gets_as_many_requests_as_the_rate_has() {
    let tap = Tap::start(|_, _| Some(found()));
    let (_workplace, server) = serve(&tap, GENERIC);
    let answered = call(&server);
    assert_eq!(tap.requests().len(), RATE);
    assert!(answered > 0 && answered <= RATE, "{answered}");
    assert!(tap.connections() <= RATE, "{}", tap.connections());
}

#[test]
fn second_tries_are_paid_for() {
    let tap = Tap::start(|before, _| Some(if before % 2 == 0 { Tap::json("500 Oops", "", "{}") } else { found() }));
    let (_workplace, server) = serve(&tap, GENERIC);
    use_up(&tap, &server);
    call(&server);
    assert_eq!(tap.requests().len(), RATE);
}

#[test]
fn connections_that_are_closed_on_a_request_are_paid_for() {
    // Answers close the connection as well, while the client may think of using it once more.
    let tap = Tap::start(|before, _| match before % 3 {
        0 => None,
        1 => Some(found()),
        _ => Some(Tap::json("200 OK", "Connection: close\r\n", r#"{"id":7}"#)),
    });
    let (_workplace, server) = serve(&tap, GENERIC);
    use_up(&tap, &server);
    call(&server);
    assert_eq!(tap.requests().len(), RATE);
    assert!(tap.connections() <= RATE, "{}", tap.connections());
}

#[test]
fn redirects_and_the_further_requests_of_a_lookup_are_paid_for() {
    let tap = Tap::start(|_, request| match request.starts_with("GET /caller") {
        true => Some(Tap::json("302 Found", "Location: /there\r\n", "")),
        false => Some(found()),
    });
    let (_workplace, server) = serve(&tap, GENERIC);
    let answered = call(&server);
    assert_eq!(tap.requests().len(), RATE);
    assert!(answered > 0 && answered <= RATE / 2, "{answered}");

    let tap = Tap::start(|_, _| Some(Tap::json("200 OK", "", "[]")));
    let (_workplace, server) = serve(&tap, "type = \"own\"\nurl = \"http://127.0.0.1:PORT\"");
    let answered = call(&server);
    assert_eq!(tap.requests().len(), RATE);
    assert!(answered > 0 && answered <= RATE / 2, "{answered}");
}
