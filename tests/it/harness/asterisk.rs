//! A scripted Asterisk: what version 22.10.1 was seen to send and to answer over FastAGI, byte for byte.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use super::{PATIENCE, read_some};

/// A call that comes in, as far as FastAGI tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Incoming<'a> {
    /// Path and query of `agi://host:port/...`.
    pub(crate) script: &'a str,
    pub(crate) callerid: &'a str,
    pub(crate) calleridname: &'a str,
    pub(crate) dnid: &'a str,
    pub(crate) extension: &'a str,
    pub(crate) uniqueid: &'a str,
    /// What stands behind the address in `AGI(...)`.
    pub(crate) arguments: &'a [&'a str],
}

impl<'a> Incoming<'a> {
    /// A call over a SIP trunk.
    pub(crate) fn new(script: &'a str, callerid: &'a str) -> Self {
        Self {
            script,
            callerid,
            calleridname: "PBX-ORIG",
            dnid: "40311000000",
            extension: "40311000000",
            uniqueid: "lookup-check-1795415621.0",
            arguments: &[],
        }
    }

    /// The environment block.
    pub(crate) fn block(&self) -> String {
        let Self { script, callerid, calleridname, dnid, extension, uniqueid, arguments } = self;
        let mut block = format!(
            "agi_network: yes\nagi_network_script: {script}\nagi_request: agi://127.0.0.1:14573/{script}\n\
             agi_channel: PJSIP/trunk-00000000\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: {uniqueid}\n\
             agi_version: 22.10.1\nagi_callerid: {callerid}\nagi_calleridname: {calleridname}\nagi_callingpres: 0\n\
             agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: {dnid}\nagi_rdnis: unknown\n\
             agi_context: from-sip2\nagi_extension: {extension}\nagi_priority: 2\nagi_enhanced: 0.0\n\
             agi_accountcode: \nagi_threadid: 140352556209856\n"
        );
        for (place, argument) in arguments.iter().enumerate() {
            block.push_str(&format!("agi_arg_{}: {argument}\n", place + 1));
        }
        block + "\n"
    }
}

/// What was said after the environment, until the server closed the connection.
#[derive(Debug, Default)]
pub(crate) struct Dialogue {
    /// Every command with its line end, as it came.
    pub(crate) commands: Vec<String>,
    /// The variables that the commands set, as Asterisk reads their values.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Dialogue {
    /// The value of a variable; empty when it was not set, as in a dial plan.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }
}

/// A connection of Asterisk to a FastAGI server.
pub(crate) struct Asterisk {
    stream: TcpStream,
    waiting: Vec<u8>,
}

impl Asterisk {
    /// Connects, and says nothing yet.
    pub(crate) fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, waiting: Vec::new() }
    }

    /// A call: connects and sends the environment, in three pieces as it was seen.
    pub(crate) fn call(server: SocketAddr, incoming: &Incoming<'_>) -> Self {
        let mut asterisk = Self::connect(server);
        let block = incoming.block();
        let (first, rest) = block.split_at(17);
        let (second, third) = rest.split_at(rest.len() / 2);
        for piece in [first, second, third] {
            assert!(asterisk.send(piece.as_bytes()), "closed before the question");
        }
        asterisk
    }

    /// Sends bytes; false when the server has closed the connection.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next command with its line end, or `None` at the end of the connection. Asterisk would leave a second command
    /// of the same write in a buffer, and the call would stall.
    pub(crate) fn command(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
                let command = self.waiting.drain(..=end).collect();
                assert!(self.waiting.is_empty(), "more than one command: {:?}", super::text(&self.waiting));
                return Some(String::from_utf8(command).unwrap());
            }
            let mut piece = [0_u8; 8192];
            match read_some(&mut self.stream, &mut piece) {
                Ok(0) => {
                    assert!(self.waiting.is_empty(), "half a command: {:?}", super::text(&self.waiting));
                    return None;
                }
                Ok(count) => self.waiting.extend_from_slice(&piece[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("the call is held: no command and no end in {PATIENCE:?}")
                }
                // A reset is an end too.
                Err(_) => return None,
            }
        }
    }

    /// Answers every command until the server closes the connection, which lets the call go on.
    pub(crate) fn talk(mut self) -> Dialogue {
        let mut dialogue = Dialogue::default();
        while let Some(command) = self.command() {
            let reply = match words(command.trim_end_matches('\n')).as_slice() {
                [set, variable, name, value] if set == "SET" && variable == "VARIABLE" => {
                    dialogue.variables.insert(name.clone(), value.clone());
                    "200 result=1\n"
                }
                [verbose, _, level] if verbose == "VERBOSE" && level == "1" => "200 result=1\n",
                _ => "510 Invalid or unknown command\n",
            };
            dialogue.commands.push(command);
            self.send(reply.as_bytes());
        }
        dialogue
    }
}

/// Takes a command apart as Asterisk does: blanks separate, quotes hold together, a backslash keeps what follows.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => (quoted, begun) = (!quoted, true),
            '\\' => {
                word.extend(characters.next());
                begun = true;
            }
            ' ' | '\t' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            other => {
                word.push(other);
                begun = true;
            }
        }
    }
    assert!(!quoted, "a quote is not closed: {command:?}");
    if begun {
        words.push(word);
    }
    words
}
