//! What people, CRMs and attackers put into the fields of an answer.

use proptest::prelude::*;

use super::*;

fn shape() -> Reply {
    Reply::default()
}

/// The text that leaves, or `None` when the value is refused.
fn leaves(field: Field, value: &str, shape: &Reply) -> Option<String> {
    match check(field, value, shape) {
        Checked::Ok(text) => Some(text.into_owned()),
        Checked::Changed(text, _) => Some(text),
        Checked::Refused(_) => None,
    }
}

fn name(value: &str, shape: &Reply) -> String {
    leaves(Field::Name, value, shape).expect("a name is never refused")
}

#[test]
fn a_name_loses_what_breaks_a_call() {
    for (stored, shown) in [
        ("  John Doe ", "John Doe"),
        ("John\r\nDoe", "John Doe"),
        ("John\tDoe\n", "John Doe"),
        ("John\0Doe\u{7f}", "JohnDoe"),
        ("A\u{2028}B\u{85}C", "A B C"),
        ("\u{202e}eoD nhoJ", "eoD nhoJ"),
        ("\u{200f}שלום\u{feff}", "שלום"),
        ("a\u{200b}b", "ab"),
        ("${SHELL(rm)}", "$ {SHELL(rm)}"),
        ("$${x}$[1+1]", "$$ {x}$ [1+1]"),
        ("$\0{x}", "$ {x}"),
        ("\r\n\0", ""),
        ("Ștefan 😀\u{200d}💻 O'Brien, \"Ltd\"", "Ștefan 😀\u{200d}💻 O'Brien, \"Ltd\""),
    ] {
        assert_eq!(name(stored, &shape()), shown, "{stored:?}");
    }
}

#[test]
fn a_name_becomes_ascii_when_the_project_asks() {
    let ascii = Reply { name_ascii: true, ..shape() };
    for (stored, shown) in [
        ("Ștefan Țurcanu", "Stefan Turcanu"),
        ("Ştefan Ţurcanu", "Stefan Turcanu"),
        ("Ăsta e Îânea", "Asta e Ianea"),
        ("Ольга Щукина", "Ol'ga Shchukina"),
        ("Αθήνα", "Athena"),
        ("Łódź & Ørsted", "Lodz & Orsted"),
        ("Müller Straße", "Muller Strasse"),
        ("\u{ff04}\u{ff5b}x\u{ff5d}", "$ {x}"),
        ("a\u{a0}b\u{3000}c", "a b c"),
        ("plain", "plain"),
    ] {
        assert_eq!(name(stored, &ascii), shown, "{stored}");
    }
}

#[test]
fn a_sip_safe_name_has_no_syntax() {
    let sip = Reply { name_sip_safe: true, ..shape() };
    for (stored, shown) in [
        ("Acme: Sales", "Acme Sales"),
        ("Acme / Sons @ Home", "Acme Sons Home"),
        ("\"Bob\" \\ 100% B", "Bob 100 B"),
        ("$:{x}", "$ {x}"),
        (":/@\"\\%", ""),
    ] {
        assert_eq!(name(stored, &sip), shown, "{stored}");
    }
}

#[test]
fn a_name_is_no_longer_than_the_project_wants() {
    let short = Reply { name_length: Some(6), ..shape() };
    assert_eq!(name("Ștefan", &short), "Ștefan");
    assert_eq!(
        check(Field::Name, "Ștefania", &short),
        Checked::Changed("Ștefan".into(), "longer than `name_length`".into())
    );
    assert_eq!(name("Maria  Ion", &short), "Maria");
    assert_eq!(name("${abcdef", &short), "$ {abc", "an expression is broken before the cut");
    let ascii = Reply { name_ascii: true, ..short };
    assert_eq!(name("Щщщщ", &ascii), "Shchsh", "the length counts what is shown");
}

#[test]
fn a_queue_position_is_a_whole_number_up_to_a_hundred() {
    for (text, place) in [("0", 0), ("5", 5), (" 7 ", 7), ("100", 100), ("007", 7), ("5.0", 5)] {
        let raw = RawAnswer { queue_position: Some(text.into()), ..RawAnswer::default() };
        assert_eq!(make_safe(raw, &shape()).0.queue_position, Some(place), "{text}");
    }
    for text in ["101", "-1", "+5", "5.5", "1e1", "five", "256", "99999999999", ".0", "٥", "0x5", "5,0"] {
        let raw = RawAnswer { queue_position: Some(text.into()), ..RawAnswer::default() };
        let (answer, violations) = make_safe(raw, &shape());
        assert_eq!(answer.queue_position, None, "{text}");
        assert_eq!(violations[0].why, "expected a whole number from 0 to 100");
    }
}

