//! A network of our own around the binary: names are what the test says, a public address leads to a system of the test,
//! and every address that is connected to is written down (`network.c`, loaded before the C library).
//!
//! `public.example` is public, `private.example` this machine, `metadata.example` the address of metadata services,
//! `both.example` this machine and the public one, and `turning.example` by turns the public one and this machine.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use super::{Server, Tap, Workplace, has_program, text};

/// The public address, of a network that leads nowhere (RFC 7535), and where it leads to here.
pub(crate) const PUBLIC: &str = "192.31.196.1";

/// The network, with a system at the public address and one on this machine, both at the same port.
pub(crate) struct Network {
    folder: tempfile::TempDir,
    pub(crate) public: Tap,
    pub(crate) private: Tap,
}

impl Network {
    /// The network, with what the public system answers. `None` when nothing here can build it.
    pub(crate) fn of(
        suite: &str,
        answer: impl Fn(u16, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Option<Self> {
        if !has_program("cc", suite) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("network.c"), include_str!("network.c")).unwrap();
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o", "network.so", "network.c", "-ldl"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", text(&built.stderr));
        let (public, private) = listeners();
        let port = public.local_addr().unwrap().port();
        let public = Tap::at(public, move |_, request| answer(port, request));
        let private = Tap::at(private, |_, _| Some(Tap::json("200 OK", "", r#"{"id":1,"name":"a secret"}"#)));
        Some(Self { folder, public, private })
    }

    /// Starts a server in it.
    pub(crate) fn serve(&self, workplace: &Workplace) -> Server {
        let library = self.folder.path().join("network.so");
        workplace.serve_with(|command| {
            command.env("LD_PRELOAD", library).env("NETWORK_LOG", self.log());
        })
    }

    /// The addresses that were connected to.
    pub(crate) fn reached(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("connections")
    }
}

/// The stand-in of the public address and this machine, at the same port.
fn listeners() -> (TcpListener, TcpListener) {
    let pairs = (0..100).filter_map(|_| {
        let public = TcpListener::bind("127.0.0.2:0").ok()?;
        let private = TcpListener::bind(("127.0.0.1", public.local_addr().ok()?.port())).ok()?;
        Some((public, private))
    });
    pairs.into_iter().next().expect("a port that is free at both addresses")
}
