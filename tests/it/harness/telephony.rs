//! A telephone network on this machine: SIPp calls, Kamailio routes with the printed snippet, a callee notes what arrives.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{PATIENCE, Workplace, send_signal, text, wait_until};

/// Kamailio's own part: what a small proxy does. `CALLDEX`, `LISTEN` and `CALLEE` are put in.
const PROXY: &str = r#"#!KAMAILIO
debug=1
log_stderror=yes
children=8
disable_tcp=yes
listen=udp:LISTEN
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/:/usr/lib/kamailio/modules/"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
modparam("tm", "fr_timer", 30000)
request_route {
    if (is_method("OPTIONS")) {
        sl_send_reply("200", "OK");
        exit;
    }
    if (has_totag()) {
        loose_route();
        t_relay();
        exit;
    }
    if (is_method("INVITE") && !has_totag()) {
        if (!t_newtran()) exit;
        route(CALLDEX);
    }
    record_route();
    $du = "sip:CALLEE";
    t_relay();
    exit;
}
"#;

/// What SIPp does for each line of the file of calls: its fields are the caller's URI, the number called, a name.
const SCENARIO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<scenario name="calls">
  <send retrans="500"><![CDATA[
INVITE sip:[field1]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: "SIPp" <[field0]>;tag=[pid]-[call_number]
To: <sip:[field1]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
X-Case: [field2]
X-Calldex-Link: https://evil.example.com/
Content-Length: 0

]]></send>
  <recv response="100" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
Max-Forwards: 70
From: "SIPp" <[field0]>;tag=[pid]-[call_number]
To: <sip:[field1]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
Max-Forwards: 70
From: "SIPp" <[field0]>;tag=[pid]-[call_number]
To: <sip:[field1]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"#;

/// A call as it arrived at the callee.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrived {
    /// The user of the request URI.
    pub(crate) user: String,
    /// Every header by its name in lower case; of repeated ones the first.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Arrived {
    /// A header; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The display name of the caller, as a telephone shows it.
    pub(crate) fn display_name(&self) -> String {
        let Some(quoted) = self.header("from").strip_prefix('"') else { return String::new() };
        let mut name = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => name.extend(characters.next()),
                other => name.push(other),
            }
        }
        name
    }
}

/// Answers every call, and notes the first INVITE of each by its `X-Case`.
pub(crate) struct Callee {
    address: SocketAddr,
    arrived: Arc<Mutex<BTreeMap<String, Arrived>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Callee {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let address = socket.local_addr().unwrap();
        let (arrived, stop) = (Arc::<Mutex<BTreeMap<String, Arrived>>>::default(), Arc::<AtomicBool>::default());
        let (kept, stopped) = (Arc::clone(&arrived), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut packet = [0_u8; 65_536];
            while !stopped.load(Ordering::Relaxed) {
                match socket.recv_from(&mut packet) {
                    Ok((length, from)) => {
                        if let Some(reply) = answer(&text(&packet[..length]), address, &kept) {
                            socket.send_to(reply.as_bytes(), from).unwrap();
                        }
                    }
                    Err(error) => {
                        let passing = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                        assert!(passing.contains(&error.kind()), "{error}")
                    }
                }
            }
        });
        Self { address, arrived, stop, thread: Some(thread) }
    }

    /// The calls that have arrived since the last time.
    pub(crate) fn take(&self) -> BTreeMap<String, Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap())
    }

    /// How many of them show a name.
    pub(crate) fn count_named(&self, name: &str) -> usize {
        self.arrived.lock().unwrap().values().filter(|call| call.display_name() == name).count()
    }

    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The answer to a request, which is 200 for all but ACK.
fn answer(request: &str, callee: SocketAddr, arrived: &Mutex<BTreeMap<String, Arrived>>) -> Option<String> {
    let (head, _) = request.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let (method, uri) = lines.next()?.split_once(' ')?;
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    if method == "ACK" {
        return None;
    }
    if method == "INVITE" {
        let user = uri.strip_prefix("sip:")?.split('@').next()?.to_owned();
        let named = headers.iter().rev().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        let call = Arrived { user, headers: named };
        arrived.lock().unwrap().entry(call.header("x-case").to_owned()).or_insert(call);
    }
    let mut reply = "SIP/2.0 200 OK\r\n".to_owned();
    for (name, value) in &headers {
        let tag = if name == "to" && !value.contains(";tag=") { ";tag=callee" } else { "" };
        if ["via", "from", "to", "call-id", "cseq", "record-route"].contains(&name.as_str()) {
            reply.push_str(&format!("{name}: {value}{tag}\r\n"));
        }
    }
    Some(reply + &format!("Contact: <sip:callee@{callee}>\r\nContent-Length: 0\r\n\r\n"))
}

/// A Kamailio with the printed snippet. It is ended when it is dropped.
pub(crate) struct Kamailio {
    child: Child,
    address: SocketAddr,
    log: std::path::PathBuf,
}

