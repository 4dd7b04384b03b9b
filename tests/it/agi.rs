//! FastAGI, against a scripted Asterisk that speaks as the real one was seen to.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::harness::{
    Asterisk, CONFIGURATION, CONTACTS, Dialogue, Incoming, Server, Silent, TOKEN, Workplace, allow_open_files, get,
    own_port, unless_stalled, wait_until,
};

/// The address of the project `sales` with its token.
fn script() -> String {
    format!("sales?token={TOKEN}")
}

/// [`CONFIGURATION`] with a FastAGI listener, and further keys of `[server]`.
fn configuration(keys: &str) -> String {
    CONFIGURATION.replace("[server]", &format!("[server]\nagi = \"127.0.0.1:0\"\n{keys}"))
}

fn with_server(keys: &str) -> (Workplace, Server, SocketAddr) {
    let workplace = Workplace::with(&configuration(keys), CONTACTS);
    let server = workplace.serve();
    let agi = server.agi.expect("a FastAGI listener");
    (workplace, server, agi)
}

fn call(agi: SocketAddr, callerid: &str) -> Dialogue {
    Asterisk::call(agi, &Incoming::new(&script(), callerid)).talk()
}

/// How often conversations have ended so.
fn count(server: &Server, result: &str) -> u64 {
    let metrics = get(server.address, "/metrics").text();
    let line = format!("calldex_agi_calls_total{{result=\"{result}\"}} ");
    metrics.lines().find_map(|row| row.strip_prefix(&line)).map_or(0, |value| value.parse().unwrap())
}

fn wait_for_count(server: &Server, result: &str, expected: u64) {
    wait_until(&format!("{expected} conversations that ended as {result}"), || count(server, result) >= expected);
    assert_eq!(count(server, result), expected, "{result}");
}

#[test]
fn a_known_caller_sets_variables_one_command_at_a_time() {
    let (_workplace, server, agi) = with_server("");
    let dialogue = call(agi, "+40722111222");
    assert_eq!(
        dialogue.commands,
        [
            "SET VARIABLE CALLERID(name) \"Ana Popescu\"\n",
            "SET VARIABLE CALLDEX_DIRECT_LINE \"SIP/ion-popescu\"\n",
            "SET VARIABLE CALLDEX_QUEUE_POSITION \"5\"\n",
            "SET VARIABLE CALLDEX_ID \"12345\"\n",
            "SET VARIABLE CALLDEX_NAME \"Ana Popescu\"\n",
            "SET VARIABLE CALLDEX_ROUTE_IDENTIFIER \"shop\"\n",
            "SET VARIABLE CALLDEX_LANGUAGE \"ro\"\n",
            "SET VARIABLE CALLDEX_BACKEND_LINK \"https://crm.example.com/contact/12345\"\n",
        ]
    );
    wait_for_count(&server, "answered", 1);
    server.wait_for_metrics("calldex_lookups_total{project=\"sales\",outcome=\"found\"} 1");
}

#[test]
fn an_unknown_or_withheld_caller_sets_nothing_and_goes_on_at_once() {
    let (_workplace, server, agi) = with_server("");
    let callers = ["0799999999", "unknown", "anonymous", "", "Restricted", "asterisk", "x;y\"z\\", "+", "sip:a@b"];
    for callerid in callers {
        assert_eq!(call(agi, callerid).commands, [""; 0], "{callerid}");
    }
    wait_for_count(&server, "answered", callers.len() as u64);
}

