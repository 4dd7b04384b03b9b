//! What `calldex snippet` prints does what it says. Kamailio's is tried by kamailio.rs with real calls; here are the parts of
//! the others that run without their PBX, and the requests that the real ones were seen to send, byte for byte.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{
    Asterisk, CONFIGURATION, CONTACTS, Incoming, Kamailio, Line, Server, TOKEN, Workplace, get, has_program, send, text,
};

/// What FreeSWITCH gives to a Lua script, over the program curl; then the script, then its variables are printed.
const SESSION: &str = r#"
local variables = {caller_id_number = os.getenv("CALLER"), destination_number = "40311000000"}
session = {}
function session:getVariable(name) return variables[name] end
function session:setVariable(name, value) variables[name] = value end
function session:execute(application, url)
  assert(application == "curl" and not url:find("[%s']"), url)
  local limit = variables.curl_timeout
  local curl = io.popen("curl -s -m " .. limit .. " -A freeswitch-curl/1.0 -w '\n%{http_code}' '" .. url .. "'")
  local answer = curl:read("a")
  curl:close()
  variables.curl_response_data, variables.curl_response_code = answer:match("^(.*)\n(%d+)$")
end
dofile("calldex.lua")
for _, name in ipairs({"effective_caller_id_name", "calldex_id", "calldex_queue_position", "calldex_direct_line",
                       "calldex_backend_link", "calldex_route_identifier"}) do
  print(name .. "=" .. (variables[name] or ""))
end
"#;

fn with_server(project: &str, contacts: &str) -> (Workplace, Server) {
    let sales = format!("[project.sales]\n{project}");
    let configuration = CONFIGURATION.replace("[project.sales]", &sales);
    let workplace = Workplace::with(&configuration, contacts);
    let server = workplace.serve();
    let public = format!("[server]\nagi = \"127.0.0.1:4573\"\npublic_url = \"http://{}\"", server.address);
    // For the snippets alone, in a file of its own: the server stays as it is.
    workplace.write("printed.toml", configuration.replace("[server]", &public));
    (workplace, server)
}

fn snippet(workplace: &Workplace, pbx: &str) -> String {
    workplace.succeed(&["--config", "printed.toml", "snippet", pbx, "--project", "sales", "--token", TOKEN])
}

