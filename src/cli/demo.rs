//! `calldex demo`: the main job with sample contacts, nothing to set up and nothing left behind.

use std::fmt::Write as _;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::config::Format;
use crate::error::{Error, Kind, Result};
use crate::faces::http;
use crate::lookup::Lookup;
use crate::model::{Call, Contact, ContactId, ContactNumber, Field, RequestId};
use crate::server;
use crate::sources::LiveSources;

use super::workshop::{self, Workshop};
use super::{Outcome, token};

/// Port that is tried first, so that the printed lines look alike on every machine.
const USUAL_PORT: u16 = 8080;

/// Arguments of `calldex demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Port to listen on, on this machine only; 0 takes any free one
    #[arg(long)]
    port: Option<u16>,
}

/// The callers that the demo suggests: number as a PBX sends it, and who it is.
const CALLERS: [(&str, &str); 3] = [
    ("0722111222", "a known caller"),
    ("0799999999", "an unknown caller"),
    ("anonymous", "a caller who hides the number"),
];

/// The number that the sample callers dial.
const DNID: &str = "0310000000";

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let folder = tempfile::Builder::new()
        .prefix("calldex-demo-")
        .tempdir()
        .map_err(|error| Error::new(Kind::Unavailable, "cannot make a temporary folder").because(error))?;
    let (token, admin) = (token::new_token()?, token::new_token()?);
    let address = free_address(arguments.port)?;
    let file = write_configuration(folder.path(), &token, &admin, address)?;
    let workshop = Workshop::open(&file)?;
    fill(&workshop)?;
    let text = introduce(&workshop, &token, &admin, address)?;
    drop(workshop);
    server::run(&file, |_| {
        let mut out = std::io::stdout().lock();
        // Whoever closed our output does not want to read it; the server runs all the same.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    })
}

fn free_address(port: Option<u16>) -> Result<SocketAddr> {
    let candidates = port.map_or_else(|| vec![USUAL_PORT, 0], |port| vec![port]);
    let mut failure = None;
    for port in candidates {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr()) {
            Ok(address) => return Ok(address),
            Err(error) => failure = Some(error),
        }
    }
    let error = Error::new(Kind::Unavailable, "cannot listen on this machine");
    Err(failure.map_or_else(|| Error::new(Kind::Internal, "no port to try"), |cause| error.because(cause)))
}

fn write_configuration(folder: &Path, token: &str, admin: &str, address: SocketAddr) -> Result<PathBuf> {
    let file = folder.join("calldex.toml");
    let text = format!(
        r#"[server]
listen = "{address}"
store  = "sqlite:demo.db"
admin_tokens = ["{admin}"]

[directory.customers]
country = "RO"

[project.demo]
country  = "RO"
timezone = "Europe/Bucharest"
tokens   = ["{token}"]
sources  = ["customers"]
backend_link = "https://crm.example.com/contact/{{{{ contact.id }}}}"
"#
    );
    std::fs::write(&file, text)
        .map_err(|error| Error::new(Kind::Unavailable, format!("cannot write {}", file.display())).because(error))?;
    Ok(file)
}

/// The sample contacts: numbers are written as people write them.
fn samples() -> Vec<Contact> {
    let contact = |id: u32, number: &str, fields: &[(Field, &str)]| {
        let number = ContactNumber { written: number.into(), country: "RO".into(), label: String::new() };
        let mut contact = Contact { id: ContactId::Integer(id), numbers: vec![number], ..Contact::default() };
        for (field, value) in fields {
            contact.set(*field, *value);
        }
        contact
    };
    vec![
        contact(
            12_345,
            "+40 722 111 222",
            &[
                (Field::Name, "Ana Popescu"),
                (Field::Company, "Acme SRL"),
                (Field::QueuePosition, "5"),
                (Field::DirectLine, "SIP/ion-popescu"),
            ],
        ),
        contact(12_346, "0722.333.444", &[(Field::Name, "Dan Ionescu")]),
        contact(12_347, "(021) 312 34 56", &[(Field::Name, "Acme SRL"), (Field::DirectLine, "sales-queue")]),
        contact(12_348, "0049 30 901820", &[(Field::Name, "Erika Mustermann"), (Field::Language, "de")]),
    ]
}

fn fill(workshop: &Workshop) -> Result<()> {
    let book = workshop.book("customers")?;
    workshop::block_on(async {
        for contact in samples() {
            workshop.directory.put(&book, contact).await?;
        }
        Ok(())
    })?
}

/// The text that the demo prints: the answers in it are not written down but looked up.
fn introduce(workshop: &Workshop, token: &str, admin: &str, address: SocketAddr) -> Result<String> {
    let url = format!("http://{address}/demo/lookup");
    let mut text = format!("calldex answers at {url}\nThe token is {token}\n\nTry, from another terminal:\n");
    for (telephone, who) in CALLERS {
        let answer = answer(workshop, telephone)?;
        // Writing into a String cannot fail.
        let _ = write!(text, "\n# {who}\ncurl '{url}?telephone={telephone}&dnid={DNID}&token={token}'\n{answer}\n");
    }
    let (telephone, _) = CALLERS[0];
    let _ = write!(
        text,
        "\n# and why, for administrators\ncurl -H 'Authorization: Bearer {admin}' \\\n  'http://{address}/demo/explain?telephone={telephone}&dnid={DNID}'\n"
    );
    text.push_str("\nStop with Ctrl-C; nothing stays behind.\n");
    Ok(text)
}

fn answer(workshop: &Workshop, telephone: &str) -> Result<String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let lookup = Lookup::new(Arc::clone(&workshop.directory), Arc::clone(&clock), &workshop.config.cache);
    let settings = workshop.config.projects.get("demo").ok_or_else(|| Error::new(Kind::Internal, "no demo project"))?;
    workshop::block_on(async {
        let project = lookup.prepare(&workshop.config, &LiveSources::none(Arc::clone(&clock)), settings).await?;
        let call = Call {
            project: Arc::clone(&settings.name),
            telephone: telephone.to_owned(),
            dnid: DNID.to_owned(),
            direction: None,
            params: std::collections::BTreeMap::new(),
            request_id: RequestId::from_bits(0),
        };
        let answer = lookup.answer(&project, call, clock.now()).await;
        let rendered = http::render(&answer.caller_data, &settings.reply, Format::Json);
        Ok(String::from_utf8_lossy(&rendered.body).into_owned())
    })?
}
