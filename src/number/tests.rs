//! Whole readings: what PBXs, trunks, SIP headers and files hold, and what becomes of it.

use super::*;

fn read_with(text: &str, numbering: &Numbering) -> String {
    match parse(text, numbering) {
        Number::Phone { phone, extension, alternate } => {
            let extension = extension.map(|digits| format!(" ext {digits}")).unwrap_or_default();
            let alternate = alternate.map(|other| format!(" or {}", other.key)).unwrap_or_default();
            format!("{}{extension}{alternate}", phone.key)
        }
        Number::Local(text) => format!("local {text}"),
        Number::Withheld { reading } => {
            reading.map_or("withheld".to_owned(), |phone| format!("withheld {}", phone.key))
        }
        Number::Unusable => "unusable".to_owned(),
    }
}

fn read(text: &str, country: &str) -> String {
    read_with(text, &Numbering::of_country(country))
}

#[test]
fn every_way_in_which_a_pbx_sends_a_number_is_the_same_number() {
    for text in [
        "0722111222",
        "+40722111222",
        " 40722111222",
        "%2B40722111222",
        "%252B40722111222",
        "0040722111222",
        "40722111222",
        "722111222",
        "0722 111 222",
        "0722.111.222",
        "0722-111-222",
        "0722/111/222",
        "0722,111,222",
        "(0722) 111 222",
        "+40 (0)722 111 222",
        "+400722111222",
        "+0722111222",
        "00+40722111222",
        "++40722111222",
        "sip:+40722111222@pbx.example.com;user=phone",
        "\"Ion\" <sip:0722111222@pbx.example.com>;tag=1",
        "tel:+40-722-111-222",
        "tel:722111222;phone-context=+40",
        "PJSIP/0722111222-0000a1",
        "*31#0722111222",
        "#31#+40722111222",
        "+40722111222#",
        "=\"0722111222\"",
        "'0722111222",
        "40722111222.0",
        "٠٧٢٢١١١٢٢٢",
        "＋４０７２２１１１２２２",
        "\u{202a}+40 722 111 222\u{202c}",
        "Tel: 0722 111 222 (mobil)",
        "0722 111 222 / 0733 222 333",
    ] {
        assert_eq!(read(text, "RO"), "+40722111222", "{text}");
    }
}

#[test]
fn an_extension_is_a_field_of_its_own() {
    for text in [
        "+40 21 312 3456 x007",
        "+40 21 312 3456 ext. 007",
        "021 312 3456;ext=007",
        "tel:+40213123456;ext=007",
        "021 312 3456 - 007",
        "021 312 3456/007",
        "021 312 3456 (007)",
        "021 312 3456,,007#",
        "021 312 3456 int. 007",
    ] {
        assert_eq!(read(text, "RO"), "+40213123456 ext 007", "{text}");
    }
}

#[test]
fn a_number_in_brackets_is_an_extension_also_where_the_whole_is_valid() {
    assert_eq!(read("+49 30 123456 (123)", "DE"), "+4930123456 ext 123 or +4930123456123");
    assert_eq!(read("+49 30 123456 - 123", "DE"), "+4930123456123");
}

#[test]
fn who_hides_the_number_has_none() {
    for text in [
        "",
        " ",
        "-",
        "anonymous",
        "Anonymous <sip:anonymous@anonymous.invalid>",
        "sip:0722111222@anonymous.invalid",
        "Restricted",
        "unknown",
        "asterisk",
        "null",
        "0000000000",
        "9999999999",
        "sip:@pbx.example.com",
    ] {
        assert_eq!(read(text, "RO"), "withheld", "{text:?}");
    }
    let numbering = Numbering { withheld: vec!["Ascuns de operator".to_owned()], ..Numbering::of_country("RO") };
    assert_eq!(read_with("ascuns de OPERATOR", &numbering), "withheld");
}

#[test]
fn a_word_typed_on_a_keypad_keeps_its_reading() {
    assert_eq!(read("266696687", "RO"), "withheld +40266696687");
    assert_eq!(read("86282452253", "DE"), "withheld +4986282452253");
}

#[test]
fn short_numbers_and_users_are_local() {
    for (text, local) in [
        ("101", "local 101"),
        ("2222", "local 2222"),
        ("112", "local 112"),
        ("\"Ion\" <101>", "local 101"),
        ("sip:101@pbx", "local 101"),
        ("sip:Ion.Popescu@pbx", "local ion.popescu"),
        ("SIP/ion-0000a1", "local ion"),
        ("sip:1234567@pbx", "local 1234567"),
        ("*97", "local *97"),
        (" 101", "local 101"),
    ] {
        assert_eq!(read(text, "RO"), local, "{text}");
    }
}

