//! What the columns of files are taken for.

use super::*;

fn decided(headers: &str, maps: &[&str]) -> Result<Vec<Column>> {
    let headers: Vec<String> = headers.split('|').map(str::to_owned).collect();
    let maps: Vec<Mapping> = maps.iter().map(|map| map.parse().unwrap()).collect();
    decide(&headers, &maps, false)
}

fn targets(headers: &str, maps: &[&str]) -> Vec<String> {
    decided(headers, maps).unwrap().iter().map(|column| column.target.name()).collect()
}

fn refusal(headers: &str, maps: &[&str]) -> String {
    decided(headers, maps).unwrap_err().to_string()
}

#[test]
fn the_names_of_the_contract_are_exact() {
    let names = "id|name|telephone|backend_link|direct_line|queue_position|route_identifier|language|outbound_number|\
        external_id|company|email|owner|primary|first_name|last_name|country|block|telephone_2|mobile";
    let columns = decided(names, &[]).unwrap();
    for (column, name) in columns.iter().zip(names.split('|')) {
        let expected = if ["telephone_2", "mobile"].contains(&name) { "telephone" } else { name };
        assert_eq!((column.target.name().as_str(), column.certainty), (expected, Certainty::Exact), "{name}");
    }
}

#[test]
fn every_number_column_is_taken_with_its_name_as_label() {
    let columns = decided("Name|Telefon mobil|Phone 2|Notes", &[]).unwrap();
    assert_eq!(columns[1].target, Target::Telephone { label: "Telefon mobil".to_owned() });
    assert_eq!(columns[2].target, Target::Telephone { label: "Phone 2".to_owned() });
    assert_eq!(columns[3].target, Target::Custom("Notes".to_owned()));
}

#[test]
fn a_second_name_or_address_becomes_a_custom_field() {
    assert_eq!(
        targets("Display Name|name|E-mail|E-mail 2|Telefon", &[]),
        ["custom.Display Name", "name", "email", "custom.E-mail 2", "telephone"]
    );
    assert_eq!(targets("Notes|Notes|tel", &[]), ["custom.Notes", "custom.Notes 2", "telephone"]);
}

#[test]
fn the_word_for_name_beside_a_first_name_is_the_family_name() {
    assert_eq!(targets("Nume|Prenume|Telefon", &[]), ["last_name", "first_name", "telephone"]);
    assert_eq!(targets("Nom|Prénom|Téléphone", &[]), ["last_name", "first_name", "telephone"]);
    assert_eq!(targets("Name|Vorname|Telefon", &[]), ["last_name", "first_name", "telephone"]);
    assert_eq!(targets("Nombre|Apellidos|Teléfono", &[]), ["first_name", "last_name", "telephone"]);
    assert_eq!(targets("Nume|Telefon", &[]), ["name", "telephone"]);
    assert_eq!(targets("Name|Given Name|Family Name|Phone", &[]), ["name", "first_name", "last_name", "telephone"]);
}

#[test]
fn labels_and_extensions_belong_to_their_number() {
    let google = decided("Phone 1 - Label|Phone 1 - Value|Phone 2 - Label|Phone 2 - Value", &[]).unwrap();
    assert_eq!(google[0].target, Target::LabelOf(1));
    assert_eq!(google[2].target, Target::LabelOf(3));
    let freepbx = decided("displayname|phone_1_number|phone_1_type|phone_1_extension|phone_1_flags", &[]).unwrap();
    assert_eq!(freepbx[2].target, Target::LabelOf(1));
    assert_eq!(freepbx[3].target, Target::ExtensionOf(1));
    assert_eq!(freepbx[4].target, Target::Custom("phone_1_flags".to_owned()));
    assert_eq!(decided("Name|Phone|Ext.", &[]).unwrap()[2].target, Target::ExtensionOf(1));
    assert_eq!(targets("extension|name|mobile", &[]), ["telephone", "name", "telephone"]);
}

#[test]
fn a_column_called_number_is_a_telephone_only_when_nothing_else_is() {
    assert_eq!(targets("Name|Number", &[]), ["name", "telephone"]);
    assert_eq!(targets("Name|Number|Phone", &[]), ["name", "custom.Number", "telephone"]);
}

#[test]
fn map_overrides_a_guess_and_the_loser_is_kept() {
    let maps = ["name=Full name", "telephone=Linie", "ignore=Phone", "custom.vip=Stars", "mobile=4"];
    assert_eq!(
        targets("Name|full  NAME|Linie|x|Phone|Stars", &maps),
        ["custom.Name", "name", "telephone", "telephone", "ignore", "custom.vip"]
    );
    assert_eq!(targets("column 1|column 2", &["name=1", "telephone=column 2"]), ["name", "telephone"]);
}

#[test]
fn a_map_that_names_no_field_is_refused_with_the_nearest() {
    let wrong = |text: &str| text.parse::<Mapping>().unwrap_err();
    assert_eq!(
        wrong("backendlink=URL"),
        "\"backendlink\" is no field of a contact; did you mean \"backend_link\"? (the fields are id, telephone, \
         first_name, last_name, block, country, primary, custom.NAME, ignore, name, company, email, owner, \
         backend_link, direct_line, queue_position, route_identifier, outbound_number, language, external_id)"
    );
    assert_eq!(wrong("name"), "found \"name\", expected FIELD=COLUMN, such as telephone=\"Phone 2\"");
    assert!(wrong("=x").starts_with("\"\" is no field of a contact (the fields are"));
}

#[test]
fn a_map_that_names_no_column_is_refused_with_the_nearest() {
    assert_eq!(
        refusal("Id|Telefon mobil|Nume", &["telephone=Telefon mobile1"]),
        "--map: the file has no column \"Telefon mobile1\"; did you mean \"Telefon mobil\"? \
         (it has \"Id\", \"Telefon mobil\", \"Nume\")"
    );
    assert_eq!(refusal("a|b", &["telephone=3"]), "--map: the file has no column \"3\" (it has \"a\", \"b\")");
}

#[test]
fn a_file_without_a_number_column_is_refused_with_what_was_seen() {
    assert_eq!(
        refusal("id|Nume|Oraș", &[]),
        "no column holds telephone numbers; the columns are \"id\", \"Nume\", \"Oraș\"; name one with \
         --map telephone=COLUMN, or say --no-numbers when the file only adds to contacts by their id"
    );
    let headers = ["id".to_owned(), "email".to_owned()];
    assert!(decide(&headers, &[], true).is_ok());
    let refused = decide(&headers[1..], &[], true).unwrap_err().to_string();
    assert_eq!(refused, "--no-numbers needs a column with ids; the columns are \"email\"");
}

#[test]
fn the_columns_say_what_the_import_covers() {
    let covers = covers(&decided("first_name|email|Notes|primary|tel", &[]).unwrap());
    assert_eq!(covers.fields, [Field::Name, Field::Email].into());
    assert_eq!(covers.custom, ["Notes".to_owned()].into());
    assert_eq!((covers.numbers, covers.blocks, covers.primary), (true, false, true));
}
