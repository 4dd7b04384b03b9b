//! A caller who stands on a later page of an answer is found all the same.

use super::bench::with_each;
use super::book::Mood;
use super::fault::Fault;

/// Those whose interface gives no further page for this search.
const WITHOUT_PAGES: [&str; 2] = ["bitrix24", "salesforce"];

#[test]
fn a_caller_on_the_second_page_is_found() {
    with_each(|bench| {
        if WITHOUT_PAGES.contains(&bench.crm.recipe()) {
            return;
        }
        bench.stand_in.order(Fault::Search(Mood::Long));
        bench.expect("0722111222", bench.crm.link());
    });
}
