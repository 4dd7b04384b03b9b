//! Real calls: SIPp calls through Kamailio, which asks calldex with the printed snippet. No call is lost, whatever fails.

use crate::harness::{
    CONFIGURATION, CONTACTS, Callee, Kamailio, Server, Silent, TOKEN, Workplace, get, has_program, wait_until,
};

/// A name with everything that SIP, JSON and Kamailio take for syntax.
const ODD_NAME: &str = "Ștefan \"Bob\" O'Brien <x@y>: 50%; \\co, Ltd";

/// Contacts of [`CONTACTS`], one with an odd name and one with a queue.
fn contacts() -> String {
    format!("{CONTACTS}900,\"{}\",,0733000001,,sales-queue,,\n", ODD_NAME.replace('"', "\"\""))
}

/// The parts of a call network.
struct Network {
    workplace: Workplace,
    server: Server,
    callee: Callee,
    kamailio: Kamailio,
}

impl Network {
    /// `None` when Kamailio or SIPp are not installed. Kamailio waits half a second longer than the deadline, in whole
    /// seconds.
    fn start(deadline: &str) -> Option<Self> {
        Self::with(&CONFIGURATION.replace("deadline = \"10s\"", &format!("deadline = \"{deadline}\"")))
    }

    fn with(configuration: &str) -> Option<Self> {
        let suite = "real calls through Kamailio";
        if !has_program("kamailio", suite) || !has_program("sipp", suite) {
            return None;
        }
        if !Kamailio::has_modules() && !has_program("kamailio-utils-modules and kamailio-extra-modules", suite) {
            return None;
        }
        let workplace = Workplace::with(configuration, &contacts());
        let server = workplace.serve();
        let public = format!("[server]\npublic_url = \"http://{}\"", server.address);
        workplace.write("calldex.toml", configuration.replace("[server]", &public));
        let snippet = workplace.succeed(&["snippet", "kamailio", "--project", "sales", "--token", TOKEN]);
        let callee = Callee::start();
        let kamailio = Kamailio::start(&workplace, &snippet, &callee);
        Some(Self { workplace, server, callee, kamailio })
    }

    fn call(&self, name: &str, calls: &[String]) {
        self.kamailio.call(&self.workplace, name, calls, 100);
        assert_eq!(self.callee.count(), calls.len(), "{}", self.kamailio.log());
    }

