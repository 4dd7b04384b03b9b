//! The search for a number, in Salesforce's SOSL.
//!
//! Salesforce keeps a number as it was typed and cuts it into words at blanks and signs. Independent clients report
//! that a search among telephone fields passes over signs, others that it does not always; so every spelling is looked
//! for as digits, and what comes back is verified.

/// Fewer digits are looked for nowhere: they would find half of the customers.
const FEWEST_DIGITS: usize = 6;

/// Most records that come back: that many without the caller among them is no unknown caller.
pub(super) const MOST_RECORDS: usize = 200;

/// What is searched, and which fields come back.
const RETURNING: &str = "RETURNING \
    Contact(Id, Name, Email, Account.Name, Phone, MobilePhone, HomePhone, OtherPhone, OwnerId, LastModifiedDate), \
    Lead(Id, Name, Email, Company, Phone, MobilePhone, OwnerId, LastModifiedDate WHERE IsConverted = false), \
    Account(Id, Name, Phone, OwnerId, LastModifiedDate) LIMIT 200";

/// The search for these spellings; `None` when none of them has enough digits. Only digits go into it, so nothing in it
/// needs escaping.
pub(super) fn sosl(spellings: &[String]) -> Option<String> {
    let mut wanted: Vec<String> = Vec::new();
    for spelling in spellings {
        let digits: String = spelling.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= FEWEST_DIGITS && !wanted.contains(&digits) {
            wanted.push(digits);
        }
    }
    (!wanted.is_empty()).then(|| format!("FIND {{{}}} IN PHONE FIELDS {RETURNING}", wanted.join(" OR ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(spellings: &[&str]) -> Option<String> {
        let spellings: Vec<String> = spellings.iter().map(|spelling| (*spelling).to_owned()).collect();
        sosl(&spellings).map(|query| query.split(" IN PHONE").next().unwrap().to_owned())
    }

    #[test]
    fn each_spelling_is_looked_for_once_and_as_digits() {
        let wanted = find(&["+40722111222", "40722111222", "0040722111222", "0722 111 222", "722111222"]);
        assert_eq!(wanted.unwrap(), "FIND {40722111222 OR 0040722111222 OR 0722111222 OR 722111222}");
    }

    #[test]
    fn nothing_of_a_caller_but_digits_gets_into_the_search_and_few_digits_find_nobody() {
        assert_eq!(find(&["1234567} OR {*"]).unwrap(), "FIND {1234567}");
        assert_eq!(find(&["12345", "", "*"]), None);
    }
}
