//! Gives way: an import beside a server that answers calls must not make them wait for a processor.
//!
//! Measured on two cores (docs/benchmarks.md): two empty loops at the server's own priority make the slowest of a hundred
//! lookups ten times as late, and loops of low priority do not. An import is such a loop to the scheduler.

/// How much less important: where others want all of a processor, an import still gets a seventieth of it, so that it
/// ends on a machine without rest.
const LESS_IMPORTANT: i32 = 19;

/// Lowers the priority of this thread and of those that it will start. Where the system refuses, the work is done all
/// the same.
pub(crate) fn give_way() {
    let _ = rustix::process::nice(LESS_IMPORTANT);
}