    /// Lookups that calldex has answered.
    fn lookups(&self) -> u64 {
        let metrics = get(self.server.address, "/metrics").text();
        let lines = metrics.lines().filter(|line| line.starts_with("calldex_lookups_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

fn call(from: &str, case: &str) -> String {
    format!("sip:{from}@127.0.0.1;40311000000;{case}")
}

/// So many calls of a known caller.
fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| call("+40722111222", &format!("call-{number}"))).collect()
}

#[test]
fn names_headers_and_direct_lines_are_right_and_nothing_of_a_callers_own_passes() {
    let Some(network) = Network::start("10s") else { return };
    let numbers = [
        "+40722111222",
        "0722111222",
        "40722111222",
        "0040722111222",
        "0733000001",
        "0799999999",
        "anonymous",
        "0799999999&telephone=0722111222",
        "%2B40722111222",
    ];
    let calls: Vec<String> = numbers
        .iter()
        .map(|from| call(from, from))
        .chain(["sip:anonymous.invalid;40311000000;none".to_owned()])
        .collect();
    network.call("numbers", &calls);
    let arrived = network.callee.take();
    for from in ["+40722111222", "0722111222", "40722111222", "0040722111222"] {
        let call = &arrived[from];
        assert_eq!(call.display_name(), "Ana Popescu", "{from}: {call:?}");
        assert_eq!(call.user, "ion-popescu", "the direct line: {from}");
        assert_eq!(call.header("x-calldex-id"), "12345");
        assert_eq!(call.header("x-calldex-queue-position"), "5");
        assert_eq!(call.header("x-calldex-link"), "https://crm.example.com/contact/12345");
        assert_eq!(call.header("x-calldex-route"), "shop");
        assert_eq!(call.header("x-calldex-direct-line"), "SIP/ion-popescu");
    }
    let odd = &arrived["0733000001"];
    assert_eq!(odd.display_name(), ODD_NAME);
    assert_eq!((odd.user.as_str(), odd.header("x-calldex-direct-line")), ("40311000000", "sales-queue"));
    for from in ["0799999999", "anonymous", "0799999999&telephone=0722111222", "none"] {
        let call = &arrived[from];
        assert_eq!((call.display_name().as_str(), call.user.as_str()), ("SIPp", "40311000000"), "{from}: {call:?}");
        let added: Vec<_> = call.headers.keys().filter(|name| name.starts_with("x-calldex")).collect();
        assert!(added.is_empty(), "{from}: {added:?}");
    }
    assert_eq!(network.lookups(), calls.len() as u64, "one lookup for each call");
}

#[test]
fn five_hundred_calls_at_100_a_second_are_all_answered_with_their_names() {
    let Some(network) = Network::start("10s") else { return };
    network.call("load", &many(500));
    let arrived = network.callee.take();
    assert_eq!(arrived.values().filter(|call| call.display_name() == "Ana Popescu").count(), 500);
    assert_eq!(network.lookups(), 500, "no INVITE was sent again because an answer was late");
}

#[test]
fn a_slow_source_delays_calls_to_the_deadline_and_loses_none() {
    let silent = Silent::start();
    let configuration = CONFIGURATION.replace("deadline = \"10s\"", "deadline = \"500ms\"");
    let Some(network) = Network::with(&silent.asked_by(&configuration)) else { return };
    let unknown = (0..20).map(|number| call(&format!("07990000{number:02}"), &format!("unknown-{number}")));
    let known = (0..20).map(|number| call("0733000001", &format!("known-{number}")));
    let calls: Vec<String> = unknown.zip(known).flat_map(|(unknown, known)| [unknown, known]).collect();
    network.kamailio.call(&network.workplace, "slow", &calls, 20);
    let arrived = network.callee.take();
    assert_eq!(arrived.len(), 40);
    for (case, call) in &arrived {
        // A machine that stops for half a second makes Kamailio go on without a name; the call arrives all the same.
        let names = if case.starts_with("known") { [ODD_NAME, "SIPp"] } else { ["SIPp", "SIPp"] };
        assert!(names.contains(&call.display_name().as_str()), "{case}: {call:?}");
    }
    network.server.wait_for_metrics("calldex_lookups_degraded_total{source=\"slow\"}");
}

#[test]
fn without_calldex_with_a_frozen_one_and_with_one_killed_in_mid_call_no_call_is_lost() {
    let Some(network) = Network::start("500ms") else { return };
    // Frozen: the kernel accepts connections and nobody answers. Kamailio waits for its limit, then the call goes on.
    network.server.signal("STOP");
    network.call("frozen", &many(8));
    network.server.signal("CONT");
    assert!(network.callee.take().values().all(|call| call.display_name() == "SIPp"));
    network.kamailio.wait_for_log("calldex: status 28, the call goes on");

    let Network { workplace, server, callee, kamailio } = network;
    let sipp = kamailio.begin(&workplace, "killed", &many(200), 50);
    wait_until("calls with a name", || callee.count_named("Ana Popescu") >= 20);
    server.kill();
    sipp.finish();
    let arrived = callee.take();
    assert_eq!(arrived.len(), 200);
    assert!(arrived.values().all(|call| ["Ana Popescu", "SIPp"].contains(&call.display_name().as_str())));

    kamailio.call(&workplace, "stopped", &many(50), 50);
    assert_eq!(callee.take().values().filter(|call| call.display_name() == "SIPp").count(), 50);
    kamailio.wait_for_log("calldex: status 7, the call goes on");
}
