//! A PBX asks by SOAP: each way in which PHP calls, with each WSDL and without one.

use serde_json::{Value, json};

use crate::harness::{CONFIGURATION, CONTACTS, Reply, TOKEN, Workplace, get, send, text};
use crate::php::{has_php_with, lines_of, php};

/// Calls in seven ways, with the WSDLs of calldex and without one in both versions, and prints what comes back.
const ASK: &str = r#"
ini_set("soap.wsdl_cache_enabled", "0");
[, $url, $token] = $argv;
$basic = ["login" => "pbx", "password" => $token];
$plain = ["location" => $url, "uri" => "urn:callerdata"] + $basic;
$all = ["do_something" => "true", "telephone" => "0722 111 222", "dnid" => "0310000000"];
$clients = [
    "wsdl" => fn() => new SoapClient($url, $basic),
    "document" => fn() => new SoapClient("$url?wsdl=document", $basic),
    "1.1" => fn() => new SoapClient(null, $plain),
    "1.2" => fn() => new SoapClient(null, $plain + ["soap_version" => SOAP_1_2]),
];
$calls = [
    "A" => fn($c) => $c->__soapCall("getCallerInfo", [$all]),
    "B" => fn($c) => $c->__soapCall("getCallerInfo", $all),
    "C" => fn($c) => $c->getCallerInfo($all),
    "D" => fn($c) => call_user_func_array([$c, "getCallerInfo"], array_values($all)),
    "E" => fn($c) => call_user_func_array([$c, "getCallerInfo"], $all),
    "F" => fn($c) => $c->getCallerInfo("0722 111 222", "0310000000"),
    "G" => fn($c) => $c->getCallerInfo((object)$all),
];
foreach ($clients as $style => $client) foreach ($calls as $call => $run) {
    $line = ["style" => $style, "call" => $call];
    try { $line["answer"] = $run($client()); } catch (SoapFault $e) { $line["fault"] = "$e->faultcode: $e->faultstring"; }
    echo json_encode($line), "\n";
}
"#;

/// Calls in one way with what is given, and prints the answer or the fault.
const ASK_ONCE: &str = r#"
ini_set("soap.wsdl_cache_enabled", "0");
[, $wsdl, $options, $function, $arguments] = $argv;
try { $answer = (new SoapClient($wsdl ?: null, json_decode($options, true)))->__soapCall($function, json_decode($arguments, true)); }
catch (SoapFault $e) { $answer = "$e->faultcode: $e->faultstring"; }
echo json_encode($answer), "\n";
"#;

fn has_soap() -> bool {
    has_php_with("soap", "php-soap", "SOAP with PHP")
}

/// One call of PHP; without `wsdl` the address stands in the options.
fn call(wsdl: &str, options: &Value, function: &str, arguments: &Value) -> Value {
    let printed = php(ASK_ONCE, &[wsdl, &options.to_string(), function, &arguments.to_string()], "");
    lines_of(&printed).remove(0)
}

fn ana() -> Value {
    json!({"id": 12345, "name": "Ana Popescu", "queue_position": 5, "direct_line": "SIP/ion-popescu",
        "backend_link": "https://crm.example.com/contact/12345", "route_identifier": "shop"})
}

fn nobody() -> Value {
    json!({"id": null, "name": null, "queue_position": null, "direct_line": null, "backend_link": null,
        "route_identifier": null})
}

#[test]
fn php_calls_in_each_of_its_ways_and_is_understood_or_told_what_is_wrong() {
    if !has_soap() {
        return;
    }
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let lines = lines_of(&php(ASK, &[&format!("http://{}/sales/soap", server.address), TOKEN], ""));
    assert_eq!(lines.len(), 28);
    for line in lines {
        let (style, call) = (line["style"].as_str().unwrap(), line["call"].as_str().unwrap());
        let mut expected = ana();
        if style == "document" {
            expected["id"] = json!("12345");
        }
        let fault = line["fault"].as_str().unwrap_or_default();
        let code = if style == "1.2" { "env:Sender: " } else { "SOAP-ENV:Client: " };
        match (style, call) {
            (_, "A" | "C" | "G") => assert_eq!(line["answer"], expected, "{line}"),
            ("document", _) => assert!(fault.starts_with(code) && fault.contains("was lost on the way"), "{line}"),
            (_, "F") => assert_eq!(line["answer"], expected, "{line}"),
            _ => assert!(fault.starts_with(code) && fault.contains("telephone is \"true\""), "{line}"),
        }
    }
}

