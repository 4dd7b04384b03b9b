//! `kill -9`: the old directory or the new one, whole, and nothing that was acknowledged is lost.

mod formats;
mod restore;

pub(crate) use formats::sheet;

use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{CONFIGURATION, Server, Workplace, wait_for_count, wait_until};

/// Contacts that every import changes.
const CONTACTS: usize = 6_000;

/// Contacts that an import adds.
const ADDED: usize = 200;

/// Kills of the whole run.
const KILLS: usize = 20;

/// Contacts that are looked at one by one; the others are counted.
const MARKERS: [usize; 5] = [0, 1, 2_500, 4_444, CONTACTS - 1];

/// The file of an import: all contacts by a name with its number, and some that no import before had.
fn file(import: usize) -> Vec<u8> {
    // Long rows, so that the input comes in many parts and a kill finds the import at work.
    let company = "Company ".repeat(20);
    let mut rows = String::from("id,name,telephone,company\n");
    for contact in 0..CONTACTS {
        rows.push_str(&format!("{},Person {contact} of import {import}.,07{contact:08},{company}\n", contact + 1));
    }
    for contact in 0..ADDED {
        let row = import * ADDED + contact;
        rows.push_str(&format!("added-{row},Added {row} of import {import}.,08{row:08},{company}\n"));
    }
    rows.into_bytes()
}

/// At full speed: giving way, an import beside other busy programs would take seventy times as long.
fn start_import(workplace: &Workplace) -> Child {
    let mut command = workplace.command(&["import", "-", "--directory", "customers", "--full-speed"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill(mut import: Child) {
    import.kill().unwrap();
    import.wait().unwrap();
}

/// Which import the running server shows, by the markers, which must agree.
fn shown_by(server: &Server) -> usize {
    let shown = MARKERS.map(|contact| {
        let name = server.lookup(&format!("telephone=07{contact:08}")).json()["name"].as_str().unwrap().to_owned();
        let (person, import) = name.trim_end_matches('.').split_once(" of import ").unwrap();
        assert_eq!(person, format!("Person {contact}"));
        import.parse::<usize>().unwrap()
    });
    assert!(shown.iter().all(|import| *import == shown[0]), "half of an import is shown: {shown:?}");
    shown[0]
}

/// How many contacts of an import a fresh process sees.
fn seen_by_fresh_process(workplace: &Workplace, import: usize) -> usize {
    let pattern = format!("of import {import}.");
    let arguments = ["contact", "find", &pattern, "--directory", "customers", "--limit", "100000", "--json"];
    workplace.succeed(&arguments).matches(&pattern).count()
}

/// Waits until nothing is stored but what is shown.
fn leftovers_go_away(workplace: &Workplace) {
    let database = workplace.database("calldex.db");
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    wait_until("the leftovers to go away", || {
        count("SELECT count(*) FROM import") == 0
            && count("SELECT count(*) FROM contact") == count("SELECT sum(contacts) FROM directory")
            && count("SELECT count(*) FROM contact WHERE until IS NOT NULL") == 0
    });
}

/// Numbers between 0 and 1, always the same ones.
fn fractions() -> impl Iterator<Item = f64> {
    let mut state = 0x1234_5678_u32;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    })
}

#[test]
fn an_import_killed_at_any_point_leaves_the_old_or_the_new_directory_whole() {
    let workplace = Workplace::new(CONFIGURATION);
    let ending = import_all(&workplace, 0);
    let mut server = workplace.serve();
    let (mut shown, mut total) = (0, CONTACTS + ADDED);
    for (round, fraction) in fractions().take(KILLS).enumerate() {
        let import = round + 1;
        // Every fourth import has had its whole input and is ending when it is killed.
        let has_all = round % 4 == 3;
        if has_all {
            kill_at_the_end(&workplace, import, ending.mul_f64(fraction))
        } else {
            kill_in_the_middle(&workplace, import, fraction)
        }
        if round % 5 == 4 {
            // A power cut takes the server as well.
            server.kill();
            server = workplace.serve();
        }
        let now = shown_by(&server);
        assert!(now == shown || (has_all && now == import), "import {now} is shown after kill {round} of {import}");
        assert_eq!(seen_by_fresh_process(&workplace, import), if now == import { CONTACTS + ADDED } else { 0 });
        if now == import {
            total += ADDED;
            shown = import;
        }
        assert_eq!(seen_by_fresh_process(&workplace, shown), CONTACTS + ADDED);
        server.wait_for_metrics(&format!("calldex_directory_contacts{{directory=\"customers\"}} {total}\n"));
    }
    import_all(&workplace, KILLS + 1);
    assert_eq!(shown_by(&server), KILLS + 1, "the next import works");
    leftovers_go_away(&workplace);
}

/// Imports a whole file, and returns how long the import took after the end of its input.
fn import_all(workplace: &Workplace, import: usize) -> Duration {
    let mut child = start_import(workplace);
    child.stdin.take().unwrap().write_all(&file(import)).unwrap();
    let end = Instant::now();
    assert!(child.wait().unwrap().success());
    end.elapsed()
}

/// Kills an import that has got a part of its input.
fn kill_in_the_middle(workplace: &Workplace, import: usize, fraction: f64) {
    let rows = file(import);
    let mut child = start_import(workplace);
    let mut input = child.stdin.take().unwrap();
    let most = (rows.len() as f64 * fraction) as usize;
    // What is written has left this side of the pipe; the import is at most a pipe's length behind.
    input.write_all(&rows[..most]).unwrap();
    kill(child);
}

/// Kills an import some time after the end of its input, perhaps in the moment of its switch or of its cleaning.
fn kill_at_the_end(workplace: &Workplace, import: usize, wait: Duration) {
    let mut child = start_import(workplace);
    child.stdin.take().unwrap().write_all(&file(import)).unwrap();
    std::thread::sleep(wait);
    kill(child);
}

#[test]
fn an_import_killed_before_its_switch_changes_nothing_and_a_start_cleans_up() {
    let workplace = Workplace::new(CONFIGURATION);
    import_all(&workplace, 0);
    let before = workplace.succeed(&["contact", "show", "1", "--directory", "customers", "--json"]);
    let mut child = start_import(&workplace);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&file(1)).unwrap();
    let database = workplace.database("calldex.db");
    let stored =
        || database.query_row("SELECT count(*) FROM contact", [], |row| row.get::<_, isize>(0)).unwrap().unsigned_abs();
    wait_for_count("contacts stored, of a part of the import", CONTACTS + ADDED + 1, stored);
    kill(child);
    drop(input);
    assert_eq!(seen_by_fresh_process(&workplace, 0), CONTACTS + ADDED);
    assert_eq!(seen_by_fresh_process(&workplace, 1), 0);
    assert_eq!(workplace.succeed(&["contact", "show", "1", "--directory", "customers", "--json"]), before);
    let server = workplace.serve();
    assert_eq!(shown_by(&server), 0);
    leftovers_go_away(&workplace);
    assert_eq!(stored(), CONTACTS + ADDED);
}

