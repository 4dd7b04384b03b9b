//! A tenant reaches public addresses only: whatever a name answers from one moment to the next, however an address is
//! written, and wherever a system of the tenant's own sends the request on to. What counts is what was connected to.

use crate::harness::{Network, PUBLIC, Server, TOKEN, Tap, Workplace, get, wait_until};

/// Ways to write addresses of this machine, of its network and of metadata services.
const HOSTS: [&str; 29] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "%31%32%37.0.0.1",
    "１２７.0.0.1",
    "0.0.0.0",
    "0",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "169.254.169.254",
    "0xa9fea9fe",
    "private.example",
    "metadata.example",
];

const FOUND: &str = r#"{"id":7,"name":"Ana"}"#;

/// A source of each type that asks over HTTP, at an address of a host.
fn source(api_type: &str, host: &str, port: u16) -> String {
    let at = format!("http://{host}:{port}");
    match api_type {
        "soap" => {
            format!("type = \"soap\"\nparams = \"func_name=f&init_params[uri]=urn:x&init_params[location]={at}/\"")
        }
        "wsdl" => format!("type = \"soap\"\nurl = \"{at}/s?wsdl\"\nparams = \"func_name=f\""),
        "freshdesk" => format!("type = \"freshdesk\"\nurl = \"{at}\"\nparams = \"domain=a&user=u&password=X\""),
        "salesforce" => {
            format!("type = \"salesforce\"\nurl = \"{at}\"\nparams = \"username=i@x.ro&password=p&token=t\"")
        }
        "hubspot" => format!("type = \"hubspot\"\nurl = \"{at}\"\nparams = {{ portal = \"1\", token = \"t\" }}"),
        other => format!("type = \"{other}\"\nurl = \"{at}/\""),
    }
}

/// A project file, of a tenant or not, with these sources.
fn serve(network: &Network, tenant: bool, sources: &[String], more: &str) -> (Workplace, Server) {
    let workplace = Workplace::new(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n[cache]\nfound_entries = 0\nunknown_entries = 0\n",
    );
    let names: Vec<String> = (0..sources.len()).map(|place| format!("s{place}")).collect();
    let written: String = names.iter().zip(sources).map(|(name, keys)| format!("[source.{name}]\n{keys}\n")).collect();
    workplace.write(
        "projects/shop.toml",
        format!(
            "{written}[project.shop]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = {names:?}\ndeadline = \"10s\"\n\
             tenant = {tenant}\n{more}"
        ),
    );
    let server = network.serve(&workplace);
    (workplace, server)
}

/// Asks for a number; the name that is known, and how many sources failed.
fn ask(server: &Server, last: usize) -> (Option<String>, usize) {
    let reply = get(server.address, &format!("/shop/lookup?telephone=07221112{last:02}&token={TOKEN}"));
    assert_eq!(reply.status, 200, "{}", server.log());
    let failed = reply.header("x-calldex-degraded").map_or(0, |names| names.split(',').count());
    (reply.json()["name"].as_str().map(str::to_owned), failed)
}

/// Nothing was connected to but the public address.
fn is_kept_out(network: &Network, server: &Server) {
    let reached = network.reached();
    assert!(reached.iter().all(|address| address == PUBLIC), "{reached:?}\n{}", server.log());
    assert_eq!(network.private.connections(), 0);
}

#[test]
fn a_name_that_answers_something_else_each_time_leads_to_nothing_private() {
    let close = "Connection: close\r\n";
    for tenant in [true, false] {
        let answer = move |_, _: &str| Some(Tap::json("200 OK", close, FOUND));
        let Some(network) = Network::of("names that turn", answer) else { return };
        let turning = source("generic", "turning.example", network.public.port);
        let (_workplace, server) = serve(&network, tenant, &[turning], "");
        let answers: Vec<(Option<String>, usize)> = (0..20).map(|last| ask(&server, last)).collect();
        let count = |name: Option<&str>| answers.iter().filter(|(found, _)| found.as_deref() == name).count();
        assert!(count(Some("Ana")) > 0, "its public address is reached: {answers:?}\n{}", server.log());
        if tenant {
            assert!(count(None) > 0 && count(Some("a secret")) == 0, "{answers:?}");
            is_kept_out(&network, &server);
            server.stop();
        } else {
            assert!(count(Some("a secret")) > 0, "one of ours may lead anywhere: {answers:?}");
        }
    }
}

