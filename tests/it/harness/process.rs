//! What the system says of a process, and lets it have.

use std::process::Command;

/// Resident memory of a process in kilobytes.
pub(crate) fn resident_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends a signal, such as `TERM`, to a process; returns whether there was one to get it. The shell has a `kill` of its
/// own, the program is a package that a small machine lacks.
pub(crate) fn send_signal(name: &str, process: u32) -> bool {
    let line = format!("kill -{name} {process}");
    Command::new("sh").args(["-c", &line]).output().unwrap().status.success()
}

/// Lets this process, and the servers that it starts from now on, open so many files.
pub(crate) fn allow_open_files(count: u64) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let limit = |place| line.split_whitespace().nth(place).unwrap().parse().unwrap_or(u64::MAX);
    let (soft, hard) = (limit(3), limit(4));
    if soft >= count {
        return;
    }
    assert!(hard >= count, "this test needs {count} open files and may have {hard}: raise it (ulimit -Hn {count})");
    let process = std::process::id().to_string();
    let raised = Command::new("prlimit").args(["--pid", &process, &format!("--nofile={count}:{hard}")]).status();
    assert!(raised.unwrap().success(), "prlimit could not raise the number of open files to {count}");
}
