//! x
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// x
    Tmp,
}
pub(crate) fn run(_: &std::path::Path, _: &Command) -> super::Outcome {
    Ok(())
}