#[test]
fn a_link_opens_a_page_and_does_nothing_else() {
    for link in [
        "https://your-crm.com/example-popup?id=12345",
        "http://10.0.0.1:8080/x",
        "HTTPS://crm.example.com/ă?q=a%20b&c='d'#e",
        "https://[2001:db8::1]/",
    ] {
        assert_eq!(check(Field::BackendLink, link, &shape()), Checked::Ok(link.into()));
    }
    for link in [
        "javascript:alert(1)",
        "JaVaScRiPt://crm.example.com/%0aalert(1)",
        "java\tscript:alert(1)",
        "java\r\nscript:alert(1)",
        "\u{1}javascript:alert(1)",
        " javascript:alert(1)",
        "javascript&colon;alert(1)",
        "java&#x09;script:alert(1)",
        "%6aavascript:alert(1)",
        "\u{200b}javascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://x/",
        "tel:+40722",
        "//evil.example.com",
        "/contact/1",
        "crm.example.com/1",
        "https:/x",
        "https:\\\\x",
        "https://x\\@y",
        "https:///x",
        "https://",
        "https://?x",
        "https://x/a b",
        "https://x/a\u{a0}b",
        "https://x/\r\nX-Evil: 1",
        "https",
        "://x",
    ] {
        assert_eq!(leaves(Field::BackendLink, link, &shape()), None, "{link:?}");
    }
}

#[test]
fn a_link_is_repaired_where_its_meaning_is_clear() {
    for (stored, opened) in [
        (" https://x/1\r\n", "https://x/1"),
        ("https://x/\r\n?id=1", "https://x/?id=1"),
        ("https://x/${id}", "https://x/$%7Bid}"),
        ("https://x/$\0[1]", "https://x/$%5B1]"),
        ("https://x/\"><b>`", "https://x/%22%3E%3Cb%3E%60"),
        (" \t", ""),
    ] {
        assert_eq!(leaves(Field::BackendLink, stored, &shape()).as_deref(), Some(opened), "{stored:?}");
    }
}

#[test]
fn a_project_adds_schemes_but_never_those_that_run_code() {
    let own = Reply { link_schemes: ["crm-desk", "TEL:", "javascript", "data"].map(Into::into).to_vec(), ..shape() };
    assert!(leaves(Field::BackendLink, "CRM-Desk:open/1", &own).is_some());
    assert!(leaves(Field::BackendLink, "tel:+40722", &own).is_some());
    assert!(leaves(Field::BackendLink, "https://x/", &own).is_some());
    for link in ["javascript:alert(1)", "data:text/html,x", "crm-desk:", "other:x"] {
        assert_eq!(leaves(Field::BackendLink, link, &own), None, "{link}");
    }
}

#[test]
fn a_link_has_at_most_two_thousand_characters() {
    let link = format!("https://x/{}", "ă".repeat(1_990));
    assert!(leaves(Field::BackendLink, &link, &shape()).is_some());
    assert_eq!(leaves(Field::BackendLink, &(link + "a"), &shape()), None);
}

#[test]
fn a_direct_line_is_one_device_or_queue() {
    for line in ["SIP/ion-popescu", "PJSIP/101", "IAX2/a_b", "Local/ion.popescu", "sales-queue", "q1", "_x", "1000a"] {
        assert_eq!(check(Field::DirectLine, line, &shape()), Checked::Ok(line.into()));
    }
    for line in [
        "0722111222",
        "+40722111222",
        "0722-111-222",
        "0722.111.222",
        "600",
        "Local/x@from-internal",
        "SIP/a&SIP/b",
        "SIP/a,30,tT",
        "DAHDI/g0/0722111222",
        "SIP/trunk/0722111222",
        "sip/ion",
        "SIP/",
        "SIP/..",
        "a b",
        "a\r\nb",
        "ștefan",
        "${x}",
        "a;b",
        "-",
        "*72",
    ] {
        assert_eq!(leaves(Field::DirectLine, line, &shape()), None, "{line:?}");
    }
    assert_eq!(leaves(Field::DirectLine, " SIP/ion\r\n", &shape()).as_deref(), Some("SIP/ion"));
    assert_eq!(leaves(Field::DirectLine, &"q".repeat(129), &shape()), None);
}

#[test]
fn a_project_may_allow_any_direct_line() {
    let any = Reply { direct_line_any: true, ..shape() };
    for line in ["0722111222", "+40722111222", "Local/x@from-internal", "SIP/a&SIP/b", "SIP/a,30,tT", "SIP/trunk/0722"]
    {
        assert_eq!(leaves(Field::DirectLine, line, &any).as_deref(), Some(line));
    }
    for line in ["${x}", "a b", "a\nb", "a;b", "a\"b", "a|b", "@&,"] {
        assert_eq!(leaves(Field::DirectLine, line, &any), None, "{line:?}");
    }
}

