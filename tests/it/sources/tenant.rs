//! What a tenant writes reaches nothing of the network around calldex, however the address is written.

use crate::harness::{Page, TOKEN, Workplace, get};

/// A project file of a tenant or of somebody who is trusted, whose sources all lead to this port of this machine.
fn project_file(port: u16, tenant: bool) -> (String, usize) {
    let hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "[::ffff:127.0.0.1]"];
    let generic = hosts.map(|host| format!("type = \"generic\"\nurl = \"http://{host}:{port}/metadata\""));
    let soap = [
        format!("type = \"soap\"\nurl = \"http://localhost:{port}/service?wsdl\"\nparams = \"func_name=f\""),
        format!(
            "type = \"soap\"\nparams = \"func_name=f&init_params[uri]=urn:x&init_params[location]=http://localhost:{port}/\""
        ),
    ];
    let sources: Vec<String> = generic.into_iter().chain(soap).collect();
    let names: Vec<String> = (0..sources.len()).map(|place| format!("s{place}")).collect();
    let written: String = names.iter().zip(&sources).map(|(name, keys)| format!("[source.{name}]\n{keys}\n")).collect();
    let project = format!(
        "{written}[project.shop]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = {names:?}\ndeadline = \"10s\"\n\
         tenant = {tenant}\n"
    );
    (project, names.len())
}

#[test]
fn no_source_of_a_tenant_reaches_this_machine_and_one_of_ours_does() {
    for tenant in [true, false] {
        let page = Page::start(|_| ("200 OK", "{}".to_owned()));
        let (project, count) = project_file(page.port, tenant);
        let workplace = Workplace::new("[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n");
        workplace.write("projects/shop.toml", project);
        let server = workplace.serve();
        let reply = get(server.address, &format!("/shop/lookup?telephone=0722111222&token={TOKEN}"));
        assert_eq!((reply.status, reply.json()["id"].is_null()), (200, true), "{}", reply.text());
        if tenant {
            let degraded = reply.header("x-calldex-degraded").unwrap_or_default();
            assert_eq!((degraded.split(',').count(), page.asked()), (count, 0), "{degraded}");
        } else {
            assert!(page.asked() >= count, "{} of {count}", page.asked());
        }
    }
}

#[test]
fn a_tenant_reads_no_files_and_asks_no_database() {
    for (keys, words) in [
        ("type = \"sql\"\nurl = \"sqlite:calldex.db\"\nquery = \"SELECT 1 AS telephone\"", "tenant"),
        (
            "type = \"soap\"\nparams = \"func_name=f&wsdl=service.wsdl&init_params[location]=https://crm.example.com/\"",
            "no files",
        ),
    ] {
        let workplace = Workplace::new("[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n");
        workplace.write("service.wsdl", "<definitions/>");
        workplace.write(
            "projects/shop.toml",
            format!(
                "[source.s]\n{keys}\n[project.shop]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"s\"]\ntenant = true\n"
            ),
        );
        let server = workplace.serve();
        let reply = get(server.address, &format!("/shop/lookup?telephone=0722111222&token={TOKEN}"));
        assert_eq!(reply.header("x-calldex-degraded"), Some("shop/s"), "{keys}: {}", server.log());
        server.wait_for_log(words);
    }
}
