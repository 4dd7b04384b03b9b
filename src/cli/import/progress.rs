//! How far an import is, for the person who waits for it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress of a file whose size is known: share, rate, time left.
const OF_A_FILE: &str = "{wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";

/// Progress of standard input.
const OF_A_PIPE: &str = "{spinner} {bytes} read  {bytes_per_sec}  {elapsed}";

/// Shown on standard error if that is a `terminal`; `size` is not known of standard input and of a pipe.
pub(super) fn progress(size: Option<u64>, terminal: bool) -> ProgressBar {
    if !terminal {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = if size.is_some() { OF_A_FILE } else { OF_A_PIPE };
    // The template is a constant of ours; were it wrong, the default style shows the progress as well.
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
