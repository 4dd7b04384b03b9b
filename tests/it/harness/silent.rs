//! A system that takes connections and never answers.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// It is there as long as this lives.
pub(crate) struct Silent {
    address: std::net::SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Silent {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                held.push(stream);
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// A configuration whose project `sales` asks this system after its address book.
    pub(crate) fn asked_by(&self, configuration: &str) -> String {
        let params = format!("func_name=f&init_params[location]=http://{}/&init_params[uri]=urn:x", self.address);
        configuration.replace("sources = [\"customers\"]", "sources = [\"customers\", \"slow\"]")
            + &format!("\n[source.slow]\ntype = \"soap\"\ncountry = \"RO\"\nparams = \"{params}\"\n")
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = std::net::TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
