//! Traps of contacts and their files into which others have fallen.

use serde_json::Value;

use super::name;
use crate::harness::{CONFIGURATION, Workplace};

#[test]
fn numbers_of_any_country_and_with_blanks_or_slashes_around_and_in_them_are_found_after_an_import() {
    let workplace = Workplace::with(
        CONFIGURATION,
        "id,name,telephone\n1,London,+44 20 7946 0018\n2,Blanks,  0722 111 222   \n3,Slash,021/312 34 56\n\
         4,Slash abroad,0049 171/2079190\n5,Both,0733 111 222 / 0733 333 444\n6,Formula,\"=\"\"0744555666\"\"\"\n",
    );
    let server = workplace.serve();
    for (telephone, expected) in [
        ("%2B442079460018", "London"),
        ("0722111222", "Blanks"),
        ("0213123456", "Slash"),
        ("00491712079190", "Slash abroad"),
        ("0733333444", "Both"),
        ("0744555666", "Formula"),
    ] {
        assert_eq!(name(&server, telephone), expected);
    }
}

#[test]
fn a_contact_is_the_same_whether_it_was_added_by_hand_or_imported() {
    let workplace = Workplace::new(CONFIGURATION);
    let add = ["contact", "add", "--directory", "customers", "--name", "Ana Pop", "--number", "0722 111 222"];
    workplace.succeed(&add);
    workplace.write("ana.csv", "name,telephone,company\nAna Pop,+40722111222,Acme\n");
    workplace.write("eva.csv", "name,telephone\nEva Marin,0040733-222-333\n");
    let report = |file: &str| -> Value {
        serde_json::from_str(&workplace.succeed(&["import", file, "--directory", "customers", "--json"])).unwrap()
    };
    assert_eq!(report("ana.csv")["contacts"]["changed"], 1, "no second Ana");
    assert_eq!(report("eva.csv")["contacts"]["added"], 1);
    workplace.succeed(&["contact", "add", "--directory", "customers", "--name", "Eva Marin", "--number", "0733222333"]);
    let listed = workplace.succeed(&["directory", "list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()["contacts"], 2);
}

#[test]
fn a_contact_may_have_more_numbers_than_anybody_expects_and_each_is_found() {
    let numbers: Vec<String> = (0..25).map(|place| format!("07331110{place:02}")).collect();
    let workplace = Workplace::with(CONFIGURATION, &format!("id,name,telephone\n1,Many,{}\n", numbers.join(" / ")));
    let exported = workplace.succeed(&["directory", "export", "customers"]);
    workplace.write("out.csv", &exported);
    let again = workplace.succeed(&["import", "out.csv", "--directory", "customers"]);
    assert!(again.contains("0 added, 0 changed, 1 unchanged"), "{again}");
    let server = workplace.serve();
    for number in numbers {
        assert_eq!(name(&server, &number), "Many", "{number}");
    }
}

#[test]
fn a_bulk_import_makes_no_empty_and_no_double_contacts() {
    let rows = "name,telephone,,\nAna,0722111222,,\n,,,\nAna,0722 111 222,,\n\"\",\"\",\"\",\"\"\nIon,0733222333,too,many,columns\nEva,0744333444\n";
    let workplace = Workplace::with(CONFIGURATION, rows);
    let listed = workplace.succeed(&["directory", "list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()["contacts"], 2, "Ana once, Eva, and nobody else");
    let again = workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    assert!(again.contains("0 added, 0 changed, 2 unchanged") && again.contains("Nothing has changed"), "{again}");
}

#[test]
fn a_company_without_a_person_has_a_name_where_the_project_says_so() {
    let configuration = format!("{CONFIGURATION}name = \"{{{{ contact.company }}}}\"\n");
    let workplace =
        Workplace::with(&configuration, "id,name,company,telephone\n1,,Acme SRL,0213123456\n2,-,,0213123457\n");
    let server = workplace.serve();
    assert_eq!(name(&server, "0213123456"), "Acme SRL");
}
