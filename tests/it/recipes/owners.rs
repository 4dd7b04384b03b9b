//! Who looks after a contact in its CRM becomes an agent at the PBX; and sessions begin ahead of the first call.

use std::sync::Arc;

use super::bench::{Bench, for_each, with_each};
use crate::harness::wait_until;

#[test]
fn the_owner_in_the_crm_becomes_the_agent_at_the_pbx_by_his_address_or_his_id() {
    for_each(|crm| {
        for agent in [crm.agent(), crm.owner()] {
            let more = format!(
                "[agent.ion-popescu]\n{agent}\n\
                 [[project.sales.rule]]\nwhen = \"contact.agent\"\ndirect_line = \"SIP/{{{{ contact.agent }}}}\"\n"
            );
            let bench = Bench::with(Arc::clone(&crm), |configuration| configuration + &more);
            bench.expect("0722111222", "\"direct_line\":\"SIP/ion-popescu\"");
        }
    });
}

#[test]
fn a_session_begins_ahead_of_the_first_call_and_serves_all_that_follow() {
    with_each(|bench| {
        let name = bench.crm.recipe();
        if !["dynamics365", "odoo_jsonrpc", "salesforce", "zoho"].contains(&name) {
            return;
        }
        let asking = bench.serve_at_once();
        wait_until(&format!("the login at {name}"), || bench.logins() == 1);
        assert!(bench.lookups().is_empty(), "{name}: nobody has called");
        wait_until("Ana", || asking.ask("0722111222").text().contains("Ana Pop"));
        wait_until("Dan", || asking.ask("0722333444").text().contains("Dan Ionescu"));
        assert_eq!(bench.logins(), 1, "{name}");
        asking.server.stop();
    });
}
