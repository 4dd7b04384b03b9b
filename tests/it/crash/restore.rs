//! `kill -9` of a restore, at points of its whole length: the store from before or the restored one, never none.
//!
//! That every single step may be the last one is tested where the steps are, in `store::backup`.

use std::process::Stdio;
use std::time::Instant;

use super::{KILLS, fractions};
use crate::harness::{CONFIGURATION, Workplace};

/// Contacts of each store: enough that copying it takes some of the time.
const CONTACTS: usize = 3_000;

/// Makes a store of people of this name, and a backup of it; what it exports.
fn backup_of(workplace: &Workplace, name: &str) -> String {
    let rows = (0..CONTACTS).map(|row| format!("{row},{name} {row},07{row:08}\n"));
    workplace.write("contacts.csv", format!("id,name,telephone\n{}", rows.collect::<String>()));
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers", "--full-speed"]);
    workplace.succeed(&["backup", name]);
    export(workplace)
}

fn export(workplace: &Workplace) -> String {
    workplace.succeed(&["directory", "export", "customers"])
}

/// Removes the stores that restores have moved aside.
fn remove_moved_aside(workplace: &Workplace) {
    for file in std::fs::read_dir(workplace.path(".")).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains(".before-restore-") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_restore_killed_at_any_point_leaves_the_old_or_the_new_store_whole() {
    let workplace = Workplace::new(CONFIGURATION);
    let exports = ["ana", "eva"].map(|name| (name, backup_of(&workplace, name)));
    let begun = Instant::now();
    workplace.succeed(&["restore", "ana", "--yes"]);
    let whole = begun.elapsed();
    for (round, fraction) in fractions().take(KILLS).enumerate() {
        let (name, _) = &exports[round % 2];
        let mut command = workplace.command(&["restore", name, "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(fraction * 1.1));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = export(&workplace);
        assert!(exports.iter().any(|(_, export)| *export == now), "kill {round}: {} bytes", now.len());
        remove_moved_aside(&workplace);
    }
    workplace.succeed(&["restore", "eva", "--yes"]);
    assert_eq!(workplace.serve().lookup("telephone=0700000007").json()["name"], "eva 7", "the next restore works");
}