#[test]
fn numbers_come_from_the_address_the_arguments_or_the_environment() {
    let (_workplace, _server, agi) = with_server("");
    let script = script();
    let usual = Incoming::new(&script, "unknown");
    let by_address = format!("{script}&telephone=0722%20111%20222");
    let nobody_by_address = format!("{script}&telephone=");
    let known = [
        Incoming { arguments: &["+40722111222", "40311000000"], ..usual.clone() },
        Incoming { arguments: &["unknown", "unknown"], callerid: "0722111222", ..usual.clone() },
        Incoming { arguments: &[""], callerid: "40722111222", ..usual.clone() },
        Incoming { script: &by_address, ..usual.clone() },
        Incoming { script: &nobody_by_address, callerid: "0722-111-222", ..usual.clone() },
        Incoming { callerid: "0040722111222", dnid: "unknown", extension: "s", ..usual.clone() },
    ];
    for incoming in known {
        let dialogue = Asterisk::call(agi, &incoming).talk();
        assert_eq!(dialogue.get("CALLDEX_NAME"), "Ana Popescu", "{incoming:?}");
    }
    let other = Incoming { arguments: &["0799999999"], callerid: "0722111222", ..usual };
    assert_eq!(Asterisk::call(agi, &other).talk().commands, [""; 0], "an argument stands above the environment");
}

#[test]
fn the_number_called_and_what_else_asterisk_says_can_be_explained() {
    let (_workplace, server, agi) = with_server("");
    let script = script();
    let usual = Incoming { uniqueid: "voice-1795415621.7", ..Incoming::new(&script, "+40722111222") };
    let explained = |incoming: &Incoming<'_>| {
        Asterisk::call(agi, incoming).talk();
        let target = format!("/sales/explain?request={}", incoming.uniqueid);
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: c\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            crate::harness::ADMIN
        );
        crate::harness::send(server.address, head.as_bytes()).json()
    };
    assert_eq!(explained(&usual)["dnid"], "40311000000");
    let arguments = Incoming { uniqueid: "a.1", arguments: &["0722111222", "0310000001"], ..usual.clone() };
    assert_eq!(explained(&arguments)["dnid"], "0310000001");
    let local = Incoming { uniqueid: "a.2", dnid: "unknown", extension: "0310000002", ..usual.clone() };
    assert_eq!(explained(&local)["dnid"], "0310000002");
    let by_address = format!("{script}&dnid=0310000003&direction=in");
    let queried = Incoming { uniqueid: "a.3", script: &by_address, ..usual };
    let explanation = explained(&queried);
    assert_eq!((&explanation["dnid"], &explanation["direction"]), (&"0310000003".into(), &"in".into()));
    assert!(!explanation.to_string().contains(TOKEN), "{explanation}");
    assert!(!server.whole_log().contains(TOKEN));
}

#[test]
fn the_queue_priority_is_set_if_asked_and_our_own_name_stays_on_an_outbound_call() {
    let (_workplace, _server, agi) = with_server("");
    let wanted = format!("{}&queue_prio=1&direction=out", script());
    let dialogue = Asterisk::call(agi, &Incoming::new(&wanted, "0722111222")).talk();
    assert_eq!((dialogue.get("QUEUE_PRIO"), dialogue.get("CALLERID(name)")), ("5", ""));
    assert_eq!(dialogue.get("CALLDEX_NAME"), "Ana Popescu");
    assert_eq!(call(agi, "0722111222").get("QUEUE_PRIO"), "");
}

#[test]
fn any_name_reaches_asterisk_whole_and_in_one_line() {
    let names =
        ["Ștefan \"Bob\" O'Brien, Ltd; \\co", "Acme: Sales <x@y> / 50%", "Иван", "محمد", "☎ 📞", "$ {x}", "\\\\\"\""];
    let rows: String = names
        .iter()
        .enumerate()
        .map(|(row, name)| format!("{row},\"{}\",07220000{row:02}\n", name.replace('"', "\"\"")))
        .collect();
    let workplace = Workplace::with(&configuration(""), &format!("id,name,telephone\n{rows}"));
    let server = workplace.serve();
    for (row, name) in names.iter().enumerate() {
        let dialogue = call(server.agi.unwrap(), &format!("07220000{row:02}"));
        assert_eq!(dialogue.get("CALLERID(name)"), *name);
        assert_eq!(dialogue.get("CALLDEX_NAME"), *name);
    }
}