#[test]
fn digits_without_a_plus_follow_the_settings() {
    let of = |without_plus| Numbering { without_plus, ..Numbering::of_country("DE") };
    let text = "4312345678";
    assert_eq!(read_with(text, &of(WithoutPlus::Auto)), "+494312345678 or +4312345678");
    assert_eq!(read_with(text, &of(WithoutPlus::National)), "+494312345678");
    assert_eq!(read_with(text, &of(WithoutPlus::International)), "+4312345678");
    assert_eq!(read("4915123456789", "DE"), "+4915123456789 or +494915123456789");
    assert_eq!(read("3912345678", "IT"), "+393912345678");
}

#[test]
fn an_outside_prefix_and_a_technical_prefix_come_off() {
    let numbering = Numbering { outside_prefix: Some("9".to_owned()), ..Numbering::of_country("RO") };
    assert_eq!(read_with("90722111222", &numbering), "+40722111222");
    assert_eq!(read_with("0722111222", &numbering), "+40722111222");
    assert_eq!(read_with("900493012345678", &numbering), "+493012345678");
    let numbering = Numbering { strip_prefix: Some("77".to_owned()), ..Numbering::of_country("RO") };
    assert_eq!(read_with("770722111222", &numbering), "+40722111222");
    assert_eq!(read_with("sip:770722111222@trunk", &numbering), "+40722111222");
    assert_eq!(read("9999#40722111222", "RO"), "+40722111222");
}

#[test]
fn the_zero_in_brackets_is_kept_where_the_plan_keeps_it() {
    assert_eq!(read("+39 (0)6 12345678", "RO"), "+390612345678");
    assert_eq!(read("+49 (0)30 123456", "RO"), "+4930123456");
    assert_eq!(read("0049 (0)30 123456", "RO"), "+4930123456");
    assert_eq!(read("+36 (06) 1 234 5678", "RO"), "+3612345678");
}

#[test]
fn inputs_that_broke_libraries_are_read_or_refused() {
    for text in
        ["1;phone-context=a;tel:", ";phone-context=tel:tel:1", "12;phone-context=+;ext=tel:3", "tel:;phone-context="]
    {
        let _ = parse(text, &Numbering::of_country("RO"));
    }
    assert_eq!(read("*31#080012345", "RO"), read("080012345", "RO"));
    assert_eq!(read("0722～111～222", "RO"), "unusable");
    assert_eq!(read("0722111222～5", "RO"), "+40722111222 ext 5");
    assert_eq!(read("00000000000722111222", "RO"), "unusable");
    assert_eq!(read("00376712345", "JP"), "+376712345 or +8100376712345");
    assert_eq!(read("4.07221E+10", "RO"), "unusable");
}

#[test]
fn what_is_no_number_is_unusable() {
    for text in ["Ion Popescu", "room 12", "12345678901234567890123", "ion popescu@", "+", "http://x/?a=1"] {
        let kind = parse(text, &Numbering::of_country("RO")).kind();
        assert!(matches!(kind, "unusable" | "withheld"), "{text} is {kind}");
    }
}

#[test]
fn without_a_country_only_international_numbers_are_read() {
    let none = Numbering::default();
    assert_eq!(read_with("+40722111222", &none), "+40722111222");
    assert_eq!(read_with("0040722111222", &none), "+40722111222");
    assert_eq!(read_with("40722111222", &none), "+40722111222");
    assert_eq!(read_with("0722111222", &none), "unusable");
    assert_eq!(read_with("tel:0722111222;phone-context=+40", &none), "+40722111222");
}

#[test]
fn a_number_of_the_right_length_is_kept_although_its_plan_does_not_know_it() {
    let number = parse("+40 999 999 998", &Numbering::of_country("RO"));
    assert!(matches!(number, Number::Phone { phone: Phone { valid: false, .. }, .. }), "{number:?}");
}

#[test]
fn an_old_mexican_number_is_kept_for_its_alias() {
    let number = parse("+52 1 55 1234 5678", &Numbering::default());
    assert!(matches!(number, Number::Phone { phone, .. } if phone.key.get() == 5_215_512_345_678), "{number:?}");
}

#[test]
fn an_international_prefix_of_elsewhere_counts_where_nothing_else_is_valid() {
    for text in ["01140722111222", "81040722111222", "001140722111222", "001540722111222"] {
        assert_eq!(read(text, "RO"), "+40722111222", "{text}");
    }
    assert_eq!(read("01144 20 7946 0958", "FR"), "+442079460958");
    // Sheffield, and not a number of Cameroon behind 011.
    assert_eq!(read("0114 237 1234", "GB"), "+441142371234");
}
