use serde_json::json;

use super::*;
use crate::sources::settings_for_tests;

fn mapping(keys: &str) -> Mapping {
    Mapping::of(&settings_for_tests("crm", keys)).unwrap()
}

fn contacts(keys: &str, answer: Value) -> Result<Vec<Contact>> {
    mapping(keys).contacts(answer, Types::Told).map(|contacts| contacts.mapped)
}

#[test]
fn the_fields_of_the_contract_are_taken_by_their_names() {
    let answer = json!({
        "id": 12345, "name": " John Doe ", "queue_position": 5, "direct_line": null, "backend_link": "https://x.example/1",
        "route_identifier": "", "segment": "gold", "vip": true, "tags": ["a"], "nothing": false,
    });
    let found = contacts("", answer).unwrap();
    let [contact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(contact.id, ContactId::Integer(12345));
    assert_eq!(contact.get(Field::Name), Some("John Doe"));
    assert_eq!(contact.get(Field::QueuePosition), Some("5"));
    assert_eq!((contact.get(Field::DirectLine), contact.get(Field::RouteIdentifier)), (None, None));
    let custom: Vec<(&str, &str)> = contact.custom.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(custom, [("segment", "gold"), ("vip", "true")]);
}

#[test]
fn nobody_is_null_in_every_way_to_say_it() {
    for answer in [
        json!(null),
        json!([]),
        json!({}),
        json!({"id": null, "name": null}),
        json!({"id": "", "name": "  ", "queue_position": false, "direct_line": [], "backend_link": {}}),
        json!([null, {}]),
    ] {
        assert!(contacts("", answer.clone()).unwrap().is_empty(), "{answer}");
    }
}

#[test]
fn an_id_keeps_the_type_of_its_source() {
    let id = |value: Value, types| {
        let found = mapping("").contacts(json!({ "id": value }), types).unwrap().mapped;
        format!("{:?}", found[0].id)
    };
    assert_eq!(id(json!(7), Types::Told), "7");
    assert_eq!(id(json!("7"), Types::Told), "\"7\"");
    assert_eq!(id(json!("7"), Types::Lost), "7");
    assert_eq!(id(json!("007"), Types::Lost), "\"007\"");
    assert_eq!(id(json!(5_000_000_001_u64), Types::Told), "\"5000000001\"");
}

#[test]
fn what_is_of_the_wrong_kind_never_becomes_a_name() {
    for answer in [
        json!("Ana Pop"),
        json!(42),
        json!(true),
        json!(["Ana Pop"]),
        json!({"name": ["Ana"]}),
        json!({"name": {"first": "Ana"}}),
        json!({"name": true}),
        json!({"id": [1]}),
        json!({"name": "x".repeat(LONGEST_VALUE + 1)}),
    ] {
        assert_eq!(contacts("", answer.clone()).unwrap_err().kind(), Kind::Corrupt, "{answer}");
    }
}

#[test]
fn any_other_shape_is_read_by_map() {
    let keys = "country = \"RO\"\nnumbers = [\"phones[].value\", \"mobile\"]\n\
                map = { contacts = \"data.items[?active]\", id = \"key\", name = \"join(' ', [first, last])\", \
                owner = \"owner.id\", tier = \"tier\" }";
    let answer = json!({"data": {"items": [
        {"active": true, "key": "A1", "first": "Ana", "last": "Pop", "owner": {"id": 7}, "tier": "gold",
         "phones": [{"value": "0722 111 222"}, {"value": 40_722_111_333_u64}, {"value": null}], "mobile": ""},
        {"active": false, "key": "B2", "first": "Ion", "last": "Pop"},
    ]}});
    let found = contacts(keys, answer).unwrap();
    let [contact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((contact.id.to_string().as_str(), contact.get(Field::Name)), ("A1", Some("Ana Pop")));
    assert_eq!((contact.get(Field::Owner), contact.custom["tier"].as_str()), (Some("7"), "gold"));
    let numbers: Vec<&str> = contact.numbers.iter().map(|number| number.written.as_str()).collect();
    assert_eq!(numbers, ["0722 111 222", "40722111333"]);
    assert!(contact.numbers.iter().all(|number| number.country == "RO"));
}

#[test]
fn a_map_that_fails_on_an_answer_says_which_part() {
    let error = contacts("map = { name = \"join(' ', @)\" }", json!({"first": "Ana"})).unwrap_err();
    assert!(error.kind() == Kind::Corrupt && error.to_string().contains("map.name"), "{error}");
    assert!(contacts("map = { name = \"person.name\" }", json!({"other": 1})).unwrap().is_empty());
}

#[test]
fn more_contacts_than_a_person_can_share_a_number_with_are_cut() {
    let many: Vec<Value> = (0..1000).map(|id| json!({ "id": id })).collect();
    assert_eq!(contacts("", Value::Array(many)).unwrap().len(), MOST_CONTACTS);
}

#[test]
fn a_mistake_in_the_map_is_found_when_the_file_is_read() {
    let complaints = |keys: &str| Mapping::check(&settings_for_tests("crm", keys)).len();
    assert_eq!(complaints("map = { name = \"person.full_name\", tier = \"tier\" }\nnumbers = [\"mobile\"]"), 0);
    assert_eq!(complaints("map = { nmae = \"x\" }"), 1);
    assert_eq!(complaints("map = { name = \"a[\" }"), 1);
    assert_eq!(complaints("numbers = [\"a..b\"]"), 1);
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(text in "[\\[\\]{}\",:a-c0-9ntrue .-]{0,80}", expression in "[a-c@.*\\[\\]?|`'\"0-9()&! =]{0,20}") {
        fuzz_bytes(format!("{expression}\0{text}").as_bytes());
        let answers = [serde_json::from_str(&text).unwrap_or(Value::Null), json!({"a": [{"b": text}, 1, null]})];
        let mut settings = settings_for_tests("crm", "");
        settings.map.insert("name".to_owned(), expression);
        if Mapping::check(&settings).is_empty() {
            for answer in answers {
                let _ = Mapping::of(&settings).unwrap().contacts(answer.clone(), Types::Lost);
                let _ = mapping("numbers = [\"a\"]").contacts(answer, Types::Told);
            }
        }
    }
}

#[test]
fn no_answer_of_any_shape_is_read_as_what_it_is_not() {
    let recorded = json!([{ "id": 7, "name": "Ana", "phone": "0722111222", "queue_position": 3, "backend_link": null },
                          { "id": "007", "name": "Ion", "phones": ["+40722111222"], "owner": { "id": 5 } }]);
    let mappings =
        ["", "numbers = [\"phone\", \"phones\"]", "map = { name = \"data.name\", id = \"value || id\" }"].map(mapping);
    let found = std::sync::atomic::AtomicUsize::new(0);
    crate::sources::random_answers::for_each(|random| {
        for answer in [random.answer.clone(), random.change(&recorded)] {
            let words = crate::sources::random_answers::Words::of(&answer);
            for mapping in &mappings {
                let contacts = mapping.contacts(answer.clone(), Types::Told);
                for contact in contacts.unwrap_or_default().mapped {
                    // Its id loses blanks around it.
                    proptest::prop_assert_eq!(words.explain(&contact, false), None, "{}", answer);
                    found.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
        Ok(())
    });
    assert_ne!(found.into_inner(), 0, "no answer ever had a contact");
}

#[test]
fn where_numbers_are_named_a_contact_without_one_is_nobody() {
    let answer =
        || json!([{ "id": 1, "name": "Ana", "phone": null }, { "id": 2, "name": "Ion", "phone": "0722111222" }]);
    let ids =
        |keys: &str, answer| contacts(keys, answer).unwrap().iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids("numbers = [\"phone\"]", answer()), ["2"]);
    assert_eq!(ids("numbers = [\"phone\"]", json!({ "id": 1, "name": "Ana" })), Vec::<String>::new());
    assert_eq!(ids("", answer()), ["1", "2"]);
}

#[test]
fn whoever_is_not_among_the_contacts_that_are_read_is_not_unknown() {
    let numbering = Numbering::of_country("RO");
    let caller = number::parse("0722111222", &numbering);
    let found = |people: usize, place: usize| {
        let phone = |at: usize| if at == place { "0722 111 222".to_owned() } else { format!("02131234{at:02}") };
        let answer: Vec<Value> = (0..people).map(|at| json!({ "id": at, "tel": phone(at) })).collect();
        let contacts = mapping("numbers = [\"tel\"]").contacts(Value::Array(answer), Types::Told).unwrap();
        contacts.verified(&caller, &numbering).map(|hits| hits.len()).map_err(|error| error.kind())
    };
    assert_eq!(found(MOST_CONTACTS, 99), Ok(0));
    assert_eq!(found(MOST_CONTACTS + 1, 99), Err(Kind::Corrupt));
    assert_eq!(found(MOST_CONTACTS + 1, MOST_CONTACTS), Err(Kind::Corrupt), "he is behind those that are read");
    assert_eq!(found(MOST_CONTACTS + 1, 3), Ok(1));
}