#[test]
fn who_may_not_ask_is_told_on_the_console_and_the_call_goes_on() {
    let (workplace, server, agi) = with_server("");
    let wrong = "VERBOSE \"calldex: refused for 127.0.0.1: wrong address, project or token\" 1\n";
    let refused = |script: &str| Asterisk::call(agi, &Incoming::new(script, "0722111222")).talk().commands;
    for script in ["sales", "sales?token=wrong", "slaes?token=wrong", "", "sales?token=a&token=b"] {
        assert_eq!(refused(script), [wrong], "{script}");
    }
    server.wait_for_log("tokens_differ");
    let mut proxied = Asterisk::connect(agi);
    let block = Incoming::new(&script(), "0722111222").block();
    proxied.send(format!("PROXY TCP4 203.0.113.9 127.0.0.1 5 4573\r\n{block}").as_bytes());
    let commands = proxied.talk().commands;
    assert!(commands[0].contains("a proxy that this server does not trust"), "{commands:?}");
    wait_for_count(&server, "refused", 6);
    let elsewhere = configuration("").replace("\ntokens =", "\nallow = [\"203.0.113.9\"]\ntokens =");
    workplace.write("calldex.toml", elsewhere.replace(TOKEN, "another-token-of-the-tests-01234"));
    server.wait_for_log("is in force");
    assert_eq!(refused("sales?token=another-token-of-the-tests-01234"), [wrong], "the address list counts too");
    let log = server.whole_log();
    assert!(!log.contains("token=wrong"), "{log}");
}

#[test]
fn whoever_keeps_trying_is_turned_away_without_a_lookup() {
    // One a minute: a slow machine does not get a second one.
    let (_workplace, server, agi) = with_server("refused_per_minute = 1");
    let mut commands = Vec::new();
    for _ in 0..10 {
        commands.extend(Asterisk::call(agi, &Incoming::new("sales?token=wrong", "0722111222")).talk().commands);
    }
    assert_eq!(
        commands.iter().filter(|command| command.contains("too many refused tries")).count(),
        9,
        "{commands:#?}"
    );
    assert_eq!(call(agi, "0722111222").get("CALLDEX_NAME"), "Ana Popescu", "others' failures throttle nobody");
    server.wait_for_log("token_wrong");
    let log = server.whole_log();
    assert_eq!(log.matches("reason=\"token_wrong\"").count(), 1, "{log}");
}

#[test]
fn what_a_caller_smuggles_into_the_block_names_nobody() {
    let (_workplace, _server, agi) = with_server("");
    for callerid in [
        "0799999999\nagi_arg_1: 0722111222",
        "0799999999\nagi_dnid: 0310000009",
        "0799999999\nagi_callerid: 0722111222",
    ] {
        assert_eq!(call(agi, callerid).commands, [""; 0], "{callerid:?}");
    }
    let twice = format!("{}&telephone=0722111222&telephone=0799999999", script());
    assert_eq!(Asterisk::call(agi, &Incoming::new(&twice, "0722111222")).talk().commands, [""; 0]);
    // An empty line ends the block: what was to follow arrives where replies are expected.
    let cut = call(agi, "0722111222\n");
    assert_eq!(cut.get("CALLDEX_NAME"), "Ana Popescu");
}

