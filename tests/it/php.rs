//! PHP as the client that most PBXs are: what it sends, and what it makes of the answers.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{CONFIGURATION, Server, TOKEN, Workplace, has_program, text};

/// Reads every answer on standard input, one JSON string a line, as the PBX does, and prints what PHP makes of it.
const READ_XML: &str = r#"
libxml_use_internal_errors(true);
while (($line = fgets(STDIN)) !== false) {
    $xml = simplexml_load_string(json_decode($line));
    if ($xml === false || libxml_get_errors()) { echo "\"broken\"\n"; continue; }
    echo json_encode(["root" => $xml->getName(), "fields" => json_decode(json_encode($xml))]), "\n";
}
"#;

/// Asks in every form that a PBX is known to use, and prints the decoded answers.
const ASK: &str = r#"
[, $url, $token] = $argv;
function show($body) { echo json_encode(json_decode($body)), "\n"; }
$form = fn($data, $headers = "") => stream_context_create(["http" => ["method" => "POST", "content" => $data,
    "header" => "Content-Type: application/x-www-form-urlencoded\r\n" . $headers]]);
$ana = ["telephone" => "+40722111222", "dnid" => null, "token" => $token];
show(file_get_contents($url . "?" . http_build_query($ana)));
show(file_get_contents($url . "?telephone=+40722111222&dnid=&token=" . $token));
show(file_get_contents($url . "?" . http_build_query(["telephone" => "0722 111 222", "dnid" => "0310000000", "token" => $token])));
show(file_get_contents($url . "?" . http_build_query(["telephone" => 40722111222, "token" => $token])));
show(file_get_contents($url . "?" . http_build_query(["telephone" => ["+40722111222"], "token" => $token])));
show(file_get_contents($url . "?" . http_build_query($ana, "", "&", PHP_QUERY_RFC3986)));
show(file_get_contents($url, false, $form(http_build_query($ana))));
show(file_get_contents($url, false, $form("telephone=+40722111222", "Authorization: Bearer $token\r\n")));
show(file_get_contents($url . "?telephone=0722111222", false, stream_context_create(["http" => [
    "header" => "Authorization: Basic " . base64_encode("pbx:" . $token)]])));
show(file_get_contents($url, false, stream_context_create(["http" => ["method" => "POST",
    "header" => "Content-Type: application/json", "content" => json_encode($ana)]])));
show(file_get_contents($url . "?" . http_build_query(["telephone" => null, "dnid" => null, "token" => $token])));
show(file_get_contents($url . "?" . http_build_query(["telephone" => "", "token" => $token])));
show(file_get_contents($url . "?" . http_build_query(["telephone" => false, "token" => $token])));
"#;

/// Prints the types of the fields of an answer, in their order.
const TYPES: &str = r#"
foreach (json_decode(file_get_contents($argv[1]), true) as $name => $value) echo $name, " ", gettype($value), "\n";
"#;

const HEADER: &str = "id,name,telephone,queue_position,direct_line,backend_link,route_identifier,language\n";

/// Whether PHP is here with its XML functions, which Debian packs by themselves.
fn has_php() -> bool {
    has_php_with("SimpleXML", "php-xml", "the answers as PHP reads them")
}

/// Whether PHP is here with a module, which Debian packs by itself.
pub(crate) fn has_php_with(module: &str, package: &str, suite: &str) -> bool {
    if !has_program("php", suite) {
        return false;
    }
    let modules = Command::new("php").arg("-m").output().unwrap();
    text(&modules.stdout).lines().any(|line| line == module)
        || has_program(&format!("{package} (PHP's {module})"), suite)
}