#[test]
fn a_name_with_a_public_and_a_private_address_leads_to_the_public_one() {
    let Some(network) = Network::of("a name with two addresses", |_, _| Some(Tap::json("200 OK", "", FOUND))) else {
        return;
    };
    let both = source("generic", "both.example", network.public.port);
    let (_workplace, server) = serve(&network, true, &[both], "");
    assert_eq!(ask(&server, 1), (Some("Ana".to_owned()), 0));
    is_kept_out(&network, &server);
}

#[test]
fn nothing_that_is_private_is_connected_to_however_it_is_written() {
    for api_type in ["generic", "ticketsys", "soap", "wsdl", "freshdesk", "salesforce", "hubspot"] {
        let Some(network) = Network::of("private addresses", |_, _| None) else { return };
        let sources: Vec<String> = HOSTS.iter().map(|host| source(api_type, host, network.public.port)).collect();
        let (_workplace, server) = serve(&network, true, &sources, "");
        assert_eq!(ask(&server, 1), (None, sources.len()), "{api_type}: {}", server.log());
        assert!(network.reached().is_empty(), "{api_type}: {:?}", network.reached());
    }
}

/// Where a system of the tenant's own sends requests on to.
fn targets(port: u16) -> Vec<String> {
    vec![
        format!("http://127.0.0.1:{port}/x"),
        format!("http://private.example:{port}/x"),
        format!("http://0x7f.1:{port}/x"),
        format!("//[::ffff:127.0.0.1]:{port}/x"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://metadata.example/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
    ]
}

/// Which target a request is about: its path or SOAP location ends with its place in [`targets`].
fn target_of(port: u16, request: &str) -> String {
    let line = request.lines().next().unwrap_or_default();
    let place = line.split("to=").nth(1).and_then(|rest| rest.get(..1)).and_then(|place| place.parse::<usize>().ok());
    targets(port)[place.unwrap_or(0)].clone()
}

/// Asks sources that all lead to the tenant's own system first, and looks at where the requests went.
fn is_not_led_astray(
    suite: &str,
    sources: impl Fn(u16) -> Vec<String>,
    answer: impl Fn(u16, &str) -> Option<String> + Send + Sync + 'static,
) {
    let Some(network) = Network::of(suite, answer) else { return };
    let sources = sources(network.public.port);
    let (_workplace, server) = serve(&network, true, &sources, "");
    assert_eq!(ask(&server, 1), (None, sources.len()), "{}", server.log());
    assert!(network.public.connections() >= 1, "the tenant's own system is asked: {}", server.log());
    is_kept_out(&network, &server);
}

#[test]
fn a_redirect_leads_to_nothing_private() {
    let sources = |port| {
        (0..8).map(|place| format!("type = \"generic\"\nurl = \"http://public.example:{port}/?to={place}\"")).collect()
    };
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        is_not_led_astray("redirects", sources, move |port, request| {
            Some(Tap::json(status, &format!("Location: {}\r\n", target_of(port, request)), "{}"))
        });
    }
    // A redirect within the host is followed, by a new connection, and the name has turned meanwhile.
    let turning = |port| vec![source("generic", "turning.example", port)];
    is_not_led_astray("redirects of a name that turns", turning, |_, _| {
        Some(Tap::json("302 Found", "Location: /elsewhere\r\nConnection: close\r\n", "{}"))
    });
}

