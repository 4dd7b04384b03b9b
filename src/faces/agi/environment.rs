//! The block of lines with which Asterisk begins: `agi_callerid: 0722111222`, one for each thing it knows.
//!
//! What a caller puts into his SIP headers stands in it. A line end that got into a number would add lines of the
//! caller's own choosing, so a name that stands twice, or an argument that stands before the end of the block, makes the
//! question one that contradicts itself: nobody is named then.

use tokio::io::{AsyncRead, AsyncWrite};

use super::lines::{Lines, NoLine};

/// Most bytes of a whole block.
const LONGEST: usize = 64 * 1024;

/// Most entries of a block; Asterisk sends some thirty and the arguments. Each is compared with those before it.
const MOST_ENTRIES: usize = 500;

/// How the arguments of `AGI(url,first,second)` are called; Asterisk writes them behind everything else.
const ARGUMENT: &str = "agi_arg_";

/// What Asterisk says of a call, as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    entries: Vec<(String, String)>,
    contradicts: bool,
    proxied: bool,
}

/// Why there is no environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEnvironment {
    /// The connection was closed before the block was complete.
    Closed,
    /// A line or the block is longer than anything that Asterisk sends.
    TooLong,
}

impl Environment {
    /// Reads a whole block, up to its empty line. The caller sets the time limit.
    ///
    /// # Errors
    /// When the connection ends before, or what comes is too long.
    pub async fn read<S>(lines: &mut Lines<S>) -> Result<Self, NoEnvironment>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut environment = Self::default();
        let mut length = 0;
        loop {
            let line = lines.next().await.map_err(|ended| match ended {
                NoLine::Closed => NoEnvironment::Closed,
                NoLine::TooLong => NoEnvironment::TooLong,
            })?;
            length += line.len() + 1;
            if length > LONGEST || environment.entries.len() > MOST_ENTRIES {
                return Err(NoEnvironment::TooLong);
            }
            if line.is_empty() {
                return Ok(environment);
            }
            environment.add(&line);
        }
    }

    fn add(&mut self, line: &str) {
        if self.entries.is_empty() && line.starts_with("PROXY ") {
            self.proxied = true;
            return;
        }
        let Some((name, value)) = line.split_once(':') else { return };
        if !name.starts_with("agi_") {
            return;
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        let is_argument = name.starts_with(ARGUMENT);
        let behind_argument = self.entries.last().is_some_and(|(before, _)| before.starts_with(ARGUMENT));
        self.contradicts |= behind_argument && !is_argument;
        self.contradicts |= self.entries.iter().any(|(known, before)| known == name && before != value);
        self.entries.push((name.to_owned(), value.to_owned()));
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every name with its value, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether it holds lines that Asterisk cannot have written.
    pub(super) fn contradicts_itself(&self) -> bool {
        self.contradicts
    }

    /// Whether a proxy has put a line of the PROXY protocol before it, which is never believed.
    pub(super) fn is_proxied(&self) -> bool {
        self.proxied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(block: &[u8]) -> Result<Environment, NoEnvironment> {
        let (mut asterisk, ours) = tokio::io::duplex(2 << 20);
        tokio::io::AsyncWriteExt::write_all(&mut asterisk, block).await.unwrap();
        drop(asterisk);
        Environment::read(&mut Lines::new(ours)).await
    }

    #[tokio::test]
    async fn a_block_is_read_up_to_its_empty_line() {
        let environment =
            read(b"agi_network: yes\nagi_accountcode: \nagi_callerid:  0722\n\nagi_dnid: 1\n").await.unwrap();
        assert_eq!(environment.get("agi_accountcode"), Some(""));
        assert_eq!(environment.get("agi_callerid"), Some(" 0722"), "only the blank behind the colon goes");
        assert_eq!(environment.get("agi_dnid"), None);
        assert!(!environment.contradicts_itself());
    }

    #[tokio::test]
    async fn lines_that_a_caller_added_make_it_contradict_itself() {
        let added = b"agi_callerid: x\nagi_arg_1: 0722111222\nagi_calleridname: y\nagi_dnid: 1\n\n";
        assert!(read(added).await.unwrap().contradicts_itself(), "an argument in the middle");
        let twice = b"agi_callerid: x\nagi_dnid: 1\nagi_dnid: 2\n\n";
        assert!(read(twice).await.unwrap().contradicts_itself());
        let usual = b"agi_callerid: x\nagi_callerid: x\nagi_arg_1: 1\nagi_arg_2: 2\n\n";
        assert!(!read(usual).await.unwrap().contradicts_itself());
    }

    #[tokio::test]
    async fn half_a_block_an_endless_one_and_an_endless_line_are_refused() {
        assert_eq!(read(b"agi_network: yes\n").await, Err(NoEnvironment::Closed));
        assert_eq!(read(&vec![b'a'; 1 << 20]).await, Err(NoEnvironment::TooLong));
        assert_eq!(read("agi_x: y\n".repeat(20_000).as_bytes()).await, Err(NoEnvironment::TooLong));
        let many: String = (0..1_000).map(|place| format!("agi_arg_{place}: y\n")).collect();
        assert_eq!(read(format!("{many}\n").as_bytes()).await, Err(NoEnvironment::TooLong));
    }
}
