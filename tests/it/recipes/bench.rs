//! A CRM that runs, and a calldex that asks it: by commands, or as a server.

use std::sync::Arc;

use super::crms::all;
use super::fault::Fault;
use super::stand_in::{Crm, Request, StandIn};
use crate::harness::{ADMIN, Reply, Server, Workplace, get, send, text, wait_until};

/// A configuration with one source and one project that asks it.
pub(super) fn configuration(recipe: &str, url: &str, params: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\nadmin_tokens = [\"{ADMIN}\"]\n\
         [source.crm]\ntype = \"{recipe}\"\nurl = \"{url}\"\ncountry = \"RO\"\nparams = {params}\nrate = \"1000/1s\"\n\
         [project.sales]\ncountry = \"RO\"\nallow = [\"127.0.0.1\"]\nsources = [\"crm\"]\ndeadline = \"10s\"\n"
    )
}

/// A CRM that runs, and a calldex that asks it.
pub(super) struct Bench {
    pub(super) crm: Arc<dyn Crm>,
    pub(super) stand_in: StandIn,
    pub(super) workplace: Workplace,
}

impl Bench {
    pub(super) fn new(crm: Arc<dyn Crm>) -> Self {
        Self::with(crm, |configuration| configuration)
    }

    /// With another configuration.
    pub(super) fn with(crm: Arc<dyn Crm>, change: impl FnOnce(String) -> String) -> Self {
        let stand_in = StandIn::start(Arc::clone(&crm));
        let workplace = Workplace::new(&change(configuration(crm.recipe(), &stand_in.url, crm.params())));
        Self { crm, stand_in, workplace }
    }

    /// Looks a number up until the answer and its explanation hold a text; then no secret stands in them.
    pub(super) fn expect(&self, number: &str, expected: &str) {
        let mut seen = String::new();
        wait_until(&format!("{expected:?} of {} about {number}", self.crm.recipe()), || {
            let output = self.workplace.run(&["lookup", number, "--explain"]);
            seen = format!("{}{}", text(&output.stdout), text(&output.stderr));
            if !seen.contains(expected) {
                // Shown when the wait is in vain.
                eprintln!("{}: {seen}", self.crm.recipe());
            }
            seen.contains(expected)
        });
        for secret in self.crm.secrets() {
            assert!(!seen.contains(secret), "{} shows {secret}: {seen}", self.crm.recipe());
        }
    }

    /// A server that has found Ana, so that it is logged in where it has to be.
    pub(super) fn serve(&self) -> Asking<'_> {
        let asking = self.serve_at_once();
        wait_until(&format!("{} finds Ana", self.crm.recipe()), || asking.ask("0722111222").text().contains("Ana Pop"));
        asking
    }

    /// A server that has not been asked anything.
    pub(super) fn serve_at_once(&self) -> Asking<'_> {
        Asking {
            bench: self,
            server: self.workplace.serve_with(|command| {
                command.env("CALLDEX_LOG", "debug");
            }),
        }
    }

    /// What has arrived at the CRM and is no login.
    pub(super) fn lookups(&self) -> Vec<Request> {
        let mut received = self.stand_in.received();
        received.retain(|request| !self.crm.is_login(request));
        received
    }

    pub(super) fn logins(&self) -> usize {
        self.stand_in.received().len() - self.lookups().len()
    }
}

/// A server that asks a CRM.
pub(super) struct Asking<'a> {
    pub(super) bench: &'a Bench,
    pub(super) server: Server,
}

impl Asking<'_> {
    pub(super) fn ask(&self, number: &str) -> Reply {
        get(self.server.address, &format!("/sales/lookup?telephone={number}"))
    }

    /// Asks about a number that nobody has asked about before; the answer must say that the CRM did not.
    pub(super) fn ask_in_vain(&self, index: usize) {
        let reply = self.ask(&format!("0744000{index:03}"));
        let recipe = self.bench.crm.recipe();
        assert_eq!(reply.header("x-calldex-degraded"), Some("crm"), "{recipe}: {}", reply.text());
        assert!(reply.text().contains("\"name\":null"), "{recipe}: {}", reply.text());
    }

    /// Has the CRM answer like this, and waits until a lookup has met it.
    pub(super) fn meet(&self, fault: Fault) {
        self.order(fault);
        // A call may end before its request has left; the one that meets the fault has to arrive.
        let (mut caller, unasked) = (0, self.bench.stand_in.received().len());
        wait_until("a request that meets the fault", || {
            caller += 1;
            self.ask(&format!("0744999{caller:03}"));
            self.bench.stand_in.received().len() > unasked
        });
        // Its answer may come later than that of the call.
        self.server.wait_for_metrics("calldex_source_in_flight{source=\"crm\"} 0\n");
    }

    /// How the answer came to be.
    pub(super) fn explain(&self, number: &str) -> String {
        let head = format!("GET /sales/explain?telephone={number} HTTP/1.1\r\nHost: calldex\r\nConnection: close\r\n");
        send(self.server.address, format!("{head}Authorization: Bearer {ADMIN}\r\n\r\n").as_bytes()).text()
    }

    /// Adds a project and a setting of the source to the configuration, and waits until they are in force.
    pub(super) fn reload(&self, project: &str, setting: &str) {
        let text = std::fs::read_to_string(self.bench.workplace.path("calldex.toml")).unwrap();
        self.change(project, text.replacen("[project.", &format!("{setting}\n[project."), 1));
    }

    /// Writes another configuration with one more project, and waits until it is in force.
    pub(super) fn change(&self, project: &str, text: String) {
        self.bench.workplace.write("calldex.toml", text + &format!("[project.{project}]\nopen = true\n"));
        let path = format!("/{project}/lookup?telephone=0722111222");
        wait_until("the new configuration", || get(self.server.address, &path).status == 200);
    }

    pub(super) fn order(&self, fault: Fault) {
        self.bench.stand_in.order(fault);
    }
}

/// Each CRM in a thread of its own.
pub(super) fn with_each(test: impl Fn(Bench) + Sync) {
    for_each(|crm| test(Bench::new(crm)));
}

/// Each CRM in a thread of its own, before it runs.
pub(super) fn for_each(test: impl Fn(Arc<dyn Crm>) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        for crm in all() {
            scope.spawn(move || test(crm));
        }
    });
}
