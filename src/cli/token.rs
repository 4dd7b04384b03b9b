//! `calldex token new | hash`: makes secrets, and the hashes that a configuration may hold instead of them.

use std::io::{BufRead, IsTerminal, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;

use crate::config::TokenHash;
use crate::error::{Error, Kind, Result};

/// Random bytes of a new token: 256 bits cannot be guessed, so that a plain hash protects it.
const TOKEN_BYTES: usize = 32;

/// What to do with tokens.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a new token; print it, and the line with its hash for the configuration
    New,
    /// Print the hash of a token for the configuration
    Hash {
        /// The token; without it one line is read from standard input, which keeps it out of the shell's history
        // A token may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        token: Option<String>,
    },
}

/// Runs `calldex token`. A token that is not an argument is the first line of `input`.
///
/// # Errors
/// [`Kind::Invalid`] for an empty token, [`Kind::Unavailable`] when the machine gives no random bytes or `out` cannot be
/// written.
pub(crate) fn run(command: &TokenCommand, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<()> {
    let printed = match command {
        TokenCommand::New => {
            let token = new_token()?;
            let hash = TokenHash::of(&token).to_text();
            format!("{token}\n\n# in calldex.toml, instead of the token itself:\ntokens = [{{ hash = \"{hash}\" }}]\n")
        }
        TokenCommand::Hash { token: Some(token) } => hash_line(token)?,
        TokenCommand::Hash { token: None } => hash_line(&read_line(input)?)?,
    };
    let failed = |error| Error::new(Kind::Unavailable, "cannot write the result").because(error);
    out.write_all(printed.as_bytes()).map_err(failed)
}

/// Makes a token of 43 characters of `A-Z a-z 0-9 - _`, which fits into a URL, a header and a file as it stands.
///
/// # Errors
/// [`Kind::Unavailable`] when the machine gives no random bytes.
pub(crate) fn new_token() -> Result<String> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    let failed = |error| Error::new(Kind::Unavailable, "the machine gives no random bytes").because(error);
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash_line(token: &str) -> Result<String> {
    if token.is_empty() {
        return Err(Error::new(Kind::Invalid, "the token is empty; expected it as argument or on standard input"));
    }
    Ok(format!("{}\n", TokenHash::of(token).to_text()))
}

fn read_line(input: &mut dyn BufRead) -> Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("Token: ");
    }
    let mut line = String::new();
    let failed = |error| Error::new(Kind::Invalid, "cannot read the token from standard input").because(error);
    input.read_line(&mut line).map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_with(command: &TokenCommand, mut input: &[u8]) -> Result<String> {
        let mut out = Vec::new();
        run(command, &mut input, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_new_token_comes_with_a_line_that_the_configuration_accepts() {
        let printed = run_with(&TokenCommand::New, b"").unwrap();
        let (token, rest) = printed.split_once('\n').unwrap();
        assert_eq!(token.len(), 43);
        let text = format!("[project.sales]\n{rest}");
        let config = crate::config::load_text(&text, &|_| None).unwrap();
        assert_eq!(config.projects["sales"].access.tokens[0].hash, TokenHash::of(token));
        assert_ne!(run_with(&TokenCommand::New, b"").unwrap(), printed);
    }

    #[test]
    fn the_hash_of_an_argument_and_of_a_line_are_the_same() {
        let argument = TokenCommand::Hash { token: Some("secret".to_owned()) };
        let expected = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n";
        assert_eq!(run_with(&argument, b"").unwrap(), expected);
        assert_eq!(run_with(&TokenCommand::Hash { token: None }, b"secret\r\nmore").unwrap(), expected);
    }

    #[test]
    fn a_token_that_begins_with_a_hyphen_is_not_an_option() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(subcommand)]
            command: TokenCommand,
        }
        let line = <Line as clap::Parser>::try_parse_from(["token", "hash", "-secret"]).unwrap();
        assert_eq!(line.command, TokenCommand::Hash { token: Some("-secret".to_owned()) });
    }

    #[test]
    fn an_empty_token_is_refused() {
        let error = run_with(&TokenCommand::Hash { token: None }, b"\n").unwrap_err();
        assert_eq!(error.to_string(), "the token is empty; expected it as argument or on standard input");
    }
}