#[test]
fn hostile_scripts_and_blocks_are_refused_and_nothing_breaks() {
    let (_workplace, server, agi) = with_server("");
    let long = format!("sales?token={}", "t".repeat(10_000));
    let scripts = [
        "../../etc/passwd",
        "sales/../sales",
        "sal%65s",
        "api/sales",
        "\u{202e}sales",
        "sales\0",
        "a b?c d",
        "?",
        "/",
        "?token=x?y#z",
        &long,
    ];
    for script in scripts {
        let commands = Asterisk::call(agi, &Incoming::new(script, "0722111222")).talk().commands;
        assert!(commands.iter().all(|command| command.starts_with("VERBOSE \"calldex: ")), "{script}: {commands:?}");
    }
    let raw: [&[u8]; 5] = [
        b"\n",
        b"GET / HTTP/1.1\r\nHost: calldex\r\n\r\n",
        b"\xff\xfe\0\x01\n\n",
        b"agi_network_script: \xff\xfe\n\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
    ];
    for bytes in raw {
        let mut asterisk = Asterisk::connect(agi);
        asterisk.send(bytes);
        asterisk.talk();
    }
    let mut endless = Asterisk::connect(agi);
    endless.send(&vec![b'a'; 1 << 20]);
    assert_eq!(endless.talk().commands, [""; 0]);
    let mut many = Asterisk::connect(agi);
    many.send("agi_arg_1: 0722111222\n".repeat(50_000).as_bytes());
    assert_eq!(many.talk().commands, [""; 0]);
    assert_eq!(call(agi, "0722111222").get("CALLDEX_NAME"), "Ana Popescu");
    let log = server.whole_log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn cr_lf_is_understood_and_never_sent() {
    let (_workplace, _server, agi) = with_server("");
    let mut asterisk = Asterisk::connect(agi);
    asterisk.send(Incoming::new(&script(), "0722333444").block().replace('\n', "\r\n").as_bytes());
    let mut commands = Vec::new();
    while let Some(command) = asterisk.command() {
        commands.push(command);
        asterisk.send(b"200 result=1\r\n");
    }
    assert_eq!(commands[0], "SET VARIABLE CALLERID(name) \"Dan Ionescu\"\n");
    assert!(commands.len() > 2 && commands.iter().all(|command| !command.contains('\r')), "{commands:?}");
}

#[test]
fn half_a_question_or_none_holds_no_call_for_long() {
    let (_workplace, server, agi) = with_server("idle_timeout = \"1s\"");
    let block = Incoming::new(&script(), "0722111222").block();
    let mut lines = Vec::new();
    for length in [0, 1, 16, 17, block.len() / 2, block.len() - 1] {
        let mut asterisk = Asterisk::connect(agi);
        asterisk.send(&block.as_bytes()[..length]);
        lines.push(asterisk);
    }
    let count_of_lines = lines.len() as u64;
    for line in lines {
        assert_eq!(line.talk().commands, [""; 0]);
    }
    let mut gone = Asterisk::connect(agi);
    gone.send(&block.as_bytes()[..block.len() / 2]);
    drop(gone);
    wait_for_count(&server, "no_question", count_of_lines + 1);
}

#[test]
fn no_reply_and_half_a_reply_end_the_conversation_soon() {
    let workplace = Workplace::with(&configuration("").replace("\"10s\"", "\"200ms\""), CONTACTS);
    let server = workplace.serve();
    for reply in ["", "200 res", "garbage\n", "520-Invalid command syntax.  Proper usage follows:\n"] {
        let mut asterisk = Asterisk::call(server.agi.unwrap(), &Incoming::new(&script(), "0722111222"));
        // The directory answers at once; a machine that stops for so long has ended the conversation already.
        if asterisk.command().is_some() {
            asterisk.send(reply.as_bytes());
            assert_eq!(asterisk.command(), None, "{reply:?}: no second command without a reply, and an end");
        }
    }
    wait_for_count(&server, "no_reply", 4);
}

#[test]
fn a_command_that_asterisk_does_not_take_is_passed_over() {
    let (_workplace, _server, agi) = with_server("");
    let usage = "520-Invalid command syntax.  Proper usage follows:\nUsage: SET VARIABLE <variablename> <value>\n\t200 is no reply in here\n520 End of proper usage.\n";
    let mut asterisk = Asterisk::call(agi, &Incoming::new(&script(), "0722333444"));
    let mut commands = Vec::new();
    for reply in [usage, "510 Invalid or unknown command\n", "200 result=-2\n", "200 result=1 (x)\n"] {
        commands.push(asterisk.command().expect("the next one"));
        asterisk.send(reply.as_bytes());
    }
    assert_eq!(asterisk.command(), None);
    assert!(commands[3].starts_with("SET VARIABLE CALLDEX_BACKEND_LINK "), "{commands:?}");
}

#[test]
fn a_hang_up_ends_the_conversation_wherever_it_comes() {
    let (_workplace, server, agi) = with_server("");
    let script = script();
    let incoming = Incoming::new(&script, "0722111222");
    let mut before = Asterisk::call(agi, &incoming);
    before.send(b"HANGUP\n");
    // It may have come behind the first command, which then gets no reply either.
    before.command();
    assert_eq!(before.command(), None);
    let mut between = Asterisk::call(agi, &incoming);
    between.command().expect("a command");
    between.send(b"HANGUP\n200 result=1\n");
    assert_eq!(between.command(), None);
    let mut behind = Asterisk::call(agi, &incoming);
    behind.command().expect("a command");
    behind.send(b"200 result=1\nHANGUP\nHANGUP\n");
    behind.command();
    assert_eq!(behind.command(), None);
    let mut dead = Asterisk::call(agi, &incoming);
    dead.command().expect("a command");
    dead.send(b"511 Command Not Permitted on a dead channel or intercept routine\n");
    assert_eq!(dead.command(), None);
    let mut gone = Asterisk::call(agi, &incoming);
    gone.command().expect("a command");
    drop(gone);
    wait_for_count(&server, "hung_up", 5);
}

#[test]
fn a_silent_source_holds_no_call_past_the_deadline_and_none_that_the_address_book_knows() {
    let silent = Silent::start();
    let workplace = Workplace::with(&silent.asked_by(&configuration("").replace("\"10s\"", "\"1s\"")), CONTACTS);
    let server = workplace.serve();
    // Asterisk has half a second beyond the deadline to take what it is told.
    unless_stalled(Duration::from_millis(1_400), || {
        let ended = || (count(&server, "answered"), count(&server, "no_reply"));
        let before = ended();
        let unknown = call(server.agi.unwrap(), "0799999999");
        assert_eq!(unknown.commands, ["SET VARIABLE CALLDEX_DEGRADED \"slow\"\n"]);
        wait_until("its end", || ended() != before);
        assert_eq!(ended(), (before.0 + 1, before.1));
    });
    unless_stalled(Duration::from_millis(1_400), || {
        let known = call(server.agi.unwrap(), "0722333444");
        assert_eq!((known.get("CALLDEX_NAME"), known.get("CALLDEX_DEGRADED")), ("Dan Ionescu", ""));
    });
}

#[test]
fn a_hang_up_ends_a_lookup_that_is_under_way() {
    let silent = Silent::start();
    let workplace = Workplace::with(&silent.asked_by(&configuration("")), CONTACTS);
    let server = workplace.serve();
    let script = script();
    let incoming = Incoming::new(&script, "0799999999");
    let mut hung_up = Asterisk::call(server.agi.unwrap(), &incoming);
    hung_up.send(b"HANGUP\n");
    assert_eq!(hung_up.command(), None, "not after the deadline, with CALLDEX_DEGRADED");
    drop(Asterisk::call(server.agi.unwrap(), &incoming));
    wait_for_count(&server, "hung_up", 2);
    assert_eq!(count(&server, "answered"), 0);
}

#[test]
fn calls_are_answered_beside_2000_idle_connections_and_nothing_stays_behind() {
    allow_open_files(4_096);
    let (_workplace, server, agi) = with_server("");
    let idle: Vec<Asterisk> = (0..2_000).map(|_| Asterisk::connect(agi)).collect();
    for _ in 0..50 {
        assert_eq!(call(agi, "0722111222").get("CALLDEX_NAME"), "Ana Popescu");
    }
    for line in idle {
        assert_eq!(line.talk().commands, [""; 0], "closed after 5 s without a word");
    }
    server.wait_for_metrics("calldex_connections{listener=\"agi\"} 0");
}

#[test]
fn beyond_the_most_connections_idle_ones_make_room_and_every_call_is_answered() {
    let (_workplace, server, agi) = with_server("max_connections = 10");
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(Asterisk::connect(agi));
        assert_eq!(call(agi, "0722111222").get("CALLDEX_NAME"), "Ana Popescu");
    }
    drop(idle);
    wait_for_count(&server, "answered", 40);
}