#[test]
fn a_contact_that_was_acknowledged_is_there_after_every_kill() {
    let workplace = Workplace::new(CONFIGURATION);
    let mut acknowledged = Vec::new();
    for (round, fraction) in fractions().take(5).enumerate() {
        let server = workplace.serve();
        for contact in 0..6 {
            let id = (round * 6 + contact + 1).to_string();
            let number = format!("07330000{id:0>2}");
            let add = ["contact", "add", "--directory", "customers", "--id", &id, "--name", &id, "--number", &number];
            let mut child = workplace.command(&add).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            if contact == 5 {
                // This one may or may not have come through: it was not acknowledged unless it says so.
                std::thread::sleep(Duration::from_secs_f64(fraction * 0.1));
                let _ = child.kill();
            }
            if child.wait().unwrap().success() {
                acknowledged.push((id, number));
            }
        }
        server.kill();
    }
    let server = workplace.serve();
    assert!(acknowledged.len() >= 25, "{acknowledged:?}");
    for (id, number) in acknowledged {
        assert_eq!(server.lookup(&format!("telephone={number}")).json()["name"], id.as_str());
        let shown = workplace.succeed(&["contact", "show", &id, "--directory", "customers"]);
        assert!(shown.contains(&number), "{shown}");
    }
    let check = workplace.database("calldex.db");
    let check: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
