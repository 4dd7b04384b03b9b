//! Who is taken, who is asked, and what the receipt says.

use super::*;

const CONFIGURATION: &str = "[server]\nstore = \"sqlite:calldex.db\"\n[directory.customers]\ncountry = \"RO\"\n\
                             [directory.suppliers]\ncountry = \"RO\"\n";

struct Shop {
    _folder: tempfile::TempDir,
    workshop: Workshop,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calldex.toml");
        let store = folder.path().join("calldex.db").display().to_string();
        std::fs::write(&file, CONFIGURATION.replace("calldex.db", &store)).unwrap();
        let shop = Self { workshop: Workshop::open(&file).unwrap(), _folder: folder };
        shop.add("customers", "1", "Ana Pop");
        shop.add("customers", "2", "Ion Pop");
        shop.add("suppliers", "1", "Ana Pop SRL");
        shop
    }

    fn add(&self, book: &str, id: &str, name: &str) {
        let book = self.workshop.book(book).unwrap();
        let mut contact = Contact { id: ContactId::from_text(id), ..Contact::default() };
        contact.set(Field::Name, name);
        contact.numbers.push(ContactNumber { written: "0722 111 222".to_owned(), ..ContactNumber::default() });
        workshop::block_on(self.workshop.directory.put(&book, contact)).unwrap().unwrap();
    }

    fn erase(&self, arguments: &[&str], answer: Option<&str>) -> Result<String> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let line = [&["erase"], arguments].concat();
        let arguments = <Line as clap::Parser>::try_parse_from(line).unwrap().arguments;
        let mut out = Vec::new();
        let mut input = answer.map(str::as_bytes);
        let ask = input.as_mut().map(|input| input as &mut dyn BufRead);
        erase(&self.workshop, &arguments, ask, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for book in self.workshop.books().unwrap() {
            let scanned = self.workshop.directory.scan(&book, 1, &mut |_, contact| {
                left.push(format!("{} {}", book.name, contact.id));
                Ok(())
            });
            scanned.unwrap();
        }
        left
    }
}

#[test]
fn several_contacts_are_shown_and_nobody_is_erased_without_an_answer() {
    let shop = Shop::new();
    let refused = shop.erase(&["0722111222"], None).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
    let text = refused.to_string();
    assert!(text.starts_with("3 contacts have it:\n   1  customers  1  Ana Pop  0722 111 222\n"), "{text}");
    for answer in ["", "\n", "4\n", "x\n", ",\n"] {
        assert!(shop.erase(&["0722111222"], Some(answer)).is_err(), "{answer:?}");
    }
    assert_eq!(shop.left().len(), 3);
}

#[test]
fn the_chosen_ones_are_erased_and_named_without_their_data() {
    let shop = Shop::new();
    let receipt = shop.erase(&["+40 722 111 222"], Some("1, 3\n")).unwrap();
    assert!(
        receipt.starts_with("customers: contact 1 erased with 1 numbers and 1 fields\nsuppliers: contact 1 "),
        "{receipt}"
    );
    assert!(!receipt.contains("Ana") && !receipt.contains("722"), "{receipt}");
    assert_eq!(shop.left(), ["customers 2"]);
}

#[test]
fn yes_takes_all_and_a_directory_limits_it() {
    let shop = Shop::new();
    shop.erase(&["0722 111 222", "--yes", "--directory", "customers"], None).unwrap();
    assert_eq!(shop.left(), ["suppliers 1"]);
    let receipt = shop.erase(&["0722 111 222", "--json"], None).unwrap();
    let receipt: serde_json::Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!((&receipt["erased"][0]["directory"], &receipt["log_truncated"]), (&"suppliers".into(), &true.into()));
    assert_eq!(shop.erase(&["0722 111 222"], None).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn one_id_is_erased_and_may_be_let_back() {
    let shop = Shop::new();
    shop.erase(&["--id", "1", "--directory", "suppliers"], None).unwrap();
    assert_eq!(shop.left(), ["customers 1", "customers 2"]);
    let forget = ["--id", "1", "--directory", "suppliers", "--forget-block"];
    assert!(shop.erase(&forget, None).unwrap().contains("may be imported or added again"));
    shop.erase(&["0722111222", "--directory", "suppliers", "--forget-block"], None).unwrap();
    assert_eq!(shop.erase(&forget, None).unwrap_err().kind(), Kind::NotFound);
    shop.add("suppliers", "1", "Ana Pop SRL");
}