#[test]
fn at_the_end_200_calls_under_way_are_answered() {
    // The deadline, and what the process takes for its end.
    unless_stalled(Duration::from_secs(10), finish_200_calls);
}

fn finish_200_calls() {
    let (_workplace, mut server, agi) = with_server("");
    let script = script();
    let incoming = Incoming::new(&script, "0722111222");
    let mut calls: Vec<Asterisk> = (0..200).map(|_| Asterisk::call(agi, &incoming)).collect();
    let silent: Vec<Asterisk> = (0..50).map(|_| Asterisk::connect(agi)).collect();
    let firsts: Vec<String> = calls[..100].iter_mut().map(|call| call.command().expect("a command")).collect();
    server.signal("TERM");
    for (call, first) in calls[..100].iter_mut().zip(firsts) {
        assert_eq!(first, "SET VARIABLE CALLERID(name) \"Ana Popescu\"\n");
        assert!(call.send(b"200 result=1\n"));
    }
    // All at once: one after another would wait for the machine twice for every command.
    std::thread::scope(|scope| {
        for call in calls {
            scope.spawn(|| {
                let dialogue = call.talk();
                assert_eq!(dialogue.get("CALLDEX_BACKEND_LINK"), "https://crm.example.com/contact/12345");
            });
        }
    });
    for line in silent {
        assert_eq!(line.talk().commands, [""; 0]);
    }
    assert_eq!(server.wait().code(), Some(0));
    assert!(std::net::TcpStream::connect(agi).is_err(), "new connections are refused");
}

