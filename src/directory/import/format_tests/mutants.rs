//! Files made from real ones by a mutator, many of them: none makes the import panic, and memory stays bounded.
//!
//! They run in a process of their own, whose memory is theirs alone. `CALLDEX_MUTANTS=100000` makes as many as a release
//! should see; the usual run makes fewer.

use std::process::Command;

use super::super::fuzz_bytes;
use super::{MARKS, SEEDS, bytes_of};

/// Files of the usual run.
const FILES: u32 = 2_000;

/// Most memory of the process, in kilobytes.
const MEMORY: u64 = 250 * 1024;

/// Numbers that are always the same ones (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound.max(1)
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => MARKS[self.below(MARKS.len())].to_vec(),
            1 => vec![u8::try_from(self.below(256)).unwrap()],
            _ => Vec::new(),
        }
    }

    /// Replaces, repeats and takes away parts of a file.
    fn mutate(&mut self, mut file: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(12) {
            let at = self.below(file.len() + 1);
            let end = (at + self.below(60)).min(file.len());
            let part = if self.below(8) == 0 { file[at..end].repeat(self.below(50)) } else { self.bytes() };
            file.splice(at..end, part);
        }
        file
    }
}

fn files() -> u32 {
    std::env::var("CALLDEX_MUTANTS").map_or(FILES, |count| count.parse().expect("CALLDEX_MUTANTS is a number"))
}

#[test]
fn no_mutated_file_makes_the_import_panic_or_grow() {
    let child = "directory::import::format_tests::mutants::child_that_imports_mutated_files";
    let output =
        Command::new(std::env::current_exe().unwrap()).args(["--exact", child, "--ignored", "--nocapture"]).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("{} mutated files", files())), "{said}");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "another test starts it"]
fn child_that_imports_mutated_files() {
    let seeds: Vec<Vec<u8>> = SEEDS.iter().map(|name| bytes_of(name)).collect();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut imported = 0;
    for _ in 0..files() {
        let seed = seeds[numbers.below(seeds.len())].clone();
        imported += u32::from(fuzz_bytes(&numbers.mutate(seed)).is_some());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    let peak: u64 = peak.trim().parse().unwrap();
    println!("{} mutated files, {imported} of them imported, {peak} kB at most", files());
    assert!(imported > files() / 4, "most files are refused at once: the mutator breaks too much");
    assert!(peak < MEMORY, "{peak} kB");
}