impl Kamailio {
    /// Whether the modules of the printed route are there, which Debian packs by themselves.
    pub(crate) fn has_modules() -> bool {
        let folders = PROXY.split("mpath=\"").nth(1).unwrap().split('"').next().unwrap();
        let has =
            |folder: &str| ["http_client.so", "jansson.so"].iter().all(|name| Path::new(folder).join(name).is_file());
        folders.split(':').any(has)
    }

    /// What Kamailio says of its configuration with a printed route, without being started.
    pub(crate) fn check(workplace: &Workplace, snippet: &str) -> String {
        let proxy = PROXY.replace("LISTEN", "127.0.0.1:5060").replace("CALLEE", "127.0.0.1:5061");
        workplace.write("checked.cfg", proxy.replacen("request_route", &format!("{snippet}\nrequest_route"), 1));
        let mut command = Command::new("kamailio");
        let output = command.args(["-c", "-f", "checked.cfg"]).current_dir(workplace.path("")).output().unwrap();
        text(&output.stderr)
    }

    /// Starts one that sends its calls to a callee; a port that somebody else took meanwhile is tried no second time.
    pub(crate) fn start(workplace: &Workplace, snippet: &str, callee: &Callee) -> Self {
        for attempt in 0..20 {
            let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let proxy = PROXY.replace("LISTEN", &address.to_string()).replace("CALLEE", &callee.address.to_string());
            workplace.write("kamailio.cfg", proxy.replacen("request_route", &format!("{snippet}\nrequest_route"), 1));
            let log = workplace.path(&format!("kamailio-{attempt}.log"));
            let output = std::fs::File::create(&log).unwrap();
            let mut command = Command::new("kamailio");
            command.args(["-f", "kamailio.cfg", "-DD", "-E", "-m", "32", "-Y"]).arg(workplace.path(""));
            command.arg("-P").arg(workplace.path("kamailio.pid")).current_dir(workplace.path(""));
            command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
            let mut kamailio = Self { child: command.spawn().unwrap(), address, log };
            if kamailio.answers() {
                return kamailio;
            }
        }
        panic!("Kamailio does not start");
    }

    /// Waits until it answers; false when it has ended because its port is taken.
    fn answers(&mut self) -> bool {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let own = socket.local_addr().unwrap();
        let options = format!(
            "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKup\r\nMax-Forwards: 70\r\nFrom: <sip:up@{own}>;tag=up\r\n\
             To: <sip:{0}>\r\nCall-ID: up\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            self.address
        );
        let mut up = None;
        wait_until("Kamailio", || {
            if self.child.try_wait().unwrap().is_some() {
                assert!(self.log().contains("Address already in use"), "Kamailio has ended: {}", self.log());
                up = Some(false);
            } else if socket.send_to(options.as_bytes(), self.address).is_ok() && socket.recv(&mut [0; 2048]).is_ok() {
                up = Some(true);
            }
            up.is_some()
        });
        up == Some(true)
    }

    pub(crate) fn log(&self) -> String {
        text(&std::fs::read(&self.log).unwrap())
    }

    /// Waits until Kamailio has said something.
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(&format!("{text:?} of Kamailio, see {}", self.log.display()), || self.log().contains(text));
    }

    /// Calls as SIPp, at so many a second, and waits until all have ended; each line is `caller's URI;number;name`.
    pub(crate) fn call(&self, workplace: &Workplace, name: &str, calls: &[String], per_second: u32) {
        self.begin(workplace, name, calls, per_second).finish();
    }

    /// Begins to call.
    pub(crate) fn begin(&self, workplace: &Workplace, name: &str, calls: &[String], per_second: u32) -> Sipp {
        workplace.write("scenario.xml", SCENARIO);
        workplace.write(&format!("{name}.csv"), format!("SEQUENTIAL\n{}\n", calls.join("\n")));
        let screen = workplace.path(&format!("{name}.out"));
        let output = std::fs::File::create(&screen).unwrap();
        let mut command = Command::new("sipp");
        command.arg(self.address.to_string()).args(["-sf", "scenario.xml", "-inf", &format!("{name}.csv")]);
        command.args(["-i", "127.0.0.1", "-m", &calls.len().to_string(), "-r", &per_second.to_string()]);
        command.args(["-nostdin", "-timeout", &(3 * PATIENCE).as_secs().to_string(), "-timeout_error", "-l", "1000"]);
        command.env("TERM", "dumb").current_dir(workplace.path(""));
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        Sipp { child: command.spawn().unwrap(), screen }
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its first process ends all others.
        send_signal("TERM", self.child.id());
        let _ = self.child.wait();
    }
}

/// A running SIPp.
pub(crate) struct Sipp {
    child: Child,
    screen: std::path::PathBuf,
}

impl Sipp {
    /// Waits until every call has ended well; SIPp's exit code says so.
    pub(crate) fn finish(mut self) {
        let status = self.child.wait().unwrap();
        let screen = text(&std::fs::read(&self.screen).unwrap());
        let end: Vec<&str> = screen.lines().rev().take(60).collect();
        assert!(status.success(), "{status}: {}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