#[test]
fn the_lua_script_for_freeswitch_sets_what_is_known_and_nothing_else() {
    let suite = "the Lua script for FreeSWITCH";
    if !has_program("lua5.4", suite) || !has_program("curl", suite) {
        return;
    }
    let odd = "901,\"Bob \"\"direct_line\"\":\"\"SIP/evil\"\" \\ co\",,0733000002,,,,\n";
    let (workplace, server) = with_server("", &format!("{CONTACTS}{odd}"));
    let printed = snippet(&workplace, "freeswitch");
    let script = printed.split("as far as they are known\n").nth(1).expect("the script is the last part");
    workplace.write("calldex.lua", script);
    workplace.write("session.lua", SESSION);
    let variables = |caller: &str| {
        let mut lua = Command::new("lua5.4");
        lua.arg("session.lua").env("CALLER", caller).current_dir(workplace.path("")).stdin(Stdio::null());
        let output = lua.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let ana = "effective_caller_id_name=Ana Popescu\ncalldex_id=12345\ncalldex_queue_position=5\n\
               calldex_direct_line=SIP/ion-popescu\ncalldex_backend_link=https://crm.example.com/contact/12345\n\
               calldex_route_identifier=shop\n";
    for caller in ["+40722111222", "0722111222", "40722111222"] {
        assert_eq!(variables(caller), ana, "{caller}");
    }
    let bob = variables("0733000002");
    assert!(
        bob.starts_with("effective_caller_id_name=Bob \"direct_line\":\"SIP/evil\" \\ co\ncalldex_id=901\n"),
        "{bob}"
    );
    assert!(bob.contains("calldex_direct_line=\n"), "a name is no direct line: {bob}");
    let nobody = "effective_caller_id_name=\ncalldex_id=\ncalldex_queue_position=\ncalldex_direct_line=\n\
                  calldex_backend_link=\ncalldex_route_identifier=\n";
    for caller in ["anonymous", "", "0799999999"] {
        assert_eq!(variables(caller), nobody, "{caller}");
    }
    // What a caller sends is one parameter, whatever it holds: another token would be refused.
    for caller in ["0722111222&token=x", "0722 111 222", "0722111222;'\"%"] {
        assert!(variables(caller).contains("calldex_id=12345"), "{caller}");
    }
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(variables("0722111222"), nobody, "without calldex the call goes on without a name");
}

#[test]
fn cidlookup_and_freepbx_get_the_bare_name_or_nothing() {
    let (workplace, server) = with_server("phone = \"freeswitch\"", CONTACTS);
    let freeswitch = snippet(&workplace, "freeswitch");
    let url =
        freeswitch.split("name=\"url\" value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let freepbx = snippet(&workplace, "freepbx");
    let field = |name: &str| freepbx.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!(format!("{}:{}", field("Host"), field("Port")), server.address.to_string());
    let by_freeswitch = url.strip_prefix(&format!("http://{}", server.address)).unwrap().to_owned();
    let by_freepbx = format!("/{}?{}", field("Path"), field("Query"));
    let ask = |target: &str, agent: &str| {
        send(
            server.address,
            format!(
                "GET {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                server.address
            )
            .as_bytes(),
        )
    };
    // mod_cidlookup sends digits alone, and nothing for "anonymous"; FreePBX encodes the plus.
    for (number, name) in [("40722111222", "Ana Popescu"), ("0722111222", "Ana Popescu"), ("0799999999", ""), ("", "")]
    {
        let reply = ask(&by_freeswitch.replace("${caller_id_number}", number), "freeswitch-cidlookup/1.0");
        assert_eq!((reply.status, reply.text().as_str()), (200, name), "{number}");
    }
    for (number, name) in [("%2B40722111222", "Ana Popescu"), ("0722111222", "Ana Popescu"), ("anonymous", "")] {
        let reply = ask(&by_freepbx.replace("[NUMBER]", number), "asterisk-libcurl-agent/1.0");
        assert_eq!((reply.status, reply.text().as_str()), (200, name), "{number}");
    }
    for wrong in [
        by_freeswitch.replace("token=", "token=x"),
        by_freeswitch.replace("/sales/", "/slaes/"),
        "/nowhere?format=text".to_owned(),
    ] {
        assert_eq!(ask(&wrong, "freeswitch-cidlookup/1.0").text(), "", "any body would be the name: {wrong}");
    }
}

#[test]
fn a_profile_shortens_and_cleans_the_name() {
    let contacts = "id,name,telephone\n1,\"Ștefan: O'Brien / \"\"Sons\"\" 50% @ Brașov\",0722111222\n";
    let names = [
        ("freepbx", "Ștefan: O'Brien / \"Sons\" 50% @ Brașov"),
        ("superfecta", "Stefan: O'Brien / \"Sons\" 50% @ Brasov"),
        ("freeswitch", "Ștefan O'Brien Sons 50 Brașov"),
        ("cnam", "Stefan: O'Brien"),
    ];
    for (phone, name) in names {
        let (workplace, server) = with_server(&format!("phone = \"{phone}\""), contacts);
        assert_eq!(server.lookup("telephone=0722111222").text(), name, "{phone}");
        let print = workplace.succeed(&["config", "print"]);
        assert!(print.contains("format = \"text\""), "{print}");
    }
}

#[test]
fn the_dial_plan_for_asterisk_asks_as_asterisk_was_seen_to() {
    let (workplace, server) = with_server("", CONTACTS);
    let printed = snippet(&workplace, "asterisk");
    let url = printed.split("${CURL(http://").nth(1).unwrap().split(")})\n").next().unwrap();
    let (host, target) = url.split_once('/').unwrap();
    assert_eq!(host, server.address.to_string());
    assert!(!target.contains([',', ' ', ';']), "a comma makes it a POST, a blank no request at all: {target}");
    let target = format!("/{target})")
        .replace("${URIENCODE(${CALLERID(num)})}", "%2B40722111222")
        .replace("${URIENCODE(${ARG1})}", "%2B40311000000");
    let target = target.trim_end_matches(')');
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\n\r\n"
    );
    let mut line = Line::open(server.address);
    for _ in 0..6 {
        // Six CURL() of one call share a connection.
        assert!(line.send(request.as_bytes()));
        assert_eq!(line.reply().unwrap().json()["name"], "Ana Popescu");
    }
    for name in ["id", "name", "queue_position", "direct_line", "backend_link", "route_identifier"] {
        assert!(
            printed.contains(&format!("Set(CALLDEX_{}=${{JSON_DECODE(CALLDEX_JSON,{name})}})", name.to_uppercase())),
            "{name}"
        );
    }
}

#[test]
fn the_dial_plan_for_fastagi_is_answered() {
    let (workplace, server) = with_server("", CONTACTS);
    drop(server);
    let agi = CONFIGURATION.replace("[server]", "[server]\nagi = \"127.0.0.1:0\"");
    let printed = snippet(&workplace, "asterisk-agi");
    workplace.write("calldex.toml", agi);
    let server = workplace.serve();
    let address = printed.split("AGI(agi://127.0.0.1:4573/").nth(1).unwrap().lines().next().unwrap();
    let script = address.strip_suffix(")").unwrap().replace("${URIENCODE(${ARG1})}", "%2B40311000000");
    assert_eq!(script, format!("sales?token={TOKEN}&dnid=%2B40311000000"));
    let dialogue = Asterisk::call(server.agi.unwrap(), &Incoming::new(&script, "+40722111222")).talk();
    assert_eq!(dialogue.get("CALLERID(name)"), "Ana Popescu");
}

/// Everything that some PBX takes for syntax, in a token; and a name of a project with all the characters that it may have.
const ODD_TOKEN: &str = "p%q\"r's;t$v{w}x|y\\z,0 1&2=3#4ăî-5_6.7~8";

#[test]
fn an_odd_token_opens_the_project_through_every_printed_file_and_each_can_be_read() {
    let token = ODD_TOKEN.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${");
    let configuration = CONFIGURATION.replace("[project.sales]", "[project.a-b_c-9]").replace(TOKEN, &token);
    let workplace = Workplace::with(&configuration, CONTACTS);
    let server = workplace.serve();
    let print = |pbx: &str, public_url: &str| {
        let public = format!("[server]\nagi = \"127.0.0.1:4573\"\npublic_url = \"{public_url}\"");
        workplace.write("printed.toml", configuration.replace("[server]", &public));
        workplace.succeed(&["--config", "printed.toml", "snippet", pbx, "--token", ODD_TOKEN])
    };
    let here = format!("http://{}", server.address);
    for pbx in ["while1", "asterisk", "freeswitch", "kamailio"] {
        let printed = print(pbx, &here);
        let url = printed.split(&here).nth(1).unwrap().split(['"', '\n', '$']).next().unwrap().replace("&amp;", "&");
        let query = url.trim_end_matches("&telephone=");
        let reply = get(server.address, &format!("{query}&format=json&telephone=0722111222"));
        assert_eq!(reply.json()["name"], "Ana Popescu", "{pbx}: {query}");
    }
    for public_url in ["https://[2001:db8::1]:8443/x%20y", "http://[::1]:8080"] {
        let freeswitch = print("freeswitch", public_url);
        for (begin, end) in [("<configuration", "</configuration>"), ("<extension name=\"calldex\"", "</extension>")] {
            let part = freeswitch.split_once(begin).unwrap().1.split_once(end).unwrap().0;
            let mut reader = quick_xml::Reader::from_str(part);
            while !matches!(reader.read_event().expect(part), quick_xml::events::Event::Eof) {}
        }
        let suite = "the printed files of PBXs, read by the PBXs";
        if has_program("luac5.4", suite) {
            workplace.write("calldex.lua", freeswitch.split_once("as far as they are known\n").unwrap().1);
            let read =
                Command::new("luac5.4").args(["-p", "calldex.lua"]).current_dir(workplace.path("")).output().unwrap();
            assert!(read.status.success(), "{}", text(&read.stderr));
        }
        if has_program("kamailio", suite) && Kamailio::has_modules() {
            let said = Kamailio::check(&workplace, &print("kamailio", public_url));
            assert!(said.contains("config file ok, exiting"), "{said}");
        }
    }
}

#[test]
fn the_requests_of_real_pbxs_are_answered_byte_for_byte() {
    let (_workplace, server) = with_server("", CONTACTS);
    let host = server.address;
    let query = format!("telephone=40722111222&dnid=40311000000&token={TOKEN}");
    let requests = [
        // Kamailio 5.6.3: http_client_get with and without a header.
        format!(
            "GET /sales/lookup?{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kamailio (5.6.3 (x86_64/linux))\r\nAccept: application/json\r\n\r\n"
        ),
        format!(
            "GET /sales/lookup?{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kamailio (5.6.3 (x86_64/linux))\r\nAccept: */*\r\n\r\n"
        ),
        // Its {s.escape.param} lets a plus through, which arrives as a blank.
        format!(
            "GET /sales/lookup?{} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kamailio (5.6.3 (x86_64/linux))\r\nAccept: */*\r\n\r\n",
            query.replace("=4", "=+4")
        ),
        // Asterisk 22.10.1: with a plus; with the token as Basic password and as a header of its own.
        format!(
            "GET /sales/lookup?{} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\n\r\n",
            query.replace("=4", "=%2B4")
        ),
        format!(
            "GET /sales/lookup?telephone=%2b40722111222 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic dXNlcjphLXRva2VuLWZvci10aGUtdGVzdHMtMDEyMzQ1Njc4OQ==\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\n\r\n"
        ),
        // A comma in the URL of CURL() makes what follows it a body.
        format!(
            "POST /sales/lookup HTTP/1.1\r\nHost: {host}\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\nAccept: */*\r\nContent-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{query}",
            query.len()
        ),
        // FreeSWITCH 1.10.12: mod_curl and mod_cidlookup.
        format!(
            "GET /sales/lookup?{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: freeswitch-curl/1.0\r\nAccept: */*\r\n\r\n"
        ),
        format!(
            "GET /sales/lookup?{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: freeswitch-cidlookup/1.0\r\nAccept: */*\r\n\r\n"
        ),
        // A raw # and raw blanks, which hyper alone would answer with 400 or cut off.
        format!("GET /sales/lookup?telephone=*31#0722 111 222&dnid=1&token={TOKEN} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    ];
    for request in requests {
        let mut line = Line::open(server.address);
        assert!(line.send(request.as_bytes()));
        let reply = line.reply().expect(&request);
        assert_eq!((reply.status, reply.json()["name"].as_str()), (200, Some("Ana Popescu")), "{request}");
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
        assert!(!reply.body.contains(&b'\n'), "Kamailio reads the first line only");
    }
}

#[test]
fn a_token_may_come_on_standard_input_and_what_is_missing_is_said() {
    let (workplace, _server) = with_server("", CONTACTS);
    let mut command = workplace.command(&["--config", "printed.toml", "snippet", "while1", "--token", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{TOKEN}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(&format!("/api/sales?token={TOKEN}\n")), "{}", text(&output.stdout));
    let without = workplace.run(&["--config", "printed.toml", "snippet", "while1"]);
    assert!(text(&without.stdout).contains("token=PUT-THE-TOKEN-HERE"));
    assert!(text(&without.stderr).contains("calldex keeps only hashes"), "{}", text(&without.stderr));
    assert!(workplace.fail(&["snippet", "kamailio", "--token", TOKEN]).contains("add [server] public_url"));
    assert!(workplace.fail(&["snippet", "kamailio", "--project", "sale"]).contains("did you mean sales?"));
}