#[test]
fn a_reload_opens_moves_and_closes_the_listener_and_calls_under_way_go_on() {
    let without = CONFIGURATION;
    let workplace = Workplace::with(without, CONTACTS);
    let server = workplace.serve();
    assert_eq!(server.agi, None);
    let free = || SocketAddr::from(([127, 0, 0, 1], own_port()));
    let write =
        |agi: &str| workplace.write("calldex.toml", without.replace("[server]", &format!("[server]\nagi = \"{agi}\"")));
    let name = |agi: SocketAddr| call(agi, "0722111222").get("CALLDEX_NAME").to_owned();
    let opened = |agi: SocketAddr| server.wait_for_log(&format!("the FastAGI listener was opened address={agi}"));

    let (first, second) = (free(), free());
    write(&first.to_string());
    opened(first);
    assert_eq!(name(first), "Ana Popescu");
    let mut under_way = Asterisk::call(first, &Incoming::new(&script(), "0722333444"));
    let begun = under_way.command().expect("a command");

    write(&second.to_string());
    opened(second);
    assert_eq!(name(second), "Ana Popescu");
    wait_until("the old address is closed", || std::net::TcpStream::connect(first).is_err());
    under_way.send(b"200 result=1\n");
    assert_eq!((begun.contains("Dan Ionescu"), under_way.talk().get("CALLDEX_ID")), (true, "12346"));

    let everywhere = SocketAddr::from(([0, 0, 0, 0], second.port()));
    write(&everywhere.to_string());
    opened(everywhere);
    assert_eq!(name(second), "Ana Popescu");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    write(&taken.local_addr().unwrap().to_string());
    server.wait_for_log("is refused, the old one stays in force");
    server.wait_for_log("([server] agi)");
    assert_eq!(name(second), "Ana Popescu");

    workplace.write("calldex.toml", without);
    wait_until("no FastAGI", || std::net::TcpStream::connect(second).is_err());
    assert_eq!(server.stop().code(), Some(0));
}