/// Runs a script with arguments and input; PHP itself must be content with it.
pub(crate) fn php(script: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("php");
    command.args(["-d", "display_errors=stderr", "-r", script, "--"]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What PHP's SimpleXML makes of the XML answers for these callers: root element and fields.
fn read_xml(server: &Server, callers: &[&str]) -> Vec<Value> {
    let answers = callers.iter().map(|caller| server.lookup(&format!("telephone={caller}&format=xml")).text());
    let lines: String = answers.map(|answer| json!(answer).to_string() + "\n").collect();
    php(READ_XML, &[], &lines).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn lines_of(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What SimpleXML makes of an empty element.
fn empty() -> Value {
    json!({})
}

#[test]
fn simplexml_reads_every_field_as_it_was_meant() {
    if !has_php() {
        return;
    }
    let names = [
        "Ana Popescu",
        "O'Brien & Söhne <GmbH> \"Süd\"",
        "Ștefan Țăran 😀 日本",
        "]]> &amp; <![CDATA[x]]>",
        "a=b;c%20d\\e",
        "0",
        "عمر",
        &"Lange Firma ".repeat(300),
    ];
    let rows: String = names
        .iter()
        .enumerate()
        .map(|(row, name)| {
            format!(
                "{row}1,\"{}\",07220000{row:02},0,SIP/a-b,https://a.example/?a=1&b=2,r&s,\n",
                name.replace('"', "\"\"")
            )
        })
        .collect();
    let workplace = Workplace::with(CONFIGURATION, &format!("{HEADER}{rows}"));
    let server = workplace.serve();
    let callers: Vec<String> = (0..names.len()).map(|row| format!("07220000{row:02}")).collect();
    let callers: Vec<&str> = callers.iter().map(String::as_str).collect();
    for (row, (read, name)) in read_xml(&server, &callers).iter().zip(names).enumerate() {
        assert_eq!(read["root"], "response", "{read}");
        let fields = &read["fields"];
        let id = if row == 0 { "01".to_owned() } else { format!("{row}1") };
        assert_eq!((&fields["id"], &fields["queue_position"]), (&json!(id), &json!("0")));
        let shown = fields["name"].as_str().unwrap();
        assert!(shown == name || (name.len() > 3_000 && !shown.is_empty() && name.starts_with(shown)), "{shown}");
        assert_eq!(fields["backend_link"], "https://a.example/?a=1&b=2");
        assert_eq!((&fields["direct_line"], &fields["route_identifier"]), (&json!("SIP/a-b"), &json!("r&s")));
    }
}

#[test]
fn simplexml_reads_nulls_as_empty_in_their_order() {
    if !has_php() {
        return;
    }
    let workplace = Workplace::with(CONFIGURATION, &format!("{HEADER}1,Ana,0722111222,,,,,\n"));
    let server = workplace.serve();
    let read = read_xml(&server, &["0799999999", "anonymous", "", "0722111222"]);
    let keys = ["id", "name", "queue_position", "direct_line", "backend_link", "route_identifier"];
    for unknown in &read[..3] {
        let fields = unknown["fields"].as_object().unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), keys);
        assert!(fields.values().all(|value| *value == empty()), "{unknown}");
    }
    assert_eq!((&read[3]["fields"]["name"], &read[3]["fields"]["queue_position"]), (&json!("Ana"), &empty()));
}

#[test]
fn simplexml_finds_the_fields_under_the_configured_elements() {
    if !has_php() {
        return;
    }
    let contacts = format!("{HEADER}1,Ana & Dan,0722111222,5,,,,ro\n");
    for (shape, root, place) in [
        ("root_tag = \"data\"", "data", "/fields"),
        ("xml_wrap = \"response\"\nroot_tag = \"caller-data\"", "response", "/fields/caller-data"),
        ("reply = \"extended\"", "response", "/fields"),
    ] {
        let workplace = Workplace::with(&format!("{CONFIGURATION}{shape}\n"), &contacts);
        let server = workplace.serve();
        let read = read_xml(&server, &["0722111222", "0799999999"]);
        assert!(read.iter().all(|read| read["root"] == root), "{shape}: {read:?}");
        let fields = read[0].pointer(place).unwrap();
        assert_eq!((&fields["id"], &fields["name"]), (&json!("1"), &json!("Ana & Dan")), "{shape}");
        let language = if shape.contains("extended") { json!("ro") } else { Value::Null };
        assert_eq!(fields.get("language").cloned().unwrap_or_default(), language, "{shape}");
        assert_eq!(read[1].pointer(place).unwrap()["name"], empty(), "{shape}");
    }
}

#[test]
fn php_asks_in_each_of_its_ways_and_is_understood() {
    if !has_php() {
        return;
    }
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let answers = lines_of(&php(ASK, &[&format!("http://{}/sales/lookup", server.address), TOKEN], ""));
    assert_eq!(answers.len(), 13);
    for (place, answer) in answers.iter().enumerate() {
        let name = if place < 10 { json!("Ana Popescu") } else { Value::Null };
        assert_eq!(answer["name"], name, "request {place}: {answer}");
        assert_eq!(answer.as_object().unwrap().len(), 6, "request {place}: {answer}");
    }
}

#[test]
fn php_decodes_json_to_the_types_of_the_contract() {
    if !has_php() {
        return;
    }
    let contacts = format!(
        "{HEADER}2147483647,Ana,0722111222,5,SIP/ana,,r,\n007,Jim,0722333444,,,,,\n2147483648,Big,0722555666,,,,,\n003A0000001,Sales,0722777888,0,,,,\n"
    );
    let workplace = Workplace::with(&CONFIGURATION.replace("backend_link", "language"), &contacts);
    let server = workplace.serve();
    let types = |telephone: &str| {
        php(TYPES, &[&format!("http://{}/sales/lookup?telephone={telephone}&token={TOKEN}", server.address)], "")
    };
    let expected = |id: &str, position: &str, line: &str, route: &str, name: &str| {
        format!(
            "id {id}\nname {name}\nqueue_position {position}\ndirect_line {line}\nbackend_link NULL\nroute_identifier {route}\n"
        )
    };
    assert_eq!(types("0722111222"), expected("integer", "integer", "string", "string", "string"));
    assert_eq!(types("0722333444"), expected("string", "NULL", "NULL", "NULL", "string"));
    assert_eq!(types("0722555666"), expected("string", "NULL", "NULL", "NULL", "string"));
    assert_eq!(types("0722777888"), expected("string", "integer", "NULL", "NULL", "string"));
    assert_eq!(types("0799999999"), expected("NULL", "NULL", "NULL", "NULL", "NULL"));
}
