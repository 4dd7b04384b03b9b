//! The bytes that leave for a system, whatever the PBX sends.

use crate::harness::{ADMIN, TOKEN, Tap, Workplace, get, wait_until};

/// A recipe whose lookup is a POST, of a form or of JSON, with whatever the call holds.
fn recipe(body: &str) -> String {
    format!(
        "format = 1\ntitle = \"Own\"\n[[lookup]]\npost = \"/find/{{{{ forms.digits }}}}\"\n\
         query = {{ q = \"{{{{ call.dnid }}}}\" }}\n\
         {body} = {{ number = \"{{{{ forms.e164 }}}}\", line = \"{{{{ call.dnid }}}}\" }}\nrecords = \"@\"\n\
         [map]\nid = \"id\"\nname = \"name\"\nnumbers = \"[number]\"\n"
    )
}

/// What one call makes a source send, with `HOST` for the stand-in.
fn sent(source: &str, own: &str, query: &str) -> String {
    let tap = Tap::start(|_, _| Some(Tap::json("200 OK", "", "[]")));
    let source = source.replace("PORT", &tap.port.to_string());
    let workplace = Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\nadmin_tokens = [\"{ADMIN}\"]\n\
         [source.crm]\ntimeout = \"1m\"\n{source}\n\
         [project.sales]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"crm\"]\ndeadline = \"10s\"\n"
    ));
    if !own.is_empty() {
        workplace.write("recipes/own.toml", own);
    }
    let server = workplace.serve();
    let reply = get(server.address, &format!("/sales/lookup?{query}&token={TOKEN}"));
    assert_eq!(reply.status, 200);
    wait_until("the request", || !tap.requests().is_empty());
    tap.requests()[0].replace(&format!("127.0.0.1:{}", tap.port), "HOST")
}

const GENERIC: &str = "type = \"generic\"\nurl = \"http://127.0.0.1:PORT/a%20b/caller?key=x%2By%26z&e=1\"";

/// What the client adds to every request.
const CLIENT: &str =
    concat!("user-agent: calldex/", env!("CARGO_PKG_VERSION"), "\r\naccept-encoding: gzip\r\nhost: HOST\r\n");

/// The number that was called, as somebody might send it who wants to add a header, a parameter or a field.
const HOSTILE: &str = "dnid=line%0d%0aX-Evil:%201%26telephone=0%20%22%5C%C8%9B";

#[test]
fn a_get_of_generic_is_these_bytes() {
    let plain = sent(GENERIC, "", "telephone=0722111222&dnid=0310000000");
    let target = "/a%20b/caller?key=x%2By%26z&e=1";
    assert_eq!(
        plain,
        format!("GET {target}&telephone=0722111222&dnid=0310000000 HTTP/1.1\r\naccept: */*\r\n{CLIENT}\r\n")
    );

    let login = GENERIC.replace("http://", "http://ion:p%40ss@");
    assert_eq!(
        sent(&login, "", "telephone=0722111222"),
        format!(
            "GET {target}&telephone=0722111222&dnid= HTTP/1.1\r\nauthorization: Basic aW9uOnBAc3M=\r\naccept: */*\r\n{CLIENT}\r\n"
        )
    );

    // The name of a line goes out as it came in, escaped; a header that it cannot stand in is left out.
    let headers = format!("{GENERIC}\nparams = \"send_request_headers=1&type=xml\"");
    assert_eq!(
        sent(&headers, "", &format!("telephone=%2B49301234567&{HOSTILE}")),
        format!(
            "GET {target}&telephone=0049301234567&dnid=line%0D%0AX-Evil%3A+1%26telephone%3D0+%22%5C%C8%9B HTTP/1.1\r\n\
             accept: application/xml\r\ncontent-type: application/xml\r\nx-telephone: 0049301234567\r\nx-project: sales\r\n\
             {CLIENT}\r\n"
        )
    );
}

#[test]
fn of_a_callers_number_only_digits_leave() {
    for written in [
        "%2B40%20(722)%20111-222",
        "sip:0722111222@evil.example%3Bx=%250d%250aX-Evil",
        "%22Evil%20%26dnid=1%22%20%3Csip:0722111222@10.0.0.1%3E",
        "tel:%2B40-722-111-222%3Bphone-context=%26a=b",
        "0722111222%00",
    ] {
        let sent = sent(GENERIC, "", &format!("telephone={written}"));
        let line = sent.lines().next().unwrap();
        assert_eq!(line, "GET /a%20b/caller?key=x%2By%26z&e=1&telephone=0722111222&dnid= HTTP/1.1", "{written}");
    }
}

#[test]
fn a_post_of_a_recipe_is_these_bytes_in_json_and_as_a_form() {
    let source = "type = \"own\"\nurl = \"http://127.0.0.1:PORT/base\"";
    let target = "/base/find/40722111222?q=line%0D%0AX-Evil%3A+1%26telephone%3D0+%22%5C%C8%9B";
    let json = "{\"line\":\"line\\r\\nX-Evil: 1&telephone=0 \\\"\\\\ț\",\"number\":\"+40722111222\"}";
    let form = "line=line%0D%0AX-Evil%3A+1%26telephone%3D0+%22%5C%C8%9B&number=%2B40722111222";
    for (body, kind, bytes) in [("json", "application/json", json), ("form", "application/x-www-form-urlencoded", form)]
    {
        let length = bytes.len();
        assert_eq!(
            sent(source, &recipe(body), &format!("telephone=0722111222&{HOSTILE}")),
            format!(
                "POST {target} HTTP/1.1\r\naccept: application/json\r\ncontent-type: {kind}\r\n{CLIENT}\
                 content-length: {length}\r\n\r\n{bytes}"
            )
        );
    }
}
