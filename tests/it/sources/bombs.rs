//! Answers and expressions that would grow without bound: they end, they say why, and the others do not notice.

use serde_json::json;

use crate::harness::{ADMIN, Page, TOKEN, Workplace, get, resident_kilobytes, send, wait_until};

/// The same step of JMESPath again and again.
fn chain(step: &str, times: usize) -> String {
    vec![step; times].join(" | ")
}

/// Sources whose answers or expressions grow, by name, and what is said of them.
fn bombs() -> Vec<(&'static str, String, String, &'static str)> {
    let json = json!({"id": 1, "name": "Ana", "items": ["x".repeat(20_000), [1, 2]]}).to_string();
    let map = |expression: String| format!("type = \"generic\"\nmap = {{ name = \"{expression}\" }}");
    let nested = "map(&".repeat(60) + "@" + &", [@,@])".repeat(60);
    let xml = "type = \"generic\"\nparams = \"type=xml\"".to_owned();
    let tagged = "type = \"generic\"\nparams = \"type=xml&root_tag=z\"".to_owned();
    let soap = "type = \"soap\"\nparams = \"func_name=f&init_params[uri]=urn:x&init_params[location]=URL\"".to_owned();
    let entity =
        "<!DOCTYPE a [<!ENTITY b \"xxxxxxxxxx\"><!ENTITY c \"&b;&b;&b;&b;\">]><a><name>&c;</name></a>".to_owned();
    let wide: String = (0..60).map(|place| format!(" p{place}='{place}'")).collect();
    let attributes = format!("<a>{}</a>", format!("<b{wide} q0='1' q1='1' q2='1' q3='1' q4='1'/>").repeat(800));
    let references = |named: &str| {
        format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><r><return>{}</return></r>\
             <m id='i'>{named}</m></e:Body></e:Envelope>",
            "<x href='#i'/>".repeat(9_000)
        )
    };
    let long = "n".repeat(400_000);
    let steps = "takes more than 500000 steps on this answer";
    vec![
        ("lists", map(chain("[@,@][]", 90)), json.clone(), steps),
        ("pairs", map(chain("[@,@]", 100)), json.clone(), steps),
        ("texts", map(format!("items[0] | {}", chain("join('',[@,@])", 60))), json.clone(), steps),
        ("time", map(format!("length({nested})")), json.clone(), steps),
        ("contacts", "type = \"generic\"\nmap = { contacts = \"[@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][] | [@,@][]\" }".to_owned(), json.clone(), steps),
        ("deep", "type = \"generic\"".to_owned(), "[".repeat(500_000), "the answer is no JSON"),
        ("entities", xml.clone(), entity, "document type (DTD)"),
        ("depth", tagged.clone(), "<a>".repeat(200_000), "deeper than 64"),
        ("elements", tagged.clone(), format!("<a>{}</a>", "<b/>".repeat(200_000)), "more than 50000 elements"),
        ("attributes", tagged, attributes, "more than 64 attributes"),
        ("large", xml, format!("<a><name>{}</name></a>", "x".repeat(2 << 20)), "larger than 1048576 bytes"),
        ("keys", soap.clone(), references(&format!("<item><key>{long}</key><value>x</value></item>")), "too much text"),
        ("names", soap, references(&format!("<{long}>x</{long}>")), "too much text"),
    ]
}

#[test]
fn what_grows_without_bound_ends_with_an_explanation_and_the_others_are_answered() {
    let good = Page::start(|_| ("200 OK", json!({"id": 7, "name": "Ion"}).to_string()));
    let pages: Vec<Page> =
        bombs().into_iter().map(|(_, _, body, _)| Page::start(move |_| ("200 OK", body.clone()))).collect();
    let mut keys = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\nadmin_tokens = [\"{ADMIN}\"]\n\
         [source.good]\ntype = \"generic\"\nurl = \"http://127.0.0.1:{}/\"\n\
         [project.good]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"good\"]\ndeadline = \"10s\"\n",
        good.port
    );
    for ((name, source, ..), page) in bombs().iter().zip(&pages) {
        let url = format!("http://127.0.0.1:{}/", page.port);
        let url_key = if source.contains("soap") { String::new() } else { format!("url = \"{url}\"\n") };
        keys += &format!(
            "[source.{name}]\n{}\n{url_key}timeout = \"1m\"\n[project.{name}]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\n\
             sources = [\"{name}\"]\ndeadline = \"10s\"\n",
            source.replace("URL", &url)
        );
    }
    let workplace = Workplace::new(&keys);
    let server = workplace.serve();
    let address = server.address;
    let explained = |name: &str| {
        let reply = get(address, &format!("/{name}/lookup?telephone=0722111222&token={TOKEN}"));
        assert_eq!((reply.header("x-calldex-degraded"), &reply.json()["name"]), (Some(name), &json!(null)));
        let target = format!("/{name}/explain?request={}", reply.header("x-request-id").unwrap());
        let head = format!("Host: x\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close");
        send(address, format!("GET {target} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).text()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (name, _, _, why) in &bombs() {
                wait_until(name, || explained(name).contains(why));
            }
        });
        for caller in 0..50 {
            let reply = get(address, &format!("/good/lookup?telephone=07221112{caller:02}&token={TOKEN}"));
            assert_eq!((reply.header("x-calldex-degraded"), &reply.json()["name"]), (None, &json!("Ion")));
        }
    });
    let used = resident_kilobytes(server.id());
    assert!(used < 400_000, "{used} kB");
}
