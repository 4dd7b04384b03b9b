//! The mistakes that other caller-name servers were found to make, one test for each.

mod contacts;

use std::fs::OpenOptions;

use serde_json::{Value, json};

use crate::harness::{ADMIN, CONFIGURATION, CONTACTS, Reply, Server, TOKEN, Workplace, get, post, send, text};

fn serve(configuration: &str, contacts: &str) -> (Workplace, Server) {
    let workplace = Workplace::with(configuration, contacts);
    let server = workplace.serve();
    (workplace, server)
}

/// What a PBX shows for a caller.
fn name(server: &Server, telephone: &str) -> Value {
    let reply = server.lookup(&format!("telephone={telephone}&dnid=1"));
    assert_eq!(reply.status, 200, "{telephone}");
    reply.json()["name"].clone()
}

#[test]
fn no_refusal_is_ever_a_name_where_a_pbx_takes_any_text_for_one() {
    let tight = CONFIGURATION.replace("[server]", "[server]\nrefused_per_minute = 2");
    let (_workplace, server) = serve(&format!("{tight}format = \"text\"\n"), CONTACTS);
    let valid = |rest: &str| format!("/sales/lookup?telephone=0722111222&token={TOKEN}{rest}");
    assert_eq!(get(server.address, &valid("")).text(), "Ana Popescu");
    let long = "x".repeat(70 * 1024);
    let delete = format!("DELETE {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", valid(""));
    let proxied =
        format!("GET {} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n", valid(""));
    let refusals: Vec<Reply> = [
        send(server.address, delete.as_bytes()),
        send(server.address, proxied.as_bytes()),
        get(server.address, &valid(&format!("&x={}", &long[..17 * 1024]))),
        post(server.address, &valid(""), "application/x-www-form-urlencoded", long.as_bytes()),
        get(server.address, &valid("&token=another")),
    ]
    .into_iter()
    .chain((0..4).map(|_| get(server.address, "/sales/lookup?telephone=0722111222&token=guess")))
    .collect();
    let statuses: Vec<u16> = refusals.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses[..5], [405, 403, 414, 413, 403]);
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    for reply in refusals {
        assert_eq!(reply.text(), "", "{}", reply.status);
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"), "{}", reply.status);
    }
    for astray in
        ["/sales/lookup/more", "/sales/lokup", "/api/sales/token/more", "/nobody?format=text", "/?format=text"]
    {
        assert_eq!(get(server.address, &format!("{astray}?telephone=1")).text(), "", "{astray}");
    }
}