#[test]
fn an_unknown_caller_is_answered_with_nulls_and_a_refused_one_with_a_fault() {
    if !has_soap() {
        return;
    }
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let url = format!("http://{}/sales/soap", server.address);
    let with = |password: &str| json!({"login": "pbx", "password": password});
    for caller in ["0799999999", "anonymous", ""] {
        assert_eq!(call(&url, &with(TOKEN), "getCallerInfo", &json!([{"telephone": caller}])), nobody(), "{caller}");
    }
    assert_eq!(call(&url, &with(TOKEN), "getCallerInfo", &json!([{"telephone": null}])), nobody());
    let refused = "SOAP-ENV:Client: refused for 127.0.0.1: wrong address, project or token";
    for options in [with("wrong"), json!({})] {
        let answer = call(&url, &options, "getCallerInfo", &json!([{"telephone": "0722111222"}]));
        assert_eq!(answer, json!(refused));
    }
    let other = format!("http://{}/nothing/soap", server.address);
    assert_eq!(call(&other, &with(TOKEN), "getCallerInfo", &json!([{"telephone": "0722111222"}])), json!(refused));
}

#[test]
fn the_token_may_be_an_argument_by_name_and_by_place() {
    if !has_soap() {
        return;
    }
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let url = format!("http://{}/sales/soap", server.address);
    let none = json!({});
    let named = json!([{"telephone": "0722111222", "token": TOKEN}]);
    assert_eq!(call(&url, &none, "getCallerInfo", &named), ana());
    let plain = json!({"location": url, "uri": "urn:x"});
    assert_eq!(call("", &plain, "anything", &json!(["0722111222", "", TOKEN])), ana());
    let with_other = json!({"location": url, "uri": "urn:x", "login": "pbx", "password": TOKEN});
    assert_eq!(
        call("", &with_other, "anything", &json!(["0722111222", "", "true"])),
        ana(),
        "no token, but another one"
    );
    let renamed = format!("{url}?wsdl&function=whoCalls");
    assert_eq!(call(&renamed, &none, "whoCalls", &named), ana());
    assert!(!server.whole_log().contains(TOKEN));
}

#[test]
fn the_extended_answer_has_the_fields_of_the_newer_page() {
    if !has_soap() {
        return;
    }
    let workplace = Workplace::with(&format!("{CONFIGURATION}reply = \"extended\"\n"), CONTACTS);
    let server = workplace.serve();
    let url = format!("http://{}/sales/soap", server.address);
    let options = json!({"login": "pbx", "password": TOKEN});
    for wsdl in [url.clone(), format!("{url}?wsdl=document")] {
        let answer = call(&wsdl, &options, "getCallerInfo", &json!([{"telephone": "0722111222"}]));
        assert_eq!((&answer["language"], &answer["external_id"]), (&json!("ro"), &Value::Null), "{answer}");
    }
}

fn post(server: &crate::harness::Server, head: &str, body: &[u8]) -> Reply {
    let head = format!(
        "POST /sales/soap HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n",
        body.len()
    );
    send(server.address, &[head.as_bytes(), body].concat())
}

#[test]
fn hostile_xml_is_a_fault_and_the_server_stays() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let bomb = "<!DOCTYPE a [<!ENTITY b 'xxxxxxxxxx'>]><a>&b;</a>";
    for (body, status, words) in [
        (bomb.to_owned(), 500, "document type"),
        (String::new(), 500, "no XML"),
        ("<a>".repeat(20_000), 500, "deeper than"),
        ("<".repeat(60_000), 500, "cannot be read"),
        ("x".repeat(70_000), 413, "longer than 64 KiB"),
    ] {
        let reply = post(&server, "Content-Type: text/xml\r\n", body.as_bytes());
        let answer = reply.text();
        assert_eq!(reply.status, status, "{answer}");
        assert!(answer.contains("<faultcode>SOAP-ENV:Client</faultcode>") && answer.contains(words), "{answer}");
    }
    let new = post(&server, "Content-Type: application/soap+xml\r\n", b"<a/>");
    assert_eq!((new.status, new.header("content-type")), (400, Some("application/soap+xml; charset=utf-8")));
    assert!(new.text().contains("env:Sender"), "{}", new.text());
    assert_eq!(server.lookup("telephone=0722111222").status, 200);
}

#[test]
fn the_wsdl_names_the_address_it_was_asked_at_or_the_public_one() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let reply = get(server.address, "/sales/soap?wsdl");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/xml; charset=utf-8")));
    assert!(reply.text().contains("location=\"http://calldex/sales/soap\""), "{}", reply.text());
    let request = b"GET /sales/soap?wsdl&function=%22%3E HTTP/1.1\r\nHost: a\"<b>\r\nConnection: close\r\n\r\n";
    let hostile = text(&send(server.address, request).body);
    assert!(!hostile.contains("<b>") && hostile.contains("getCallerInfo"), "{hostile}");
    drop(server);
    let public = CONFIGURATION.replace("[server]", "[server]\npublic_url = \"https://calldex.example.com/\"");
    let workplace = Workplace::with(&public, CONTACTS);
    let server = workplace.serve();
    let reply = get(server.address, "/sales/soap?wsdl=document").text();
    assert!(reply.contains("\"https://calldex.example.com/sales/soap?style=document\""), "{reply}");
}