#[test]
fn only_listed_agents_and_queues_are_named_where_a_project_lists_them() {
    let listed =
        Reply { direct_lines: Some(["ion-popescu", "PJSIP/ana", "sales"].map(Into::into).to_vec()), ..shape() };
    for line in ["SIP/ion-popescu", "ion-popescu", "PJSIP/ana", "sales", "Local/sales"] {
        assert!(leaves(Field::DirectLine, line, &listed).is_some(), "{line}");
    }
    for line in ["SIP/ana", "SIP/ion", "Sales", "other"] {
        assert_eq!(leaves(Field::DirectLine, line, &listed), None, "{line}");
    }
    let any = Reply { direct_line_any: true, ..listed };
    assert!(leaves(Field::DirectLine, "SIP/ion-popescu&PJSIP/ana", &any).is_some());
    for line in ["SIP/ion-popescu&SIP/evil", "ion-popescu@outbound", "0722111222", "sales,evil"] {
        assert_eq!(leaves(Field::DirectLine, line, &any), None, "{line}");
    }
    let none = Reply { direct_lines: Some(Vec::new()), ..shape() };
    assert_eq!(leaves(Field::DirectLine, "sales", &none), None);
}

#[test]
fn identifiers_are_compared_and_so_not_repaired() {
    for field in [Field::RouteIdentifier, Field::ExternalId] {
        assert_eq!(leaves(field, " Route 7/ă ", &shape()).as_deref(), Some("Route 7/ă"));
        assert_eq!(leaves(field, "route\r\n", &shape()).as_deref(), Some("route"));
        assert_eq!(leaves(field, "${x}", &shape()), None);
        assert_eq!(leaves(field, "$\0{x}", &shape()), None);
        assert_eq!(leaves(field, &"r".repeat(256), &shape()), None);
    }
}

#[test]
fn a_number_to_show_is_made_of_digits() {
    for (stored, shown) in [
        ("+40310000000", Some("+40310000000")),
        ("0310 000-000", Some("0310000000")),
        (" (0310) 00.00.00/\r\n", Some("0310000000")),
        ("", Some("")),
        ("anonymous", None),
        ("*31#0722", None),
        ("40+722", None),
        ("++40", None),
        ("+", None),
        ("()", None),
        ("٠٧٢٢", None),
        ("012345678901234567890123456789012", None),
    ] {
        assert_eq!(leaves(Field::OutboundNumber, stored, &shape()).as_deref(), shown, "{stored}");
    }
}

#[test]
fn a_language_looks_like_one() {
    for language in ["ro", "ron", "pt-BR", "zh_Hans_CN", "RO", ""] {
        assert_eq!(leaves(Field::Language, language, &shape()).as_deref(), Some(language));
    }
    for language in [
        "r",
        "română",
        "romanian",
        "ro-",
        "-ro",
        "ro--x",
        "ro;x",
        "ro\nx",
        "12",
        "ro-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa",
    ] {
        assert_eq!(leaves(Field::Language, language, &shape()), None, "{language}");
    }
}

#[test]
fn an_id_stays_as_it_is_typed_unless_it_is_dangerous() {
    let safe = |id: ContactId| make_safe(RawAnswer { id: Some(id), ..RawAnswer::default() }, &shape());
    for id in ["12345", "007", "003A0000001", "CN=Ion Popescu,DC=example", "ă"] {
        let id = ContactId::from_text(id);
        assert_eq!(safe(id.clone()), (CallerData { id: Some(id), ..CallerData::default() }, Vec::new()));
    }
    assert_eq!(safe(ContactId::Text("12".into())).0.id, Some(ContactId::Text("12".into())), "a text stays a text");
    assert_eq!(safe(ContactId::Text(" ".into())), (CallerData::default(), Vec::new()));
    let (answer, violations) = safe(ContactId::Text("a\r\nb".into()));
    assert_eq!(answer.id, Some(ContactId::Text("ab".into())));
    assert_eq!((violations[0].field, violations[0].kept.as_deref()), ("id", Some("ab")));
    assert_eq!(safe(ContactId::Text("${x}".into())).0.id, None);
}

