//! Files of recipes that somebody removes while the server runs.

use std::sync::Arc;

use super::bench::configuration;
use super::crms::Freshdesk;
use super::stand_in::{Crm, StandIn};
use crate::harness::{Server, Workplace, get, wait_until};

const NO_CACHE: &str = "[cache]\nfound_entries = 0\nunknown_entries = 0\n";

/// The shipped recipe of Freshdesk, without its tests and with links of its own.
fn freshdesk(link: &str) -> String {
    let shipped = include_str!("../../../src/sources/recipes/freshdesk.toml");
    shipped.split("\n[[test]]").next().unwrap().replace("/a/contacts/", link)
}

fn wait_for_link(server: &Server, link: &str) {
    let answers = || get(server.address, "/sales/lookup?telephone=0722111222").text().contains(&format!("{link}42"));
    wait_until(&format!("an answer with {link}"), answers);
}

#[test]
fn a_recipe_whose_file_is_gone_goes_on_with_an_alarm_until_the_file_is_back() {
    let stand_in = StandIn::start(Arc::new(Freshdesk));
    let configuration = configuration("desk", &stand_in.url, Freshdesk.params()) + NO_CACHE;
    let workplace = Workplace::new(&configuration);
    workplace.write("recipes/desk.toml", freshdesk("/own/"));
    let server = workplace.serve();
    wait_for_link(&server, "/own/");
    std::fs::remove_file(workplace.path("recipes/desk.toml")).unwrap();
    server.wait_for_log("desk.toml is gone; the source crm goes on with its earlier copy");
    server.wait_for_metrics("calldex_recipes_failed 1");
    wait_for_link(&server, "/own/");
    // The rest of the configuration can change meanwhile, and the copy holds through it.
    workplace.write("calldex.toml", configuration + "[project.more]\nopen = true\n");
    wait_until("another project", || get(server.address, "/more/lookup?telephone=0722111222").status == 200);
    wait_for_link(&server, "/own/");
    server.wait_for_metrics("calldex_recipes_failed 1");
    workplace.write("recipes/desk.toml", freshdesk("/new/"));
    wait_for_link(&server, "/new/");
    server.wait_for_metrics("calldex_recipes_failed 0");
    server.stop();
}

#[test]
fn the_shipped_recipe_takes_over_when_the_file_in_its_place_is_gone() {
    let stand_in = StandIn::start(Arc::new(Freshdesk));
    let workplace = Workplace::new(&(configuration("freshdesk", &stand_in.url, Freshdesk.params()) + NO_CACHE));
    workplace.write("recipes/freshdesk.toml", freshdesk("/own/"));
    let server = workplace.serve();
    wait_for_link(&server, "/own/");
    std::fs::remove_file(workplace.path("recipes/freshdesk.toml")).unwrap();
    server.wait_for_log("freshdesk.toml is gone; the source crm uses the recipe that comes with calldex");
    wait_for_link(&server, "/a/contacts/");
    server.stop();
}