#[test]
fn whoever_asks_for_text_gets_no_words_with_any_refusal() {
    let (_workplace, server) = serve(CONFIGURATION, CONTACTS);
    let long = "x".repeat(70 * 1024);
    let target = format!("/sales/lookup?format=text&token={TOKEN}");
    for reply in [
        get(server.address, "/sales/lookup?format=text&telephone=0722111222"),
        get(server.address, &format!("{target}&x={}", &long[..17 * 1024])),
        post(server.address, &target, "application/x-www-form-urlencoded", long.as_bytes()),
        send(server.address, format!("PUT {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()),
    ] {
        assert!(reply.status >= 400 && reply.body.is_empty(), "{} {}", reply.status, reply.text());
    }
}

#[test]
fn a_lookup_that_fails_is_an_unknown_caller_in_every_format() {
    let (workplace, server) = serve(CONFIGURATION, CONTACTS);
    for file in ["calldex.db", "calldex.db-wal"] {
        if let Ok(file) = OpenOptions::new().write(true).open(workplace.path(file)) {
            file.set_len(0).unwrap();
        }
    }
    for (format, nobody) in [
        ("json", "{\"id\":null,\"name\":null,"),
        ("xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><id/><name/>"),
        ("text", ""),
    ] {
        let reply = server.lookup(&format!("telephone=0722333444&format={format}"));
        assert_eq!(reply.status, 200);
        assert!(reply.text().starts_with(nobody) && !reply.text().contains("Dan"), "{}", reply.text());
    }
}

#[test]
fn a_plus_that_became_a_blank_is_a_plus_also_for_foreign_numbers() {
    let (_workplace, server) = serve(CONFIGURATION, "id,name,telephone\n1,Erika,+49 30 901820\n");
    for telephone in ["%2B4930901820", "+4930901820", "%204930901820", "004930901820", "%20%2B4930901820"] {
        assert_eq!(name(&server, telephone), "Erika", "{telephone}");
    }
}

#[test]
fn the_word_unknown_is_never_a_name_nor_a_number_that_two_people_share() {
    let contacts = "id,name,telephone\n1,Ana,unknown\n2,Dan,anonymous\n3,Jim,Restricted\n4,Eva,0722111222\n";
    let (workplace, server) = serve(CONFIGURATION, contacts);
    for telephone in ["unknown", "anonymous", "Restricted", "Unknown", "UNAVAILABLE", "0799999999"] {
        for format in ["json", "json", "xml", "text"] {
            let reply = server.lookup(&format!("telephone={telephone}&format={format}")).text();
            for word in ["Ana", "Dan", "Jim", "nknown", "nonymous", "NKNOWN", "estricted"] {
                assert!(!reply.contains(word), "{telephone}: {reply}");
            }
        }
    }
    assert_eq!(name(&server, "0722111222"), "Eva");
    let report = workplace.run(&["import", "contacts.csv", "--directory", "customers"]);
    let report = text(&report.stdout);
    assert!(["2", "3", "4"].iter().all(|line| report.contains(line)), "the report names the lines: {report}");
}

#[test]
fn equal_last_digits_in_two_countries_are_two_people() {
    let contacts = "id,name,telephone\n1,Ana of Romania,+40 722 111 222\n2,Eva of Spain,+34 722 111 222\n";
    let (workplace, server) = serve(CONFIGURATION, contacts);
    assert_eq!(name(&server, "%2B40722111222"), "Ana of Romania");
    assert_eq!(name(&server, "0722111222"), "Ana of Romania");
    assert_eq!(name(&server, "%2B34722111222"), "Eva of Spain");
    assert_eq!(name(&server, "%2B49722111222"), Value::Null);
    workplace.succeed(&["contact", "remove", "1", "--directory", "customers"]);
    assert_eq!(name(&server, "%2B40722111222"), Value::Null, "the Spaniard does not take her place");
}

#[test]
fn a_national_number_is_read_in_the_country_of_its_record_not_of_the_project() {
    let (workplace, server) = serve(CONFIGURATION, CONTACTS);
    workplace.write("german.csv", "id,name,telephone\n50,Erika,030 901820\n");
    workplace.succeed(&["import", "german.csv", "--directory", "customers", "--country", "DE"]);
    assert_eq!(name(&server, "%2B4930901820"), "Erika");
    assert_eq!(name(&server, "030901820"), Value::Null, "the caller's number is Romanian");
}

#[test]
fn a_short_number_matches_whole_or_not_at_all() {
    let contacts = "id,name,telephone\n1,Ana,0722 111 101\n2,Desk 888,888\n3,Eva,0788 888 888\n4,Dan,0722 333 444\n";
    let (_workplace, server) = serve(CONFIGURATION, contacts);
    for telephone in ["101", "11101", "111101", "01", "1", "333", "22333", "3444", "88", "8888"] {
        assert_eq!(name(&server, telephone), Value::Null, "{telephone}");
    }
    assert_eq!(name(&server, "888"), "Desk 888");
    assert_eq!(name(&server, "0722111101"), "Ana");
    assert_eq!(name(&server, "0788888888"), "Eva");
}

#[test]
fn a_number_that_nobody_had_a_moment_ago_is_not_remembered_so_after_an_import() {
    let (workplace, server) = serve(CONFIGURATION, CONTACTS);
    for (round, caller) in ["Eva", "Eva Marin"].iter().enumerate() {
        let before = if round == 0 { Value::Null } else { json!("Eva") };
        assert_eq!(name(&server, "0744555666"), before);
        assert_eq!(name(&server, "0744555666"), before, "from the cache");
        workplace.write("more.csv", format!("id,name,telephone\n60,{caller},0744 555 666\n"));
        workplace.succeed(&["import", "more.csv", "--directory", "customers"]);
        assert_eq!(name(&server, "0744555666"), *caller);
    }
}

#[test]
fn two_people_with_one_number_get_the_same_answer_in_either_order_of_the_file() {
    let rows = [
        "1,Ana Popescu,0722111222,SIP/ana,5",
        "2,Dan Ionescu,0722111222,SIP/dan,5",
        "3,Eva Marin,0722111222,SIP/eva,5",
    ];
    let header = "id,name,telephone,direct_line,queue_position\n";
    let mut answers = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let file = order.map(|row| rows[row]).join("\n");
        let (_workplace, server) = serve(CONFIGURATION, &format!("{header}{file}\n"));
        for _ in 0..10 {
            answers.push(server.lookup("telephone=0722111222").json());
        }
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert_eq!(answers[0]["direct_line"], Value::Null, "no call is sent to one of them by chance");
    assert_eq!(answers[0]["queue_position"], 5, "what all agree on holds");
}

#[test]
fn a_number_with_sql_or_wildcards_in_it_is_a_text_like_any_other() {
    let contacts = "id,name,telephone\n1,Ana,0722 111 222\n2,Percent,0733%\n3,Quote,'; DROP TABLE contact; --\n";
    let (workplace, server) = serve(CONFIGURATION, contacts);
    for telephone in [
        "%25",
        "_",
        "07221112__",
        "0722%25",
        "%25222",
        "*",
        "0722*",
        "07[0-9]*",
        "'%20OR%20'1'='1",
        "x'%20UNION%20SELECT%20name%20FROM%20contact--",
        "';%20DROP%20TABLE%20contact;--",
        "%22;%20DROP%20TABLE%20number;--",
        "0733444555",
        "\\",
        "%00",
    ] {
        assert_eq!(name(&server, telephone), Value::Null, "{telephone}");
    }
    assert_eq!(name(&server, "0722111222"), "Ana", "all tables are there");
    let found = workplace.succeed(&["contact", "find", "%", "--directory", "customers"]);
    assert!(!found.contains("Ana"), "a wildcard finds itself only: {found}");
}

#[test]
fn what_a_dial_plan_would_run_and_what_would_end_a_header_comes_out_of_no_field() {
    let evil = "id,name,telephone,backend_link,direct_line,route_identifier,language,outbound_number,external_id\n\
        1,\"Ana ${SHELL(reboot)} $[1+1]\r\nX-Evil: 1\u{202e}\",0722111222,\"https://a.example/\r\nX-Evil: 1\",\
        \"SIP/a\r\nX: 1\",\"r${x}\r\ns\",\"ro\u{0}\r\n\",\"+40\r\n1\",\"e\r\n${y}\"\n\
        2,Dan,0722333444,javascript:alert(1),SIP/a&SIP/b,,,,\n\
        3,Eva,0722555666,\"https://a.example/${x}\",Local/1@evil,,,,\n";
    let (_workplace, server) = serve(&format!("{CONFIGURATION}reply = \"extended\"\n"), evil);
    for telephone in ["0722111222", "0722333444", "0722555666"] {
        for format in ["json", "xml", "text"] {
            let reply = server.lookup(&format!("telephone={telephone}&format={format}"));
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("x-evil"), None);
            for part in ["${", "$[", "\\r", "\\n", "\\u00", "javascript", "&SIP", "@evil", "\u{202e}"] {
                assert!(!reply.text().contains(part), "{part:?}: {}", reply.text());
            }
            assert!(!reply.text().contains(|letter: char| letter.is_control()), "{:?}", reply.text());
        }
    }
    assert_eq!(name(&server, "0722111222"), "Ana $ {SHELL(reboot)} $ [1+1] X-Evil: 1");
    assert_eq!(name(&server, "0722333444"), "Dan");
}

#[test]
fn contacts_of_another_project_or_of_no_project_never_answer() {
    let workplace = Workplace::new(CONFIGURATION);
    for (project, other_token) in
        [("acme", "a-token-of-acme-0123456789abcdef"), ("beta", "a-token-of-beta-0123456789abcdef")]
    {
        let file = format!(
            "[directory.people]\ncountry = \"RO\"\n[project.{project}]\ncountry = \"RO\"\ntokens = [\"{other_token}\"]\nsources = [\"people\"]\n"
        );
        workplace.write(&format!("projects/{project}.toml"), file);
        workplace.write(
            "people.csv",
            format!(
                "id,name,telephone\n1,Ana of {project},0722111222\n2,Only {project},0733{}\n",
                if project == "acme" { "000001" } else { "000002" }
            ),
        );
        workplace.succeed(&["import", "people.csv", "--directory", &format!("{project}/people")]);
    }
    let server = workplace.serve();
    let ask = |project: &str, number: &str, token: &str| {
        get(server.address, &format!("/{project}/lookup?telephone={number}&dnid=1&token={token}"))
    };
    for _ in 0..2 {
        for (project, own, foreign) in [("acme", "0733000001", "0733000002"), ("beta", "0733000002", "0733000001")] {
            let token = format!("a-token-of-{project}-0123456789abcdef");
            assert_eq!(ask(project, "0722111222", &token).json()["name"], format!("Ana of {project}"));
            assert_eq!(ask(project, own, &token).json()["name"], format!("Only {project}"));
            assert_eq!(ask(project, foreign, &token).json()["name"], Value::Null);
            assert_eq!(ask("sales", own, TOKEN).json()["name"], Value::Null, "no source of this project");
            assert_eq!(ask("sales", own, &token).status, 403, "nor a token of it");
        }
    }
}

#[test]
fn no_command_prints_a_secret() {
    let tokens = "tokens = [\"a-token-for-the-tests-0123456789\", \"${SALES_TOKEN}\", { file = \"token.txt\" }]";
    let configuration = CONFIGURATION.replace("tokens = [\"a-token-for-the-tests-0123456789\"]", tokens);
    let workplace = Workplace::new(&configuration);
    workplace.write("token.txt", "the-token-from-a-file-0123456789\n");
    let secrets = [TOKEN, ADMIN, "the-token-from-a-file-0123456789", "the-token-of-the-environment-01234"];
    let printed = |arguments: &[&str]| {
        let output = workplace.command(arguments).env("SALES_TOKEN", secrets[3]).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, print) = printed(&["config", "print"]);
    assert_eq!(code, Some(0));
    assert!(print.contains("[project.sales]"), "{print}");
    let (_, check) = printed(&["config", "check"]);
    let (_, explained) = printed(&["lookup", "0722111222", "--explain", "--json"]);
    workplace.write("calldex.toml", configuration.replace("sources =", "surces ="));
    let (code, refused) = printed(&["config", "check"]);
    assert_eq!(code, Some(1), "{refused}");
    let (_, started) = printed(&["serve"]);
    for text in [print, check, explained, refused, started] {
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}