#[test]
fn an_answer_is_checked_field_by_field_and_says_what_was_wrong() {
    let raw = RawAnswer {
        id: Some(ContactId::Integer(7)),
        name: Some("A\nB".into()),
        queue_position: Some("250".into()),
        direct_line: Some("0722111222".into()),
        backend_link: Some("https://x/1".into()),
        route_identifier: Some("  ".into()),
        outbound_number: Some(String::new().into()),
        language: Some("ro".into()),
        external_id: None,
    };
    let (answer, violations) = make_safe(raw, &shape());
    let expected = CallerData {
        id: Some(ContactId::Integer(7)),
        name: Some("A B".into()),
        backend_link: Some("https://x/1".into()),
        language: Some("ro".into()),
        ..CallerData::default()
    };
    assert_eq!(answer, expected);
    let told: Vec<_> = violations.iter().map(|it| (it.field, it.value.as_str(), it.kept.as_deref())).collect();
    assert_eq!(
        told,
        [("name", "AB", Some("A B")), ("queue_position", "250", None), ("direct_line", "0722111222", None)]
    );
}

#[test]
fn an_explanation_shows_the_beginning_of_a_long_value() {
    let raw = RawAnswer { language: Some("\u{1b}x".repeat(500).into()), ..RawAnswer::default() };
    let (_, violations) = make_safe(raw, &shape());
    assert_eq!(violations[0].value, "x".repeat(200));
}

#[test]
fn nothing_decided_is_an_unknown_caller() {
    assert_eq!(make_safe(RawAnswer::default(), &shape()), (CallerData::default(), Vec::new()));
}

/// Texts of pieces that once did harm, beside any other text.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\r\n",
        "\0",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "$",
        "{",
        "[",
        "${",
        "\u{ff04}",
        "\u{ff5b}",
        ":",
        "/",
        "@",
        "\"",
        "\\",
        "%",
        "&",
        ",",
        "javascript:",
        "https://",
        "x.example",
        "SIP/",
        "ion",
        "07",
        "+",
        "-",
        ".",
        " ",
        "\u{a0}",
        "Ș",
        "Щ",
        "😀",
        "<",
        "`",
    ]);
    prop_oneof![prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat()), ".{0,80}"]
}

proptest! {
    #[test]
    fn nothing_dangerous_leaves(
        texts in prop::collection::vec(any_text(), 9),
        name_ascii: bool, name_sip_safe: bool, direct_line_any: bool,
        name_length in prop::option::of(0_usize..40),
    ) {
        let shape = Reply { name_ascii, name_sip_safe, direct_line_any, name_length, ..shape() };
        let text = |place: usize| Some(Cow::Borrowed(texts[place].as_str()));
        let raw = RawAnswer {
            id: Some(ContactId::from_text(&texts[0])), name: text(1), queue_position: text(2), direct_line: text(3), backend_link: text(4),
            route_identifier: text(5), outbound_number: text(6), language: text(7), external_id: text(8),
        };
        let (answer, violations) = make_safe(raw, &shape);
        let id = answer.id.as_ref().map(ToString::to_string);
        let CallerData { name, direct_line, backend_link, route_identifier, outbound_number, language, external_id, .. } = &answer;
        for text in [&id, name, direct_line, backend_link, route_identifier, outbound_number, language, external_id].into_iter().flatten() {
            prop_assert!(!text.is_empty() && text.trim() == text, "{:?}", text);
            prop_assert!(!text.contains(plain::is_hidden) && !plain::starts_expression(text), "{:?}", text);
        }
        if let Some(name) = name {
            prop_assert!(!name_ascii || name.is_ascii());
            prop_assert!(!name_sip_safe || !name.contains([':', '/', '@', '"', '\\', '%']));
            prop_assert!(name_length.is_none_or(|length| name.chars().count() <= length));
        }
        if let Some(link) = backend_link {
            prop_assert!(link.to_ascii_lowercase().starts_with("http") && !link.contains(char::is_whitespace));
        }
        prop_assert!(violations.iter().all(|violation| !violation.value.contains(char::is_control)));
        // What has left once may leave again.
        let again = RawAnswer {
            id: answer.id.clone(),
            name: name.as_deref().map(Cow::Borrowed),
            direct_line: direct_line.as_deref().map(Cow::Borrowed),
            backend_link: backend_link.as_deref().map(Cow::Borrowed),
            route_identifier: route_identifier.as_deref().map(Cow::Borrowed),
            outbound_number: outbound_number.as_deref().map(Cow::Borrowed),
            language: language.as_deref().map(Cow::Borrowed),
            external_id: external_id.as_deref().map(Cow::Borrowed),
            queue_position: answer.queue_position.map(|place| place.to_string().into()),
        };
        prop_assert_eq!(make_safe(again, &shape), (answer, Vec::new()));
    }
}