#[test]
fn a_description_of_a_service_leads_to_nothing_private() {
    let sources = |port| {
        let wsdl = |place| {
            format!(
                "type = \"soap\"\nurl = \"http://public.example:{port}/?wsdl&to={place}\"\nparams = \"func_name=f\""
            )
        };
        (0..8).map(wsdl).collect()
    };
    let wsdl = |inner: &str| {
        let document = format!(
            "<definitions xmlns='http://schemas.xmlsoap.org/wsdl/' xmlns:s='http://schemas.xmlsoap.org/wsdl/soap/' \
             xmlns:x='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:x' xmlns:t='urn:x'>{inner}</definitions>"
        );
        Some(Tap::json("200 OK", "", &document))
    };
    is_not_led_astray("imports of a WSDL", sources, move |port, request| {
        wsdl(&format!("<import namespace='urn:y' location='{}'/>", target_of(port, request)))
    });
    is_not_led_astray("schemas of a WSDL", sources, move |port, request| {
        wsdl(&format!(
            "<types><x:schema><x:import namespace='urn:y' schemaLocation='{}'/></x:schema></types>",
            target_of(port, request)
        ))
    });
    is_not_led_astray("the address in a WSDL", sources, move |port, request| {
        wsdl(&format!(
            "<message name='i'/><message name='o'/><portType name='p'><operation name='f'><input message='t:i'/><output message='t:o'/></operation></portType>\
             <binding name='b' type='t:p'><s:binding style='rpc' transport='http://schemas.xmlsoap.org/soap/http'/><operation name='f'>\
             <s:operation soapAction='x'/><input><s:body use='literal' namespace='urn:x'/></input><output><s:body use='literal' namespace='urn:x'/></output></operation></binding>\
             <service name='s'><port name='q' binding='t:b'><s:address location='{}'/></port></service>",
            target_of(port, request)
        ))
    });
}

#[test]
fn a_login_that_names_another_host_leads_to_nothing_private() {
    let sources = |port| vec![source("salesforce", "public.example", port)];
    is_not_led_astray("the host of a login", sources, |port, _| {
        Some(Tap::json(
            "200 OK",
            "",
            &format!(
                "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><loginResponse xmlns='urn:partner.soap.sforce.com'>\
             <result><serverUrl>http://127.0.0.1:{port}/services/Soap/u/59.0/00D</serverUrl><sessionId>s</sessionId></result>\
             </loginResponse></e:Body></e:Envelope>"
            ),
        ))
    });
}

#[test]
fn a_journal_of_a_tenant_writes_to_nothing_private() {
    for host in
        ["127.0.0.1", "private.example", "0x7f.1", "[::ffff:127.0.0.1]", "metadata.example", "[64:ff9b::7f00:1]"]
    {
        let Some(network) = Network::of("journals", |_, _| None) else { return };
        let url = format!("http://{host}:{}/calls", network.public.port);
        let more = format!("journal = [\"own\"]\n[journal.own]\nurl = \"{url}\"\nrate = 60000\n");
        let generic = source("generic", "public.example", network.public.port);
        let (workplace, server) = serve(&network, true, &[generic], &more);
        let event = format!("/shop/events?event=missed_calls&uniqueid=1&telephone=anonymous&token={TOKEN}");
        assert_eq!(get(server.address, &event).status, 200);
        let listed = || workplace.succeed(&["journal", "list", "--waiting", "--json"]);
        wait_until("the first try", || listed().contains("\"tries\":1"));
        assert!(listed().contains("not a public one"), "{host}: {}", listed());
        is_kept_out(&network, &server);
    }
}

#[test]
fn a_database_of_a_tenant_is_not_connected_to() {
    for url in [
        "postgres://u:p@private.example:{port}/d",
        "mysql://u:p@127.0.0.1:{port}/d",
        "postgres://u:p@public.example:{port}/d",
    ] {
        let Some(network) = Network::of("databases", |_, _| None) else { return };
        let url = url.replace("{port}", &network.public.port.to_string());
        let sql = format!("type = \"sql\"\nurl = \"{url}\"\nquery = \"SELECT 1 AS telephone\"");
        let (_workplace, server) = serve(&network, true, &[sql], "");
        assert_eq!(ask(&server, 1), (None, 1), "{}", server.log());
        assert!(network.reached().is_empty(), "{:?}", network.reached());
    }
}
