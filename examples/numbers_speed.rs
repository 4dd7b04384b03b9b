//! Measures what reading a number costs: `cargo run --release --example numbers_speed`.
//!
//! Over the vectors (one country's traffic and all countries in turn), over 1,000,000 hostile texts and over texts of
//! 36 kB. Prints nanoseconds a call and the memory of the process.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::hint::black_box;

use calldex::clock::{Clock, SystemClock};
use calldex::number::hostile::{numbering_from_bytes, text_from_bytes};
use calldex::number::{Numbering, parse, warm_up};

/// How many hostile texts.
const HOSTILE: u64 = 1_000_000;

fn main() -> std::io::Result<()> {
    let clock = SystemClock;
    let start = clock.now();
    warm_up(Some("RO"));
    println!("first readings: {:?}", clock.now() - start);
    print_memory("after warming up");

    let file = std::fs::read_to_string("testdata/numbers/numbers.tsv")?;
    let rows: Vec<(String, Numbering)> = file.lines().filter_map(row).collect();
    let home: Vec<_> =
        rows.iter().filter(|(_, numbering)| numbering.country.as_deref() == Some("RO")).cloned().collect();
    measure("Romania, first time", &home);
    measure("Romania, again", &home);
    print_memory("with Romania");
    measure("all countries, first time", &rows);
    measure("all countries, again", &rows);
    let shuffled: Vec<_> = (0..rows.len()).map(|at| rows[at * 7_919 % rows.len()].clone()).collect();
    measure("all countries, shuffled", &shuffled);
    print_memory("with all countries");

    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn({
                let rows = shuffled.clone();
                move || read_all(&rows)
            })
        })
        .collect();
    drop(threads.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>());
    print_memory("with all countries in 8 threads (and 8 copies of the vectors)");

    let hostile: Vec<_> = (0..HOSTILE).map(hostile).collect();
    measure("hostile texts", &hostile);
    let long: Vec<_> = ["7", "+", "(0)", "\"", "<", ";phone-context=tel:", "%25", ",", "/x", "\u{200f}", "-1", "1 "]
        .into_iter()
        .map(|piece| (piece.repeat(36_000 / piece.len()), Numbering::of_country("RO")))
        .collect();
    measure("36 kB", &long);
    Ok(())
}

/// Input and settings of a row of the vectors.
fn row(line: &str) -> Option<(String, Numbering)> {
    let mut columns = line.split('\t');
    let (input, country) = (columns.next()?, columns.next()?);
    let numbering = if country == "ZZ" { Numbering::default() } else { Numbering::of_country(country) };
    Some((input.to_owned(), numbering))
}

/// A hostile text from a counter (splitmix64).
fn hostile(seed: u64) -> (String, Numbering) {
    let mut bytes = Vec::new();
    for step in 0..1 + seed % 5 {
        let mut mixed = (seed * 8 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((mixed ^ (mixed >> 31)).to_le_bytes());
    }
    let mut text = text_from_bytes(&bytes[2..]);
    text.truncate(text.floor_char_boundary(36_000));
    (text, numbering_from_bytes(bytes[0], bytes[1]))
}

fn read_all(rows: &[(String, Numbering)]) {
    for (text, numbering) in rows {
        black_box(parse(text, numbering));
    }
}

fn measure(name: &str, rows: &[(String, Numbering)]) {
    let clock = SystemClock;
    let mut times: Vec<u128> = rows
        .iter()
        .map(|(text, numbering)| {
            let start = clock.now();
            black_box(parse(text, numbering));
            (clock.now() - start).as_nanos()
        })
        .collect();
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 1_000).min(times.len() - 1)).copied().unwrap_or_default();
    let mean = times.iter().sum::<u128>() / times.len().max(1) as u128;
    println!(
        "{name}: {} calls, mean {mean} ns, p50 {}, p99 {}, p99.9 {}, most {}",
        times.len(),
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

/// Resident memory, where the system tells it.
fn print_memory(when: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("memory unknown");
    println!("{when}: {line}");
}
