//! The dialogue after the question: one command, its reply, the next.
//!
//! Asterisk answers only the first of several commands in one write and keeps the rest in a buffer, which stalls the
//! call; and it puts `HANGUP` into the stream at any moment, also in place of a reply. After that nothing is worth
//! setting, and the channel lives until the connection is closed.

use tokio::io::{AsyncRead, AsyncWrite};

use super::lines::Lines;
use super::variables::{command, quoted};

/// The caller has hung up, the channel is dead, or Asterisk has closed the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupted;

/// The line that says that the caller has hung up.
const HANG_UP: &str = "HANGUP";

/// The channel is dead; every further command would get the same reply.
const DEAD: &str = "511";

/// How a reply of several lines begins and ends: the usage of a command that Asterisk did not understand.
const USAGE: &str = "520-";
const END_OF_USAGE: &str = "520 ";

/// Sets the variables in their order.
pub(super) async fn set<S>(lines: &mut Lines<S>, variables: &[(&'static str, String)]) -> Result<(), Interrupted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for (variable, value) in variables {
        ask(lines, &command(variable, value)).await?;
    }
    Ok(())
}

/// Shows a text on Asterisk's console.
pub(super) async fn show<S>(lines: &mut Lines<S>, text: &str) -> Result<(), Interrupted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    ask(lines, &format!("VERBOSE {} 1\n", quoted(text))).await
}

/// Waits until the caller hangs up or the connection ends.
pub(super) async fn until_hang_up<S>(lines: &mut Lines<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while lines.next().await.is_ok_and(|line| line != HANG_UP) {}
}

/// Sends a command and waits for its reply. One that Asterisk does not take is passed over: the next may help.
async fn ask<S>(lines: &mut Lines<S>, command: &str) -> Result<(), Interrupted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    lines.send(command).await.map_err(|_| Interrupted)?;
    let mut in_usage = false;
    loop {
        let line = lines.next().await.map_err(|_| Interrupted)?;
        if line == HANG_UP || line.starts_with(DEAD) {
            return Err(Interrupted);
        }
        in_usage = (in_usage || line.starts_with(USAGE)) && !line.starts_with(END_OF_USAGE);
        if !in_usage && is_reply(&line) {
            return Ok(());
        }
    }
}

/// Whether a line begins with a status, as every reply does. Anything else is left over from the block before.
fn is_reply(line: &str) -> bool {
    let (status, rest) = line.split_at_checked(3).unwrap_or_default();
    !status.is_empty() && status.bytes().all(|byte| byte.is_ascii_digit()) && matches!(rest.as_bytes(), [] | [b' ', ..])
}
